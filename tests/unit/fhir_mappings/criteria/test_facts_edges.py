"""The edges of reading records: sides of the body, ages at the limits, devices of an order, and what is inactive."""

from __future__ import annotations

import pytest

from tests.unit.fhir_mappings.records import (
    FOOT_DROP,
    Resource,
    ago,
    coded,
    condition,
    device,
    facts_of,
    mri,
    observation,
    patient,
)

LEFT, RIGHT = {"text": "Left foot"}, {"text": "Right foot"}
BOTH = {"text": "Left and right foot"}
OTHERS_DEVICE = {"patient": {"reference": "Patient/other"}}


def weakness(present: bool, day: int, site: Resource | None) -> Resource:
    """Return an observation whether there is foot drop."""
    named = "weak" if present else "strong"
    return observation(FOOT_DROP, day, named, valueBoolean=present, bodySite=site)


@pytest.mark.parametrize(
    ("positive", "negative", "stands"),
    [
        (LEFT, LEFT, False),
        (RIGHT, RIGHT, False),
        (LEFT, RIGHT, True),
        (RIGHT, LEFT, True),
        (BOTH, LEFT, True),
        (BOTH, RIGHT, True),
        (LEFT, None, False),
        (RIGHT, None, False),
        (None, LEFT, False),
        (None, None, False),
    ],
)
def test_normal_exam_of_one_side_says_nothing_of_the_other(
    positive: Resource | None, negative: Resource | None, stands: bool
) -> None:
    """A newer negative cancels an older sign unless the two name different sides of the body."""
    facts = facts_of(weakness(True, 40, positive), weakness(False, 5, negative))
    assert bool(facts.stated("motor_deficit")) is stands


@pytest.mark.parametrize(
    ("born", "age", "adult"),
    [
        (ago(0), (0, 0), False),
        (ago(1), (0, 0), False),
        (ago(-1), (None, None), None),  # a birth after the order is a data error
        ("2030", (None, None), None),
        ("1988-04-17", (38, 38), True),
        (None, (None, None), None),
    ],
)
def test_age_of_an_impossible_birth_is_unknown(
    born: str | None, age: tuple[int | None, int | None], adult: bool | None
) -> None:
    """A child born on the day of the order has the age of zero; one born later has none."""
    facts = facts_of(values={"patient": patient(born)})
    assert (facts.age, facts.at_least(18)) == (age, adult)


def test_asserted_leaves_out_what_is_denied_or_not_known() -> None:
    """What was ever asserted stays so after a denial, and neither a denial nor an absent value is one."""
    absent = observation(FOOT_DROP, 3, "absent", dataAbsentReason={"text": "not asked"})
    facts = facts_of(weakness(True, 40, None), weakness(False, 5, None), absent)
    assert [entry.reference for entry in facts.asserted("motor_deficit")] == ["Observation/weak"]
    assert facts.stated("motor_deficit") == ()


@pytest.mark.parametrize(
    ("companion", "expected"),
    [
        (device("sct:14106009", resource_id="carried"), ["carried"]),
        (device("sct:14106009", resource_id="carried", **OTHERS_DEVICE), []),
        (condition(FOOT_DROP, resource_id="carried"), []),
        (device("sct:14106009", resource_id="other"), []),
    ],
)
def test_devices_that_an_order_brings(companion: Resource, expected: list[str]) -> None:
    """Of what an order refers to, only devices that were sent and belong to the patient count."""
    reference = {"reference": f"{companion['resourceType']}/carried"}
    facts = facts_of(order=mri(supportingInfo=[reference]), others=[companion])
    assert [found.id for found in facts.devices()] == expected


def test_devices_of_chart_and_order_stand_together() -> None:
    """A device that comes with the order is added to those on record."""
    carried = device("sct:14106009", resource_id="carried")
    order = mri(supportingInfo=[{"reference": "Device/carried"}])
    facts = facts_of(device("sct:67270000", resource_id="own"), order=order, others=[carried])
    assert {found.id for found in facts.devices()} == {"own", "carried"}


@pytest.mark.parametrize(
    ("clinical", "verification", "notes"),
    [
        ("active", None, ()),
        (None, None, ()),
        ("resolved", None, ("inactive",)),
        ("remission", "provisional", ("suspected", "inactive")),
    ],
)
def test_evidence_says_that_a_problem_is_over(
    clinical: str | None, verification: str | None, notes: tuple[str, ...]
) -> None:
    """A problem that is no longer active is marked so."""
    facts = facts_of(condition(coded(FOOT_DROP), 10, clinical, verification))
    (entry,) = facts.stated("motor_deficit")
    assert facts.evidence(entry, "motor_deficit").notes == notes
