"""The edges of the six weeks: what starts an episode, what counts as care, what is asked, and what is shown."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from fhir_mappings.criteria.episode import episode, has_pain
from fhir_mappings.fhir.dates import UNKNOWN_DATE
from tests.unit.fhir_mappings.records import (
    DAY,
    PAIN,
    Resource,
    ago,
    condition,
    encounter,
    facts_of,
    finding,
    mri,
    observation,
    prescription,
    procedure,
    request,
    verdict,
)

THERAPY, IBUPROFEN, REFERRAL = "cpt:97161", "rx:5640", "sct:444831000124102"
REFLEX, NUMB = "icd:R29.2", "icd:R20.0"
MET, NOT_MET, UNKNOWN = "MET", "NOT_MET", "UNKNOWN"
LONG, SHORT = condition(PAIN, 60), condition(PAIN, 10)
SUSPECTED = condition(PAIN, 10, verification="provisional")
NOW = mri(reasons=[PAIN])
SIX_WEEKS, ANY_CARE = "Conservative therapy tried for 6 weeks?", "Conservative therapy tried?"


def form(question: str, answer: str, day: int = 1, resource_id: str = "form") -> Resource:
    """Return an answer to a question of an order form."""
    return observation({"text": question}, day, resource_id, valueString=answer)


def references(criterion: str, *resources: Resource, **how: Any) -> list[str]:
    """Return what a criterion shows as evidence."""
    return [item.reference for item in finding(criterion, *resources, **how).evidence]


@pytest.mark.parametrize(
    ("resources", "first"),
    [
        ([], None),
        ([condition(PAIN, None)], None),
        ([condition(PAIN, "2026-05")], date(2026, 5, 1)),
        ([condition(PAIN, None, onsetPeriod={"end": "2026-05-20"})], date(2026, 5, 20)),
        ([condition(PAIN, None), encounter(PAIN, "2026-05-20")], date(2026, 5, 20)),
        ([condition(PAIN, "2026-05-11"), encounter(PAIN, "2026-05-20")], date(2026, 5, 11)),
    ],
)
def test_first_day_of_pain_on_record(resources: list[Resource], first: date | None) -> None:
    """It is the first day that any dated record of the episode allows."""
    assert episode(facts_of(*resources)).first_day == first


def test_no_pain_on_record_has_no_start() -> None:
    """Without a record of pain nothing is known of when it began."""
    found = episode(facts_of())
    assert (found.start, found.entries, found.unsettled) == (UNKNOWN_DATE, (), ())


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        # a suspicion is no ground to call the pain new
        ([condition(PAIN, 60, verification="provisional"), encounter(PAIN, 10)], (MET, ())),
        # begun 46 days ago at the earliest: only the visit says by when
        (
            [
                condition(PAIN, None, onsetRange={"low": {"value": 38, "unit": "a", "code": "a"}}),
                encounter(PAIN, 10),
            ],
            (UNKNOWN, ("onset",)),
        ),
        # over, but nobody wrote since when
        ([condition(PAIN, 400, "resolved")], (UNKNOWN, ("onset",))),
        # care bridges the way back to an open problem in steps of less than 180 days
        ([condition(PAIN, 400), procedure(THERAPY, 179, "a"), procedure(THERAPY, 300, "b")], (MET, ())),
        ([condition(PAIN, 400), procedure(THERAPY, 180, "a"), procedure(THERAPY, 300, "b")], (UNKNOWN, ("onset",))),
        ([condition(PAIN, 400), procedure(THERAPY, 179, "a"), procedure(THERAPY, 359, "b")], (UNKNOWN, ("onset",))),
        ([], (UNKNOWN, ("onset",))),
        ([SHORT], (NOT_MET, ())),
        ([LONG], (MET, ())),
    ],
)
def test_start_and_what_is_asked_of_it(resources: list[Resource], expected: tuple[str, tuple[str, ...]]) -> None:
    """The onset is asked for where the records leave it open, and only there."""
    assert verdict("R-EPISODE", *resources) == expected


@pytest.mark.parametrize(
    "resource",
    [
        encounter(THERAPY, 50),  # came about it
        observation(IBUPROFEN, 50),  # found in a test
        request(REFERRAL, 50),
    ],
)
def test_care_that_was_only_named_was_not_given(resource: Resource) -> None:
    """A code of therapy or of a drug is care only in a procedure, a prescription or a medication statement."""
    assert verdict("R-FAIL6W", LONG, resource, order=NOW)[0] == UNKNOWN
    assert references("R-FAIL6W", LONG, resource, order=NOW) == ["Condition/condition-icd-M54-50"]


@pytest.mark.parametrize(
    ("answers", "failed", "against"),
    [
        ([form(SIX_WEEKS, "Yes")], MET, NOT_MET),
        ([form(ANY_CARE, "Yes")], UNKNOWN, UNKNOWN),  # for how long is not said
        ([form(SIX_WEEKS, "Partly")], UNKNOWN, UNKNOWN),
        ([form(ANY_CARE, "None")], NOT_MET, MET),
        # the newer answer counts, whatever its id
        ([form(SIX_WEEKS, "Yes", 30, "z"), form(ANY_CARE, "None", 1, "a")], NOT_MET, MET),
        ([form(SIX_WEEKS, "Yes", 1, "a"), form(ANY_CARE, "None", 30, "z")], MET, NOT_MET),
    ],
)
def test_what_the_order_form_says_of_care(answers: list[Resource], failed: str, against: str) -> None:
    """Six weeks count as done only where the newest answer says so of six weeks."""
    assert verdict("R-FAIL6W", LONG, *answers, order=NOW)[0] == failed
    assert verdict("R-6W-NO", LONG, *answers, order=NOW)[0] == against


@pytest.mark.parametrize(
    ("resources", "how", "expected"),
    [
        ([], {}, False),
        ([], {"order": NOW}, True),
        ([condition(PAIN, 400)], {}, True),
        ([condition(PAIN, 400, None)], {}, True),
        ([condition(PAIN, 10, "resolved")], {}, False),
        ([encounter(PAIN, 90)], {}, True),
        ([encounter(PAIN, 91)], {}, False),
    ],
)
def test_pain_now(resources: list[Resource], how: dict[str, Any], expected: bool) -> None:
    """There is pain now by the order's reason, an open problem, or a contact within ninety days."""
    assert has_pain(facts_of(*resources, **how)) is expected


