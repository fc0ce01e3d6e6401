"""What a record says, apart from which one it is, whose and when: its content, by which many records are alike.

A chart of hundreds of records holds a few dozen contents, so whoever reads records may remember what came of each. A
content is a digest: it keeps no text of a patient, and nobody can make two different contents have one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b
from operator import attrgetter
from typing import Any, Final

import msgspec

from fhir_mappings.fhir import resources as fhir

_Take = Callable[[Any], tuple[Any, ...] | None]

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


def content_of(resource: fhir.Resource) -> bytes | None:
    """Return the digest of what a record says, the numbers that it measured set apart.

    None where it cannot be told from the record alone: it refers to the drug or to the diagnoses that it is about, or
    holds other records; and for the types of which each record is looked at by itself.
    """
    take = _TAKEN.get(type(resource))
    said = take(resource) if take is not None and not resource.contained else None
    if said is None:
        return None
    try:
        return blake2b(_ENCODER.encode(said), digest_size=16).digest()
    except OverflowError:  # a number of more than 64 bits
        return None


def _elements(cls: type[msgspec.Struct], *others: str) -> _Take:
    """Return what takes the elements of a struct that are content, without some that are looked at otherwise."""
    return attrgetter(*(name for name in cls.__struct_fields__ if name not in _APART and name not in others))


def _drug(cls: type[fhir.MedicationRequest | fhir.MedicationStatement]) -> _Take:
    elements = _elements(cls)
    return lambda record: None if record.medication_codeable_concept is None else elements(record)


def _observation(observation: fhir.Observation) -> tuple[Any, ...]:
    parts = [(_PART(part), _unit(part)) for part in observation.component]
    return (_OBSERVATION(observation), _unit(observation), parts)


def _unit(part: fhir.Observation | fhir.ObservationComponent) -> tuple[str | None, str | None] | None:
    quantity = part.value_quantity
    return None if quantity is None else (quantity.code, quantity.unit)


def _encounter(encounter: fhir.Encounter) -> tuple[Any, ...] | None:
    return None if encounter.reason_reference or encounter.diagnosis else _ENCOUNTER(encounter)


_ENCOUNTER: Final = _elements(fhir.Encounter)
_OBSERVATION: Final = _elements(fhir.Observation, "value_quantity", "component")
_PART: Final = _elements(fhir.ObservationComponent, "value_quantity")
_TAKEN: Final[Mapping[type[fhir.Resource], _Take]] = {
    fhir.AllergyIntolerance: _elements(fhir.AllergyIntolerance),
    fhir.Condition: _elements(fhir.Condition),
    fhir.DiagnosticReport: _elements(fhir.DiagnosticReport),
    fhir.Encounter: _encounter,
    fhir.ImagingStudy: _elements(fhir.ImagingStudy),
    fhir.MedicationRequest: _drug(fhir.MedicationRequest),
    fhir.MedicationStatement: _drug(fhir.MedicationStatement),
    fhir.Observation: _observation,
    fhir.Procedure: _elements(fhir.Procedure),
    fhir.ServiceRequest: _elements(fhir.ServiceRequest),
}
_ENCODER: Final = msgspec.msgpack.Encoder()
