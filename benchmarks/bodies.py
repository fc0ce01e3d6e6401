"""Bodies of hook calls to measure with: charts in Synthea's form, under our own prefetch keys.

About one record in twenty is about the back; the others are what fills any chart. Everything follows from the size, so
that two runs measure the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from itertools import count
from typing import Any, Final

from fhir_mappings.fhir.needs import DATA_NEEDS

TODAY: Final = date(2026, 6, 2)
SIZES: Final = {"10 kB": 10_000, "100 kB": 100_000, "500 kB": 500_000, "1 MB": 1_000_000, "5 MB": 4_900_000}
CALL: Final = "/cds-services/lumbar-mri-order-sign"
PATIENT: Final = "bench-1"

_SNOMED: Final = "http://snomed.info/sct"
_LOINC: Final = "http://loinc.org"
_ICD: Final = "http://hl7.org/fhir/sid/icd-10-cm"
_CPT: Final = "http://www.ama-assn.org/go/cpt"
_RXNORM: Final = "http://www.nlm.nih.gov/research/umls/rxnorm"
_HL7: Final = "http://terminology.hl7.org/CodeSystem"

# What fills a chart: ordinary records, of which no rule asks much.
_DISORDERS: Final = (
    ("38341003", "Hypertensive disorder"),
    ("444814009", "Viral sinusitis (disorder)"),
    ("66383009", "Gingivitis (disorder)"),
    ("160903007", "Full-time employment (finding)"),
)
_RESULTS: Final = (
    ("2345-7", "Glucose [Mass/volume] in Serum or Plasma", "mg/dL"),
    ("8302-2", "Body Height", "cm"),
    ("29463-7", "Body Weight", "kg"),
    ("8867-4", "Heart rate", "/min"),
)
_PROCEDURES: Final = (
    ("171207006", "Depression screening (procedure)"),
    ("710824005", "Assessment of health and social care needs (procedure)"),
)
_MEDICINES: Final = (
    ("351109", "budesonide 0.25 MG/ML Inhalation Suspension"),
    ("630208", "albuterol 0.83 MG/ML Inhalation Solution"),
)


def body(size: int, *, ours: bool) -> bytes:
    """Return the body of an order-sign call of about so many bytes, for a lumbar MRI or something else."""
    document = _call(ours=ours)
    written = len(_text(document))
    records = _chart()
    while written < size:
        key, record = next(records)
        document["prefetch"][key]["entry"].append(_entry(record))
        written += len(_text(_entry(record))) + 1
    return _text(document)


def _text(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _coded(system: str, code: str, display: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def _call(*, ours: bool) -> dict[str, Any]:
    code = ("72148", "MRI lumbar spine without contrast") if ours else ("72131", "CT lumbar spine without contrast")
    order = {
        "resourceType": "ServiceRequest",
        "id": "order-1",
        "status": "draft",
        "intent": "order",
        "code": _coded(_CPT, *code),
        "subject": {"reference": f"Patient/{PATIENT}"},
        "authoredOn": TODAY.isoformat(),
        "reasonCode": [_coded(_ICD, "M54.50", "Low back pain, unspecified")],
    }
    empty = {"resourceType": "Bundle", "type": "searchset"}
    prefetch: dict[str, Any] = {need.key: {**empty, "entry": []} for need in DATA_NEEDS}
    prefetch["patient"] = {"resourceType": "Patient", "id": PATIENT, "birthDate": "1988-01-01", "gender": "female"}
    return {
        "hook": "order-sign",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {
            "userId": "Practitioner/example",
            "patientId": PATIENT,
            "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": order}]},
        },
        "prefetch": prefetch,
    }


def _entry(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "fullUrl": f"https://fhir.example.org/r4/{record['resourceType']}/{record['id']}",
        "resource": record,
        "search": {"mode": "match"},
    }


def _chart() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield records without end, each with the prefetch key that it comes under."""
    for number in count():
        key, make = _MIX[number % len(_MIX)]
        yield key, make(number)


