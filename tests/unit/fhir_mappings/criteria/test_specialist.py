"""Who orders: a specialist is known by the requester or by the visit, and by nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.fhir_mappings.records import PAIN, Resource, encounter, finding, mri

ROLE = {
    "resourceType": "PractitionerRole",
    "id": "role",
    "specialty": [{"coding": [{"display": "Neurological Surgery"}]}],
}
FAMILY = {**ROLE, "specialty": [{"text": "Family Medicine"}]}


def by(**requester: Any) -> dict[str, Any]:
    """Return an order by somebody."""
    return {"order": mri(reasons=[PAIN], **requester)}


def visit(day: int = 0, named: str = "visit", **elements: Any) -> Resource:
    """Return a visit with what its service and place are called."""
    return encounter(None, day, named, **elements)


REFERENCE = {"requester": {"reference": "#role"}}


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (by(requester={"reference": "Practitioner/1", "display": "Dr A. Miller, Spine Center"}), True),
        (by(requester={"reference": "Practitioner/1", "display": "Dr A. Miller, Family Medicine"}), False),
        (by(requester={"reference": "Practitioner/1", "display": "Painter, Dr"}), False),
        (by(requester={"agent": {"display": "Interventional Pain Clinic"}}), True),
        (by(**REFERENCE, contained=[ROLE]), True),
        (by(**REFERENCE, contained=[FAMILY]), False),
        (by(**REFERENCE, contained=["?"]), False),
        ({**by(requester={"reference": "PractitionerRole/role"}), "others": [ROLE]}, True),
        (by(performer=[{"display": "Spine Imaging"}], performerType={"text": "Spine radiologist"}), False),
        (by(requester="Spine Clinic"), False),
    ],
)
def test_requester_tells(how: dict[str, Any], expected: bool) -> None:
    """Specialty, department and name of whoever ordered count; who is to perform the scan does not."""
    assert finding("R-SPECIALIST", **how).met is expected


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([visit(serviceType={"text": "Pain management"})], True),
        ([visit(serviceType=[{"concept": {"coding": [{"display": "Orthopaedic surgery"}]}}])], True),
        ([visit(location=[{"location": {"display": "UNIVERSITY SPINE CENTER"}}])], True),
        ([visit(serviceProvider={"display": "Neurosurgery Associates"})], True),
        ([visit(contained=[{"resourceType": "Location", "id": "1", "name": "Pain Clinic"}])], True),
        ([visit(serviceType={"text": "Primary care"}, reasonCode=[{"text": "spinal pain, pain management"}])], False),
        ([visit(30, serviceType={"text": "Pain management"})], False),
        ([visit(location="spine")], False),
    ],
)
def test_visit_of_the_day_tells(resources: list[Resource], expected: bool) -> None:
    """Service and place of the visit count, never its reason, and never those of another day."""
    assert finding("R-SPECIALIST", *resources, order=mri(reasons=[PAIN])).met is expected


def test_visit_that_the_order_names_counts_alone() -> None:
    """An order of the family doctor is not the surgeon's because there was an appointment on the same day."""
    family, surgeon = visit(0, "family"), visit(0, "surgeon", serviceType={"text": "Spine surgery"})
    order = mri(reasons=[PAIN], encounter={"reference": "Encounter/family"})
    assert not finding("R-SPECIALIST", family, surgeon, order=order).met
    order = mri(reasons=[PAIN], encounter={"reference": "Encounter/surgeon"})
    assert finding("R-SPECIALIST", family, surgeon, order=order).met