@pytest.mark.parametrize(
    ("resources", "tags"),
    [
        ([SHORT], {"early"}),
        ([SHORT, procedure(THERAPY, 5)], {"early"}),
        ([LONG, form(ANY_CARE, "None")], {"untreated"}),
        ([LONG, procedure(THERAPY, 20)], {"untreated", "undertreated"}),
        ([LONG, procedure(THERAPY, 50)], set()),
    ],
)
def test_why_the_scan_is_too_early(resources: list[Resource], tags: set[str]) -> None:
    """Too short a pain, no care and too little care are told apart."""
    assert finding("R-6W-NO", *resources, order=NOW).tags == tags


@pytest.mark.parametrize(
    ("resources", "how", "questions"),
    [
        ([SHORT], {}, ()),
        ([SUSPECTED], {"order": NOW}, ("onset",)),  # the confirmed pain, the order's, has no date
        ([condition(PAIN, "2026")], {}, ("onset",)),
        ([SHORT], {"cut": ["Condition"]}, ()),  # nothing to ask: the rest of the record says it
        ([LONG], {}, ("therapy",)),
        ([LONG, procedure(THERAPY, 50)], {}, ()),
    ],
)
def test_what_is_asked_before_advising_against(
    resources: list[Resource], how: dict[str, Any], questions: tuple[str, ...]
) -> None:
    """The onset is asked for unless confirmed pain is certainly new or certainly old."""
    assert verdict("R-6W-NO", *resources, **how)[1] == questions


@pytest.mark.parametrize(
    ("resources", "how", "questions"),
    [
        ([], {}, ("onset", "therapy", "indication")),
        ([LONG], {}, ("therapy",)),  # an open problem, though without a recent contact
        ([LONG], {"order": NOW}, ("therapy",)),
        ([LONG, procedure(THERAPY, 50)], {}, ()),
        ([SHORT], {"order": NOW, "cut": ["Condition"]}, ()),
        ([encounter(PAIN, 120), procedure(THERAPY, 60)], {}, ("indication",)),
    ],
)
def test_what_is_asked_about_failed_care(
    resources: list[Resource], how: dict[str, Any], questions: tuple[str, ...]
) -> None:
    """What is missing is asked for: the onset, the care, and the reason only where no pain is known now."""
    assert verdict("R-FAIL6W", *resources, **how) == (UNKNOWN, questions)


