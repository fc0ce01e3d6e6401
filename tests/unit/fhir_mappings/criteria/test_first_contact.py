"""Care that has only begun: what shows it, and what leaves it open."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.fhir_mappings.records import (
    PAIN,
    SYSTEMS,
    Resource,
    ago,
    coded,
    condition,
    encounter,
    finding,
    mri,
    procedure,
    record,
)

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


@pytest.mark.parametrize(
    ("note", "flagged"),
    [
        ("Red flags: yes", True),
        ("Red flag: yes - see visit note", True),
        ("has red flags, please expedite", True),
        ("red flag symptoms present", True),
        ("Any red flags? Yes", True),
        ("No red flags identified", False),
        ("No red flags present", False),
        ("Red flags present? No", False),
        ("Any red flags present? No", False),
        ("Denies any red flags present", False),
        ("Red flags: none", False),
        ("Red flags: positive for none", False),
        ("Return if new red flags", False),
        ("Red flags discussed", False),
    ],
)
def test_a_red_flag_that_is_stated_and_not_named_presses(note: str, flagged: bool) -> None:
    """An order that says there is a red flag is asked which, in whatever words; advice and denials are not."""
    assert finding("R-PRIORITY", order=mri(note=[{"text": note}])).met is flagged


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


def _visit(day: int, **elements: Any) -> Resource:
    return encounter(None, day, "earlier", **elements)


def _text(kind: str, text: str, day: int = 100) -> Resource:
    if kind == "Procedure":
        return procedure({"text": text}, day, "earlier")
    if kind == "MedicationRequest":
        drug = {"status": "completed", "intent": "order", "medicationCodeableConcept": {"text": text}}
        return record(kind, "earlier", **drug, authoredOn=ago(day))
    if kind == "ServiceRequest":
        return record(kind, "earlier", status="active", intent="order", code={"text": text}, authoredOn=ago(day))
    return condition({"text": text}, day, resource_id="earlier")


LOCAL = {"coding": [{"system": SYSTEMS["local"], "code": "QX17"}]}


@pytest.mark.parametrize(
    "earlier",
    [
        _visit(100, reasonCode=[{"text": "Low back pain"}]),
        _visit(100, reasonCode=[LOCAL]),
        _visit(100, reasonCode=[coded("icd:I10"), LOCAL]),
        _visit(100, diagnosis=[{"condition": {"reference": "Condition/unseen"}}]),
        _visit(100, reasonCode=[{"text": "Follow-up"}], type=[{"text": "Physical therapy"}]),
        _text("Procedure", "Physical therapy session"),
        _text("Procedure", "Lumbar epidural steroid injection", 900),
        procedure("cpt:62323", 100),
        _text("ServiceRequest", "Referral to physical therapy"),
        _text("MedicationRequest", "Oxycodone 5 mg"),
        _text("Condition", "Chronic pain syndrome", 700),
        _text("Condition", "Low back pain", 100),
        _text("Condition", "Low back pain", 900),
        condition("icd:G89.29", 700),
        condition("icd:G89.4", 700),
        condition("icd:G89.4", 700, "resolved"),
    ],
)
def test_whatever_may_be_earlier_care_leaves_it_open(earlier: Resource) -> None:
    """A contact or a treatment that only words tell of, or that nobody can read, may be the beginning."""
    now = condition(PAIN, None, recordedDate=ago(3))
    assert first(RECORD, now) == {"first"}
    assert first(RECORD, now, earlier) == set()


@pytest.mark.parametrize(
    "earlier",
    [
        _visit(100, reasonCode=[{"text": "Hypertension follow-up"}]),
        _visit(100, reasonCode=[coded("icd:E11.9")]),
        _text("Procedure", "Physical therapy, knee"),
        _text("Procedure", "Colonoscopy"),
        _text("MedicationRequest", "Lisinopril 10 mg"),
        _text("Condition", "Chronic knee pain", 700),
        _text("Condition", "No back pain", 100),
    ],
)
def test_other_care_is_no_earlier_care(earlier: Resource) -> None:
    """A visit for blood pressure or therapy of a knee is no contact for the back."""
    assert first(RECORD, condition(PAIN, None, recordedDate=ago(3)), earlier) == {"first"}


@pytest.mark.parametrize(
    ("elements", "pressing"),
    [
        ({"class": {"display": "Emergency"}}, True),
        ({"class": {"code": "3", "display": "Emergency Department"}}, True),
        ({"class": [{"text": "inpatient encounter"}]}, True),
        ({"class": {"code": "imp"}}, True),
        ({"class": {"code": "AMB", "display": "ambulatory"}}, False),
        ({"class": {"code": "N", "display": "Non-emergency transport"}}, False),
    ],
)
def test_an_emergency_is_known_by_the_name_of_its_class_too(elements: dict[str, Any], pressing: bool) -> None:
    """Sites send classes of their own codes, and the name tells what they are."""
    assert finding("R-PRIORITY", encounter(PAIN, 0, **elements)).met is pressing


def test_priority_is_read_in_any_case() -> None:
    """An order that says STAT is one."""
    assert finding("R-PRIORITY", order=mri(priority="STAT")).met


@pytest.mark.parametrize(("day", "pressing"), [(90, True), (91, False), (2500, False)])
def test_a_stay_that_nobody_closed_presses_no_more(day: int, pressing: bool) -> None:
    """A patient is on a ward for weeks, and not since years ago."""
    open_stay: dict[str, Any] = {"class": {"code": "IMP"}, "status": "in-progress", "period": {"start": ago(day)}}
    stay = encounter(None, day, **open_stay)
    assert finding("R-PRIORITY", stay).met is pressing
