"""Who orders: what the requester, their role and their department are called.

A role's specialty is where FHIR puts it, and few EHRs send one: most name the person and, in the display, the
department. So all names are read, and words decide. Only the requester counts: who performs an MRI is a radiologist.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fhir_mappings.orders.contents import Companion, objects, references

# Elements of a PractitionerRole that say what somebody is: concepts, and references with a name.
_ROLE: Final = ("specialty", "code", "healthcareService", "organization", "location")
_SPECIALIST: Final = re.compile(
    r"\b(?:spine|spinal|neuro-?surg\w*|orthop\w+|surge(?:on|ons|ry)"
    r"|pain (?:medicine|management|clinic|cent(?:er|re)|service|specialist|physician))\b"
)


def requester_names(order: Mapping[str, Any], companions: Mapping[str, Companion]) -> tuple[str, ...]:
    """Return what whoever placed an order is called, as far as order, contained and drafted resources tell."""
    found: list[str] = []
    for requester in objects(order.get("requester")):
        # STU3 names the person in `agent`, and for whom in `onBehalfOf`.
        for named in (requester, *objects(requester.get("agent")), *objects(requester.get("onBehalfOf"))):
            found += _texts(named, "display")
            for reference in references(named):
                role = companions.get(reference)
                found += _of_role(role.plain) if role is not None else ()
    return tuple(dict.fromkeys(found))


def is_specialist(names: tuple[str, ...]) -> bool:
    """Whether names are those of a spine clinic, a pain clinic or a surgeon."""
    return any(_SPECIALIST.search(name.casefold()) for name in names)


def _of_role(role: Mapping[str, Any]) -> Iterator[str]:
    for element in _ROLE:
        for value in objects(role.get(element)):
            for part in (value, *objects(value.get("coding")), *objects(value.get("concept"))):
                yield from _texts(part, "text", "display")


def _texts(value: Mapping[str, Any], *names: str) -> list[str]:
    return [text for name in names if isinstance(text := value.get(name), str) and text]
