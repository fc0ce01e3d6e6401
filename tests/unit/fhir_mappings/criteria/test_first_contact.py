"""Care that has only begun: what shows it, and what leaves it open."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.fhir_mappings.records import PAIN, Resource, ago, condition, encounter, finding, mri, procedure

ORDER = mri(reasons=[PAIN])
RECORD = condition("icd:I10", 2000, recordedDate=ago(2000))
TODAY = encounter(PAIN, 0)


def first(*resources: Resource, **how: Any) -> set[str]:
    """Return the tags of R-FIRST where it is met, nothing where it is not."""
    found = finding("R-FIRST", *resources, order=how.pop("order", ORDER), **how)
    return set(found.tags) if found.met else set()


@pytest.mark.parametrize(
    ("resources", "tags"),
    [
        ((RECORD, TODAY), {"first", "today"}),
        ((RECORD, encounter(PAIN, 14)), {"first"}),
        ((RECORD, encounter(PAIN, 38)), {"first", "nearly"}),
        ((RECORD, condition(PAIN, 100, recordedDate=ago(0))), {"first", "today"}),
        ((condition(PAIN, None, recordedDate=ago(0)),), set()),  # the record does not reach back
        ((RECORD, encounter(PAIN, 42)), set()),
        ((RECORD, encounter(PAIN, 10), encounter(PAIN, 150, "before")), set()),
        ((RECORD, encounter(PAIN, 10), procedure("cpt:97161", 120)), set()),
        ((RECORD, condition(PAIN, None, recordedDate=ago(5)), procedure("cpt:97161", 900)), set()),
        ((RECORD, condition("sct:278860009", 3, recordedDate=ago(3))), set()),
        ((RECORD, condition(PAIN, 400), encounter(PAIN, 400, "before"), encounter(PAIN, 5)), set()),
        ((RECORD, encounter(None, 60), TODAY), set()),
        ((RECORD, encounter(None, 60, type=[{"text": "Dental visit"}]), TODAY), {"first", "today"}),
    ],
)
def test_first_contact(resources: tuple[Resource, ...], tags: set[str]) -> None:
    """Six weeks cannot be complete after a first contact, unless something may have come before it."""
    assert first(*resources) == tags


def test_without_a_core_source_nothing_is_first() -> None:
    """A gap in a record counts only where the record was read whole."""
    assert first(RECORD, TODAY, absent=["Encounter"]) == set()
    assert first(RECORD, TODAY, absent=["Appointment"]) == {"first", "today"}


@pytest.mark.parametrize(
    ("how", "pressing"),
    [
        ({"order": mri(priority="stat")}, True),
        ({"order": mri(priority="urgent")}, False),
    ],
)
def test_who_is_in_a_hurry(how: dict[str, Any], pressing: bool) -> None:
    """A stat order is pressing, an urgent one counts as routine."""
    assert finding("R-PRIORITY", **how).met is pressing


def test_a_patient_on_a_ward_is_pressing_today_only() -> None:
    """A stay in an emergency department counts on its day."""
    emergency: dict[str, Any] = {"class": {"code": "EMER"}}
    assert finding("R-PRIORITY", encounter(PAIN, 0, **emergency)).met
    assert not finding("R-PRIORITY", encounter(PAIN, 3, **emergency)).met


@pytest.mark.parametrize(
    ("resources", "asks", "emergency"),
    [
        ((condition("icd:M54.31", 9), condition("icd:M54.32", 5)), True, False),
        ((condition("icd:M54.31", 9),), False, False),
        ((condition("icd:M54.31", 9), condition("icd:M54.32", 5), condition("icd:R39.14", 4)), True, True),
        ((condition("icd:R39.14", 4),), False, False),
        ((condition("icd:R39.14", 4), condition("sct:6077001", 2)), False, True),
    ],
)
def test_radicular_pain_on_both_sides(resources: tuple[Resource, ...], asks: bool, emergency: bool) -> None:
    """Pain in both legs asks, and makes an emergency of a difficulty in passing urine, which alone only asks."""
    assert bool(finding("R-BILAT", *resources).questions) is asks
    assert finding("R-CES", *resources).met is emergency


@pytest.mark.parametrize(
    ("code", "day", "asks"),
    [("icd:I71.40", 900, True), ("icd:N23", 5, True), ("icd:N23", 60, False), ("icd:N20.0", 1400, False)],
)
def test_other_causes_are_asked_for_first(code: str, day: int, asks: bool) -> None:
    """An aneurysm of any age and a colic of this month may be the pain."""
    assert bool(finding("R-MIMIC", condition(code, day)).questions) is asks
