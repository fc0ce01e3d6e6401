"""Small charts and hook requests for the tests of the demo."""

from __future__ import annotations

from datetime import date
from typing import Any

from cds_service.config.settings import load_settings
from cds_service.hooks.adviser import Adviser
from cds_service.hooks.setup import advisers_of, clients_of
from fhir_mappings.fhir.needs import DATA_NEEDS

DAY = date(2026, 6, 2)
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"
_EMPTY = {"resourceType": "Bundle", "type": "searchset", "total": 0}


def make_adviser() -> Adviser:
    """Return the adviser of the development client."""
    settings = load_settings({})
    return advisers_of(clients_of(settings), settings)["development"]


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    """Return a searchset."""
    entries = [{"resource": item, "search": {"mode": "match"}} for item in resources]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries}


def condition(
    name: str, system: str, code: str, *, onset: str = "", verification: str = "confirmed", text: str = ""
) -> dict[str, Any]:
    """Return an active Condition."""
    status = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    found: dict[str, Any] = {
        "resourceType": "Condition",
        "id": name,
        "clinicalStatus": {"coding": [{"system": status, "code": "active"}]},
        "verificationStatus": {"coding": [{"code": verification}]},
        "code": {"coding": [{"system": system, "code": code}]},
    }
    if text:
        found["code"]["text"] = text
    return found | ({"onsetDateTime": onset} if onset else {})


def observation(name: str, loinc: str, value: float, unit: str, day: str) -> dict[str, Any]:
    """Return a final Observation with a quantity."""
    return {
        "resourceType": "Observation",
        "id": name,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]},
        "effectiveDateTime": day,
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    }


def hook_request(*, order: dict[str, Any] | None = None, hook: str = "order-sign", **prefetch: Any) -> dict[str, Any]:
    """Return a hook request with one lumbar MRI order; every source that is not given is empty."""
    draft = {
        "resourceType": "ServiceRequest",
        "id": "mri",
        "status": "draft",
        "intent": "order",
        "code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "72148"}]},
        "subject": {"reference": "Patient/p"},
        "authoredOn": "2026-06-02",
    } | (order or {})
    sources = {need.key: _EMPTY for need in DATA_NEEDS}
    sources["patient"] = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1980-01-01"}
    return {
        "hook": hook,
        "hookInstance": "00000000-0000-4000-8000-000000000001",
        "context": {
            "userId": "Practitioner/1",
            "patientId": "p",
            "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": draft}]},
        },
        "prefetch": {key: value for key, value in (sources | prefetch).items() if value is not ...},
    }
