"""What a record says, apart from which one it is, whose and when: its content, by which many records are alike.

A chart of hundreds of records holds a few dozen contents, so whoever reads records may remember what came of each. A
content is a digest: it keeps no text of a patient, and nobody can make two different contents have one.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from operator import attrgetter
from typing import Any, Final

import msgspec

from fhir_mappings.fhir import resources as fhir

# Elements that tell records of one content apart. Any other element is content.
_APART: Final = frozenset(
    {
        *("id", "meta", "contained", "subject", "patient", "encounter", "recorder", "asserter", "performer"),
        *("onset_date_time", "recorded_date", "abatement_date_time", "abatement_period"),
        *("effective_date_time", "effective_instant", "effective_period", "issued", "reference_range"),
        *("performed_date_time", "performed_period", "authored_on", "date_asserted", "dispense_request"),
        *("class_", "location", "service_provider", "period", "started"),
    }
)
_CONTENTS: Final = (
    fhir.AllergyIntolerance,
    fhir.Condition,
    fhir.DiagnosticReport,
    fhir.Encounter,
    fhir.ImagingStudy,
    fhir.MedicationRequest,
    fhir.MedicationStatement,
    fhir.Observation,
    fhir.Procedure,
    fhir.ServiceRequest,
)


def _elements(cls: type[msgspec.Struct], *others: str) -> Callable[[Any], tuple[Any, ...]]:
    """Return what takes the elements of a struct that are content, without some that are looked at otherwise."""
    return attrgetter(*(name for name in cls.__struct_fields__ if name not in _APART and name not in others))


_ELEMENTS: Final[dict[type[fhir.Resource], Callable[[Any], tuple[Any, ...]]]] = {
    cls: _elements(cls, "value_quantity", "component") for cls in _CONTENTS
}
_PART: Final = _elements(fhir.ObservationComponent, "value_quantity")
_ENCODER: Final = msgspec.msgpack.Encoder()


def content_of(resource: fhir.Resource) -> bytes | None:
    """Return the digest of what a record says, the numbers that it measured set apart.

    None where it cannot be told from the record alone: it refers to the drug or to the diagnoses that it is about, or
    holds other records; and for the types of which each record is looked at by itself.
    """
    elements = _ELEMENTS.get(type(resource))
    if elements is None or resource.contained:
        return None
    said: tuple[Any, ...] = elements(resource)
    match resource:
        case fhir.Observation():
            parts = [(_PART(part), _unit(part)) for part in resource.component]
            said = (*said, _unit(resource), *parts)
        case fhir.Encounter() if resource.reason_reference or resource.diagnosis:
            return None
        case fhir.MedicationRequest() | fhir.MedicationStatement() if resource.medication_codeable_concept is None:
            return None
        case _:
            pass
    try:
        return blake2b(_ENCODER.encode(said), digest_size=16).digest()
    except OverflowError:  # a number of more than 64 bits
        return None


def _unit(part: fhir.Observation | fhir.ObservationComponent) -> tuple[str | None, str | None] | None:
    quantity = part.value_quantity
    return None if quantity is None else (quantity.code, quantity.unit)