@pytest.mark.parametrize(
    "source",
    ["Condition", "Encounter", "Procedure", "MedicationRequest", "MedicationStatement", "ServiceRequest"],
)
@pytest.mark.parametrize("criterion", ["R-FAIL6W", "R-6W-NO"])
def test_every_source_of_pain_and_care_is_named_when_it_fails(criterion: str, source: str) -> None:
    """A list of problems, visits, treatments or drugs that could not be read is said to be missing."""
    assert finding(criterion, LONG, order=NOW, cut=[source]).unavailable == (source,)


def test_evidence_for_and_against_shows_pain_and_care() -> None:
    """Both criteria of the six weeks show the pain and the care; pain that is too short is none for failed care."""
    pain, care = "Condition/condition-icd-M54-50", "Procedure/procedure-cpt-97161"
    assert references("R-FAIL6W", LONG, procedure(THERAPY, 50)) == [pain, care]
    assert references("R-FAIL6W", SHORT, procedure(THERAPY, 5)) == [care]
    assert references("R-6W-NO", LONG, procedure(THERAPY, 20)) == [pain, care]


@pytest.mark.parametrize(
    ("sign", "shown"),
    [
        (condition(REFLEX, 90), True),
        (condition(REFLEX, 91), False),
        (condition(REFLEX, None), True),
        (condition(REFLEX, "2026-03"), True),  # the window begins within that month
        (condition(REFLEX, 10, "resolved"), False),
        (condition(NUMB, 10), True),
        (condition(NUMB, 10, None), True),
    ],
)
def test_signs_of_a_root_are_shown_while_they_may_be_current(sign: Resource, shown: bool) -> None:
    """A sign of nerve-root irritation is shown unless it is over or certainly older than ninety days."""
    found = references("R-FAIL6W", LONG, procedure(THERAPY, 50), sign, order=NOW)
    assert (f"Condition/{sign['id']}" in found) is shown


def test_care_without_any_pain_on_record_is_still_care() -> None:
    """Where no pain is on record, care cannot be said to be of another episode."""
    assert references("R-FAIL6W", prescription(IBUPROFEN, 50)) == ["MedicationRequest/prescription-rx-5640-50"]
    assert "therapy" not in verdict("R-FAIL6W", prescription(IBUPROFEN, 50))[1]


@pytest.mark.parametrize(("day", "status"), [(195, NOT_MET), (194, MET)])
def test_pain_that_ended_long_ago_is_another_episode(day: int, status: str) -> None:
    """A closed problem is not bridged by care: 180 days after its end the pain is a new one."""
    over = condition(PAIN, 400, "resolved", abatementDateTime=ago(day))
    again = condition(PAIN, 15, resource_id="again")
    assert verdict("R-EPISODE", over, again, procedure(THERAPY, 100))[0] == status


@pytest.mark.parametrize("undated", ["none", "yes"])
def test_answers_that_disagree_without_a_date_settle_nothing(undated: str) -> None:
    """An answer without a date is not taken for the newest one: two that disagree leave the care unknown."""
    dated = form(SIX_WEEKS, "yes" if undated == "none" else "none", 1, "dated")
    other = observation({"text": SIX_WEEKS}, None, "undated", valueString=undated)
    assert verdict("R-6W-NO", LONG, dated, other, order=NOW)[0] == UNKNOWN
    assert verdict("R-FAIL6W", LONG, dated, other, order=NOW)[0] == UNKNOWN


@pytest.mark.parametrize(("day", "expected"), [(0, True), (-45, False)])
def test_answer_of_the_day_of_the_call_counts_beside_an_old_order(day: int, expected: bool) -> None:
    """An order that is signed anew is answered for on that day, not on the day on which it was written."""
    form = {
        "resourceType": "QuestionnaireResponse",
        "id": "form",
        "status": "completed",
        "authored": (DAY + timedelta(days=day)).isoformat(),
        "item": [{"linkId": "1", "text": "New saddle numbness?", "answer": [{"valueBoolean": True}]}],
    }
    order = mri(reasons=[PAIN], authoredOn=(DAY - timedelta(days=45)).isoformat())
    assert finding("R-CES", form, order=order).met is expected
