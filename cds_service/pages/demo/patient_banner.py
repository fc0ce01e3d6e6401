"""Who a chart is about, in the few words of an EHR's banner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fhir_mappings.fhir.dates import parse_date, years_between
from fhir_mappings.fhir.sources import SourceState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from cards.guideline.wording import Wording

_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Person:
    """A patient: id, name, gender and birth date as recorded, each empty where it is not.

    `problem` says why there is nobody to show; then the rest is empty.
    """

    id: str = ""
    name: str = ""
    gender: str = ""
    birth_date: str = ""
    problem: str = ""

    def age(self, day: date) -> str:
        """Return the age in years on a day, a range where the birth date is partial; empty where it is not known."""
        low, high = years_between(parse_date(self.birth_date), day)
        if low is None or high is None or high < 0:
            return ""
        return str(low) if low == high else f"{low} or {high}"

    def banner(self, day: date) -> dict[str, str]:
        """Return what the page shows of the patient."""
        return {
            "id": self.id,
            "name": self.problem or self.name or "(no name)",
            "gender": self.gender or ("" if self.problem else "sex not recorded"),
            "birthDate": self.birth_date,
            "age": self.age(day),
        }


def person_in_context(value: Any, state: SourceState, patient_id: str, wording: Wording) -> Person:
    """Return the patient that a request is about, from the decoded prefetch value `patient` and what became of it.

    A Patient of another id is somebody else, whose name and birth date must not stand above this chart.
    """
    patients = list(_patients(value))
    own = next((found for found in patients if found.get("id") == patient_id), None)
    if own is not None:
        return person_of(own)
    if patients:
        unnamed = all(not found.get("id") for found in patients)
        problem = "no_id" if unnamed else "somebody_else"
    else:
        problem = "not_sent" if state is SourceState.NOT_PROVIDED else "not_read"
    return Person(problem=wording.text("demo-page", "patient", problem))


def _patients(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every Patient of a prefetch value, bare, in a Bundle, or wrapped as old clients do."""
    if not isinstance(value, dict):
        return
    if value.get("resourceType") == "Patient":
        yield value
        return
    entries = value.get("entry")
    for item in (value, *(entries if isinstance(entries, list) else ())):
        inner = item.get("resource") if isinstance(item, dict) else None
        if isinstance(inner, dict) and inner.get("resourceType") == "Patient":
            yield inner


def person_of(patient: Any) -> Person:
    """Return the person in a Patient as decoded JSON; whatever is not as FHIR has it counts as not recorded."""
    if not isinstance(patient, dict) or patient.get("resourceType") != "Patient":
        return Person()
    return Person(
        id=_text(patient, "id"),
        name=_name(patient.get("name")),
        gender=_text(patient, "gender"),
        birth_date=_text(patient, "birthDate"),
    )


def _name(names: Any) -> str:
    first = next((item for item in names if isinstance(item, dict)), {}) if isinstance(names, list) else {}
    given = first.get("given")
    parts = [*(given if isinstance(given, list) else ()), first.get("family")]
    name = " ".join(part for part in parts if isinstance(part, str)) or _text(first, "text")
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"


def _text(members: Mapping[str, Any], key: str) -> str:
    value = members.get(key)
    return value if isinstance(value, str) else ""
