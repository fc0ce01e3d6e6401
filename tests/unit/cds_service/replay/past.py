"""Records of the past, and an assessor, for tests of the replay. All codes are those of other tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cds_service.config.settings import load_settings
from cds_service.replay.as_of import as_of
from cds_service.replay.assessing import Scope
from cds_service.replay.moments import parse_moment
from cds_service.replay.records import read_records
from cds_service.replay.setup import ReplaySetup
from tests.protocol.builders import CPT, ICD_10_CM, PATIENT, concept, lumbar_mri

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cds_service.replay.assessing import Assessor

DAY = "2026-06-02"
SUBJECT = {"reference": f"Patient/{PATIENT}"}
ACTIVE = concept("http://terminology.hl7.org/CodeSystem/condition-clinical", "active")
RESOLVED = concept("http://terminology.hl7.org/CodeSystem/condition-clinical", "resolved")
PATIENT_RESOURCE = {"resourceType": "Patient", "id": PATIENT, "gender": "female", "birthDate": "1988-04-17"}


def lines(*resources: Mapping[str, Any]) -> list[bytes]:
    """Return resources as the lines of an export."""
    return [json.dumps(resource).encode() for resource in resources]


def past_order(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return an order as an export holds it: long completed."""
    return lumbar_mri(number, **({"status": "completed"} | changes))


def condition(icd: str = "M54.50", **members: Any) -> dict[str, Any]:
    """Return a problem."""
    usual = {"resourceType": "Condition", "id": "c-1", "subject": SUBJECT, "code": concept(ICD_10_CM, icd)}
    return {**usual, "clinicalStatus": ACTIVE, **members}


def record(resource_type: str, **members: Any) -> dict[str, Any]:
    """Return a resource of the patient."""
    return {"resourceType": resource_type, "id": f"{resource_type}-1".lower(), "subject": SUBJECT, **members}


def study(**members: Any) -> dict[str, Any]:
    """Return a lumbar MRI that was done."""
    return record("ImagingStudy", **({"status": "available", "procedureCode": [concept(CPT, "72148")]} | members))


def then(moment: str, *resources: Mapping[str, Any], order: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return the resources of the chart of a moment, decoded."""
    at = parse_moment(moment)
    assert at is not None
    records = read_records(lines(*resources))
    own = next((item for item in records if order and item.id == order["id"]), None)
    return list(decoded(as_of(records, at, own).resources))


def decoded(resources: Mapping[str, Iterable[bytes]]) -> Iterable[dict[str, Any]]:
    """Return resources decoded, by type."""
    return (json.loads(line) for _, found in sorted(resources.items()) for line in found)


def assessor(scope: Scope | None = None, **settings: Any) -> Assessor:
    """Return an assessor that keeps identifiers, so that tests can tell who is who."""
    return ReplaySetup(load_settings({}, **settings), scope=scope or Scope()).assessor()