def _common(kind: str, number: int, category: tuple[str, str] | None = None) -> dict[str, Any]:
    day = f"20{15 + number % 11}-{number % 12 + 1:02}-{number % 28 + 1:02}"
    record: dict[str, Any] = {
        "resourceType": kind,
        "id": f"{number:08x}-5b1c-4c31-9a5f-{kind.lower():.8}",
        "meta": {
            "versionId": "1",
            "lastUpdated": f"{day}T08:15:30.000+00:00",
            "profile": [f"http://hl7.org/fhir/us/core/StructureDefinition/us-core-{kind.lower()}"],
        },
        "subject": {"reference": f"Patient/{PATIENT}"},
        "encounter": {"reference": f"Encounter/{number:08x}-aaaa-4c31-9a5f-encounter"},
    }
    if category:
        record["category"] = [_coded(f"{_HL7}/{category[0]}", category[1], category[1].title())]
    return record


def _day(number: int) -> str:
    return f"20{15 + number % 11}-{number % 12 + 1:02}-{number % 28 + 1:02}T09:30:00-05:00"


def _condition(number: int) -> dict[str, Any]:
    return {
        **_common("Condition", number, ("condition-category", "encounter-diagnosis")),
        "clinicalStatus": _coded(f"{_HL7}/condition-clinical", "active", "Active"),
        "verificationStatus": _coded(f"{_HL7}/condition-ver-status", "confirmed", "Confirmed"),
        "code": _coded(_SNOMED, *_DISORDERS[number % len(_DISORDERS)]),
        "onsetDateTime": _day(number),
        "recordedDate": _day(number),
    }


def _back_pain(number: int) -> dict[str, Any]:
    onset = "2026-05-20T09:30:00-05:00"
    found = {"code": _coded(_ICD, "M54.50", "Low back pain, unspecified"), "onsetDateTime": onset}
    return {**_condition(number), **found, "recordedDate": onset}


def _observation(number: int) -> dict[str, Any]:
    code, display, unit = _RESULTS[number % len(_RESULTS)]
    return {
        **_common("Observation", number, ("observation-category", "laboratory")),
        "status": "final",
        "code": _coded(_LOINC, code, display),
        "effectiveDateTime": _day(number),
        "issued": f"{_day(number)[:19]}.000-05:00",
        "valueQuantity": {
            "value": round(60 + number % 90 + 0.25, 2),
            "unit": unit,
            "system": "http://unitsofmeasure.org",
            "code": unit,
        },
        "referenceRange": [{"text": "see the laboratory's manual"}],
    }


def _procedure(number: int) -> dict[str, Any]:
    return {
        **_common("Procedure", number),
        "status": "completed",
        "code": _coded(_SNOMED, *_PROCEDURES[number % len(_PROCEDURES)]),
        "performedPeriod": {"start": _day(number), "end": _day(number)},
        "location": {"display": "GENERAL HOSPITAL"},
    }


def _medication(number: int) -> dict[str, Any]:
    return {
        **_common("MedicationRequest", number, ("medicationrequest-category", "community")),
        "status": "completed",
        "intent": "order",
        "medicationCodeableConcept": _coded(_RXNORM, *_MEDICINES[number % len(_MEDICINES)]),
        "authoredOn": _day(number),
        "requester": {"reference": "Practitioner/0000", "display": "Dr. Example"},
        "dosageInstruction": [
            {"sequence": 1, "timing": {"repeat": {"frequency": 1, "period": 1.0, "periodUnit": "d"}}}
        ],
    }


def _key_of(kind: str) -> str:
    return next(need.key for need in DATA_NEEDS if need.resource_type == kind)


_Maker = Callable[[int], dict[str, Any]]
_MIX: Final[tuple[tuple[str, _Maker], ...]] = tuple(
    (_key_of(kind), make)
    for kind, make in (
        ("Condition", _back_pain),
        *(("Condition", _condition),) * 3,
        *(("Observation", _observation),) * 11,
        *(("Procedure", _procedure),) * 2,
        *(("MedicationRequest", _medication),) * 3,
    )
)
