"""Where an order came from: its clinic, the requester's specialty, and the code of its reason; never a text of it."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from cds_service.replay.marking import written_code
from cds_service.replay.records import plain, relative
from fhir_mappings.fhir.datatypes import CodeableConcept
from fhir_mappings.fhir.decoding import convert
from fhir_mappings.orders.contents import objects, references

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cds_service.replay.records import Record

# Types that belong to no patient and that charts refer to; a role is also found under the person who has it.
SHARED_TYPES: Final = frozenset({"Location", "Medication", "Organization", "Practitioner", "PractitionerRole"})
ROLE_OF: Final = "role-of:"
_LONGEST_NAME: Final = 100
_LONGEST_ID: Final = 200
_IN_A_WORD: Final = re.compile(rb"\w\Z")
_NO_ID: Final = re.compile(rb"[\\|#\n]")


def shared_keys(line: bytes) -> Iterator[str]:
    """Yield the keys under which a shared resource is looked up; none where it has no id."""
    resource = plain(line)
    if isinstance(resource.get("id"), str):
        yield f"{resource['resourceType']}/{resource['id']}"
    if resource.get("resourceType") == "PractitionerRole":
        yield from (f"{ROLE_OF}{relative(name)}" for name in references(resource.get("practitioner")))


class Whence:
    """Looks up where orders came from, among a patient's records and the shared resources."""

    def __init__(self, records: Iterable[Record], shared: Mapping[str, bytes]) -> None:
        """Take what references may lead to."""
        self._records = {record.reference: record.line for record in records if record.reference}
        self._shared = shared

    def resource(self, reference: str) -> dict[str, Any]:
        """Return what a reference leads to, empty where that is not in the data."""
        line = self._records.get(reference) or self._shared.get(reference)
        return plain(line) if line is not None else {}

    def clinic(self, order: Mapping[str, Any]) -> str:
        """Return the clinic: the visit's provider or place, else the requester's organization, else the performer's."""
        visit = self._first(order.get("encounter"))
        places = [stay.get("location") for stay in objects(visit.get("location"))]
        role = self._role(order)
        asked = (visit.get("serviceProvider"), places, role.get("organization"), order.get("locationReference"))
        return next((name for value in asked if (name := self._name(value))), "")

    def specialty(self, order: Mapping[str, Any]) -> str:
        """Return what kind of clinician ordered: by the role, else by a qualification, else by the visit's service."""
        requester = self._first(order.get("requester"))
        role = self._role(order)
        qualifications = [item.get("code") for item in objects(requester.get("qualification"))]
        visit = self._first(order.get("encounter"))
        asked = (role.get("specialty"), role.get("code"), requester.get("specialty"), qualifications)
        return next((word for value in (*asked, visit.get("serviceType")) if (word := _word(value))), "")

    def reason(self, order: Mapping[str, Any]) -> str:
        """Return the code of the first reason as `system|code`, by itself or by the record that it refers to."""
        for concept in objects(order.get("reasonCode")):
            if code := code_of(concept):
                return code
        for reference in references(order.get("reasonReference")):
            if code := code_of(self.resource(relative(reference)).get("code")):
                return code
        return ""

    def _role(self, order: Mapping[str, Any]) -> dict[str, Any]:
        named = [relative(name) for name in references(order.get("requester"))]
        for name in named:
            found = self.resource(name if name.startswith("PractitionerRole/") else f"{ROLE_OF}{name}")
            if found:
                return found
        return {}

    def _first(self, value: object) -> dict[str, Any]:
        return next((found for name in references(value) if (found := self.resource(relative(name)))), {})

    def _name(self, value: object) -> str:
        """Return what an organization or a place is called, or its reference where nobody says."""
        for item in objects(value):
            if isinstance(shown := item.get("display"), str) and shown:
                return shown[:_LONGEST_NAME]
        name = self._first(value).get("name")
        if isinstance(name, str) and name:
            return name[:_LONGEST_NAME]
        return next((relative(reference)[:_LONGEST_NAME] for reference in references(value)), "")


def code_of(concept: object) -> str:
    """Return the first coding of a CodeableConcept as `system|code`; never its words."""
    codings = convert(CodeableConcept, concept).coding if isinstance(concept, dict) else []
    written = (written_code(coding.system or "", coding.code or "") for coding in codings)
    return next(filter(None, written), "")


def _word(value: object) -> str:
    """Return what a concept, or the first of several, is called; its code where there are no words."""
    for item in objects(value):
        concept = convert(CodeableConcept, item)
        shown = [concept.text, *(coding.display or coding.code for coding in concept.coding)]
        if word := next(filter(None, shown), ""):
            return word[:_LONGEST_NAME]
    return ""


def referred(lines: Iterable[bytes]) -> frozenset[str]:
    """Return the keys of the shared resources that a patient's records may refer to."""
    found: set[str] = set()
    text = b"\n".join(lines)
    for kind in SHARED_TYPES:
        for name in _ids_after(text, f"{kind}/".encode()):
            reference = f"{kind}/{name.decode('utf-8', 'replace')}".split("/_history/")[0]
            found |= {reference, f"{ROLE_OF}{reference}"} if kind == "Practitioner" else {reference}
    return frozenset(found)


def _ids_after(text: bytes, kind: bytes) -> set[bytes]:
    """Return what stands between a type and the end of its string; cutting is faster than a pattern for all types."""
    parts = text.split(kind)
    found = {
        after[: after.find(b'"', 0, _LONGEST_ID + 1)]
        for before, after in pairwise(parts)
        if after.find(b'"', 0, _LONGEST_ID + 1) > 0 and not _IN_A_WORD.search(before[-1:])
    }
    return {name for name in found if not _NO_ID.search(name)}
