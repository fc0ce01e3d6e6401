"""Rules for reading records that hold for every criterion: conflicts, future dates, age, and what evidence says."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.criteria.findings import Evidence, Status
from tests.unit.fhir_mappings.records import (
    DAY,
    FOOT_DROP,
    PAIN,
    Resource,
    ago,
    coded,
    condition,
    encounter,
    facts_of,
    finding,
    mri,
    observation,
    patient,
    prescription,
    procedure,
)

ONE, TWO = {"reference": "Practitioner/1"}, {"reference": "Practitioner/2"}


def weak(day: int | str | None, author: Resource | None = None, **elements: Any) -> Resource:
    """Return an observation of foot drop."""
    return observation(FOOT_DROP, day, "weak", valueBoolean=True, performer=[author] if author else None, **elements)


def strong(day: int | str | None, author: Resource | None = None) -> Resource:
    """Return an observation that there is no foot drop."""
    return observation(FOOT_DROP, day, "strong", valueBoolean=False, performer=[author] if author else None)


@pytest.mark.parametrize(
    ("positive", "negative", "stands"),
    [
        (weak(40), strong(5), False),
        (weak(35), strong(5), False),  # 30 days apart
        (weak(34), strong(5), True),  # 29 days apart
        (weak(10), strong(5), True),
        (weak(10, ONE), strong(5, TWO), True),
        (weak(10, ONE), strong(5, ONE), False),
        (weak(10, ONE), strong(5), True),
        (weak(10), strong(10), True),
        (weak(5), strong(40), True),  # the positive is newer
        (weak(5, ONE), strong(10, ONE), True),
        (weak(None), strong(5), True),
        (weak(40), strong(None), True),
        (weak("2026-04"), strong(2), False),
        (weak("2026-05"), strong(5), True),
        (weak("2026"), strong(5), True),
        (weak(20, ONE), strong("2026-05", ONE), True),
    ],
)
def test_newer_negative_against_older_positive(positive: Resource, negative: Resource, stands: bool) -> None:
    """A newer exam cancels an older sign only after 30 days, or when the same clinician corrects it."""
    assert bool(facts_of(positive, negative).stated("motor_deficit")) is stands


def test_problem_recorded_after_a_negative_exam_stands() -> None:
    """A weakness of long standing that was put on the list yesterday is newer than last month's normal exam."""
    problem = condition(FOOT_DROP, onset=80, recordedDate=ago(1))
    assert facts_of(problem, strong(40)).stated("motor_deficit")


def test_refuted_problem_cancels_an_older_one_only() -> None:
    """What was ruled out counts against what was recorded before it, not against what came after."""
    refuted = condition(FOOT_DROP, onset=20, verification="refuted", resource_id="no")
    assert not facts_of(weak(60), refuted).stated("motor_deficit")
    assert facts_of(weak(3), refuted).stated("motor_deficit")


def test_reason_of_the_order_is_not_cancelled() -> None:
    """What the clinician gives as the reason now outweighs every record."""
    assert facts_of(strong(0), order=mri(reasons=[FOOT_DROP])).stated("motor_deficit")


def test_conflict_is_said() -> None:
    """A sign that a newer exam denies is shown as conflicting, and one that none denies is not."""
    (evidence,) = finding("R-MOTOR", weak(10), strong(5)).evidence
    assert evidence.notes == ("conflicting",)
    (evidence,) = finding("R-MOTOR", weak(10)).evidence
    assert evidence.notes == ()


@pytest.mark.parametrize(
    ("day", "believed"),
    [
        (0, True),
        (-1, True),  # tomorrow, by another time zone
        (-2, False),
        ("2030", False),
        ("2026-06", True),
        ("2026-07", False),
    ],
)
def test_future_is_not_believed(day: int | str, believed: bool) -> None:
    """A sign dated after the order is a data error, and does not fire."""
    assert bool(facts_of(weak(day)).entries("motor_deficit")) is believed
    problem = condition(FOOT_DROP, onset=None, recordedDate=ago(day) if isinstance(day, int) else day)
    assert bool(facts_of(problem).entries("motor_deficit")) is believed


def test_future_negative_is_not_believed_either() -> None:
    """A data error cannot cancel a red flag."""
    assert facts_of(weak(80), strong(-5)).stated("motor_deficit")


@pytest.mark.parametrize(
    ("born", "adult", "elderly"),
    [
        ("2008-06-02", True, False),
        ("2008-06-03", False, False),
        ("2008-06", None, False),
        ("2008", None, False),
        ("1956-06-02", True, True),
        ("1956-06", True, None),
        (None, None, None),
    ],
)
def test_age_is_three_valued(born: str | None, adult: bool | None, elderly: bool | None) -> None:
    """Whether a patient is old enough is left open where the birth date leaves it open."""
    facts = facts_of(values={"patient": patient(born)})
    assert (facts.at_least(18), facts.at_least(70)) == (adult, elderly)


@pytest.mark.parametrize(
    ("resource", "notes"),
    [
        (condition(FOOT_DROP, verification="provisional"), ("suspected",)),
        (weak(1, status="preliminary"), ("preliminary",)),
        (condition(FOOT_DROP), ()),
    ],
)
def test_evidence_says_how_certain_it_is(resource: Resource, notes: tuple[str, ...]) -> None:
    """A suspicion and a preliminary result are shown as such."""
    (evidence,) = finding("R-MOTOR", resource).evidence
    assert evidence.notes == notes
    assert [code.code for code in evidence.codes] == ["6077001"]


def test_evidence_of_a_resource_is_given_once() -> None:
    """One resource that states one thing by several ways is one line of evidence."""
    twice = observation(FOOT_DROP, valueCodeableConcept=coded(FOOT_DROP))
    assert len(finding("R-MOTOR", twice).evidence) == 1


@pytest.mark.parametrize(
    ("how", "status", "unavailable"),
    [
        ({}, Status.NOT_MET, ()),
        ({"failed": ["Observation"]}, Status.UNKNOWN, ("Observation",)),
        ({"cut": ["Condition"]}, Status.UNKNOWN, ("Condition",)),
        ({"absent": ["Encounter"]}, Status.UNKNOWN, ("Encounter",)),
    ],
)
def test_absence_is_said_only_of_complete_sources(
    how: dict[str, Any], status: Status, unavailable: tuple[str, ...]
) -> None:
    """No sign in a source that was not read whole is no proof that there is none."""
    found = finding("R-MOTOR", **how)
    assert (found.status, found.unavailable) == (status, unavailable)


def test_what_is_found_counts_although_sources_are_missing() -> None:
    """A sign fires whatever else could not be read."""
    assert finding("R-MOTOR", condition(FOOT_DROP), failed=["Observation", "Encounter"]).met


def test_concepts_are_asked_for_together() -> None:
    """An entry that belongs to two concepts that are asked for is returned once."""
    facts = facts_of(condition("sct:94222008"))
    assert len(facts.entries("cancer_active", "cancer_metastatic_spine")) == 1
    assert len(facts.stated("cancer_active", "cancer_metastatic_spine")) == 1


def test_evidence_takes_the_first_concept_that_it_codes() -> None:
    """Evidence is filed under what the criterion looked for first."""
    facts = facts_of(condition(PAIN))
    (entry,) = facts.stated("lbp_nonspecific")
    evidence = facts.evidence(entry, "radiculopathy", "lbp_nonspecific")
    assert isinstance(evidence, Evidence)
    assert evidence.concept == "lbp_nonspecific"
    assert evidence.when.latest is not None
    assert (DAY - evidence.when.latest).days == 10


def test_evidence_prefers_what_a_code_says() -> None:
    """A product whose name also tells its ingredient is shown by its code, whichever is asked for first."""
    product = coded("rx:197806", text="Ibuprofen 600 MG Oral Tablet")
    facts = facts_of(prescription("rx:197806", 20, 30, medicationCodeableConcept=product))
    (entry,) = facts.stated("nsaid_product")
    assert {"nsaid_drug", "nsaid_product"} <= entry.concepts
    for asked in (("nsaid_drug", "nsaid_product"), ("nsaid_product", "nsaid_drug")):
        evidence = facts.evidence(entry, *asked)
        assert (evidence.concept, bool(evidence.codes)) == ("nsaid_product", True)


OLD = mri(authoredOn=ago(45))


@pytest.mark.parametrize(
    ("criterion", "resource", "tag"),
    [
        ("R-CES", condition("icd:G83.4", 1), None),
        ("R-PREG", condition("icd:Z33.1", 5), None),
        ("R-CON-SAFE", condition("icd:N18.6", 5), "renal_disease"),
        ("R-CON-MIT", condition("icd:M45.6", 5), None),
        ("R-V6", condition("icd:Z79.52", 5), "steroid"),
    ],
)
def test_what_became_known_after_an_old_order_counts(criterion: str, resource: Resource, tag: str | None) -> None:
    """An order of last month is signed today with everything that has become known since."""
    found = finding(criterion, resource, order=OLD)
    assert found.met
    assert tag is None or tag in found.tags
    assert finding("R-DATE", resource, order=OLD).questions == ()


@pytest.mark.parametrize(
    "resource",
    [
        condition("icd:I71.40", "2062-05-01"),
        condition("icd:Z79.52", "2062-05-01"),
        condition("icd:N18.6", "2062-05-01"),
        condition("icd:M45.6", "2062-05-01"),
        condition("icd:Z33.1", "2062-05-01"),
        procedure("cpt:63030", "2062-05-01"),
    ],
)
def test_a_date_that_cannot_be_true_is_asked_about(resource: Resource) -> None:
    """Whatever bears on the order and is dated in the future fires nothing, and is not passed over."""
    assert finding("R-DATE", resource).questions == ("future_date",)
    assert finding(
        "R-DATE", order=mri(contained=[resource], reasonReference=[{"reference": f"#{resource['id']}"}])
    ).questions


def test_pain_is_counted_from_the_day_of_an_old_order() -> None:
    """A visit for pain, or care, since an old order changes nothing of the weeks before it."""
    later = [encounter(PAIN, 5), procedure("cpt:97161", 5)]
    assert finding("R-EPISODE", condition(PAIN, 55), *later, order=OLD).status.value == "NOT_MET"
    assert finding("R-DATE", *later, order=OLD).questions == ()
