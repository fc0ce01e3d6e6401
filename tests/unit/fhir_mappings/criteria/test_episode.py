"""The six weeks: when the episode began, what care was given, and what the two together allow to be said."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.fhir_mappings.records import (
    PAIN,
    Resource,
    ago,
    coded,
    condition,
    encounter,
    finding,
    mri,
    observation,
    prescription,
    procedure,
    record,
    request,
    verdict,
)

SCIATICA = "icd:M54.31"
CHRONIC = "sct:278860009"
THERAPY = "cpt:97161"
EXERCISES, MANIPULATION = "cpt:97110", "cpt:98941"
IBUPROFEN = "rx:5640"
REFERRAL = "sct:444831000124102"
MET, NOT_MET, UNKNOWN = "MET", "NOT_MET", "UNKNOWN"


def status(criterion: str, *resources: Resource, **how: Any) -> str:
    """Return the status of a criterion."""
    return verdict(criterion, *resources, **how)[0]


@pytest.mark.parametrize(
    ("onset", "expected"),
    [
        (0, NOT_MET),
        (41, NOT_MET),
        (42, MET),
        (43, MET),
        ("2026-05", NOT_MET),  # 2 to 32 days
        ("2026-04", UNKNOWN),  # 33 to 62 days
        ("2026-03", MET),  # 63 days at least
        ("2026", UNKNOWN),
        ("2025", MET),  # 153 days at least
        ("2024", UNKNOWN),  # an old problem without a contact in 180 days may be a new episode
        ("2026-06", NOT_MET),
        ("last week", UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_six_weeks_are_counted_without_guessing(onset: int | str | None, expected: str) -> None:
    """Pain of 41 days is early, of 42 it is not, and a partial date settles only what all of its days settle."""
    pain = condition(PAIN, onset)
    assert status("R-EPISODE", pain) == expected
    assert (status("R-6W-NO", pain) == MET) is (expected == NOT_MET)


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([], UNKNOWN),
        ([condition(PAIN, None, recordedDate=ago(10))], UNKNOWN),  # written down then, begun then or before
        ([condition(PAIN, None, recordedDate=ago(60))], MET),
        ([encounter(PAIN, 10)], UNKNOWN),  # a contact does not say since when
        ([encounter(PAIN, 10), condition(PAIN, 8)], NOT_MET),
        ([encounter(PAIN, 60)], MET),
        ([encounter(PAIN, 10), encounter(SCIATICA, 60)], MET),
        ([condition(PAIN, 10), encounter(PAIN, 50)], MET),
        ([condition(SCIATICA, 10, verification="entered-in-error")], UNKNOWN),
        ([condition(CHRONIC, 700), encounter(PAIN, 5)], UNKNOWN),
        ([condition(PAIN, 700), *(encounter(PAIN, day, f"e{day}") for day in (5, 150, 300, 450, 600))], MET),
        # a symptom-free interval of 180 days begins a new episode; 179 days do not
        ([condition(PAIN, 400, "resolved", abatementDateTime=ago(195)), condition(PAIN, 15, resource_id="n")], NOT_MET),
        ([condition(PAIN, 400, "resolved", abatementDateTime=ago(194)), condition(PAIN, 15, resource_id="n")], MET),
    ],
)
def test_where_an_episode_begins(resources: list[Resource], expected: str) -> None:
    """It reaches back over problems and contacts until 180 days without pain, and an open old problem stays open."""
    assert status("R-EPISODE", *resources) == expected


@pytest.mark.parametrize("source", ["Condition", "Encounter"])
def test_short_pain_in_an_incomplete_record_is_not_early(source: str) -> None:
    """Ten days of pain are only certain when no earlier problem or visit can be missing."""
    pain = [condition(PAIN, 10), encounter(PAIN, 10)]
    assert status("R-EPISODE", *pain, cut=[source]) == UNKNOWN
    assert status("R-6W-NO", *pain, cut=[source]) == UNKNOWN
    assert "early_on_record" in finding("R-6W-NO", *pain, cut=[source]).tags


def test_diagnosis_of_a_visit_is_a_contact() -> None:
    """A visit whose diagnosis refers to the back-pain problem carries the episode like one with a reason."""
    pain = condition(PAIN, 700, resource_id="pain")
    diagnosis = [{"condition": {"reference": "Condition/pain"}}]
    visits = [encounter(None, day, f"e{day}", diagnosis=diagnosis) for day in (5, 150, 300, 450, 600)]
    assert status("R-EPISODE", pain, *visits) == MET


LONG = condition(PAIN, 60)
NOW = mri(reasons=[PAIN])


@pytest.mark.parametrize(
    ("care", "failed", "against"),
    [
        ([], UNKNOWN, UNKNOWN),
        ([procedure(THERAPY, 43)], MET, NOT_MET),
        ([procedure(THERAPY, 42)], MET, NOT_MET),
        ([procedure(THERAPY, 41)], NOT_MET, MET),
        ([procedure(EXERCISES, 43)], MET, NOT_MET),
        ([procedure(MANIPULATION, 43)], MET, NOT_MET),
        ([procedure(MANIPULATION, 41)], NOT_MET, MET),
        ([prescription(IBUPROFEN, 42)], MET, NOT_MET),
        ([prescription(IBUPROFEN, 41)], NOT_MET, MET),
        ([prescription(IBUPROFEN, 50, status="stopped")], MET, NOT_MET),
        ([prescription(IBUPROFEN, 50, status="cancelled")], UNKNOWN, UNKNOWN),
        ([prescription(IBUPROFEN, 50, doNotPerform=True)], UNKNOWN, UNKNOWN),
        ([procedure(THERAPY, 50, status="not-done")], UNKNOWN, UNKNOWN),
        ([procedure(THERAPY, None)], UNKNOWN, UNKNOWN),
        ([procedure(THERAPY, "2026-04")], UNKNOWN, UNKNOWN),
        ([procedure(THERAPY, 20), prescription(IBUPROFEN, None)], UNKNOWN, UNKNOWN),
        ([procedure(THERAPY, 20), prescription(IBUPROFEN, 50)], MET, NOT_MET),
        ([request(REFERRAL, 50)], UNKNOWN, UNKNOWN),
        ([prescription(IBUPROFEN, 400)], UNKNOWN, UNKNOWN),  # for something else, long before
        (
            [
                record(
                    "MedicationStatement",
                    "s",
                    status="active",
                    medicationCodeableConcept=coded(IBUPROFEN),
                    effectivePeriod={"start": ago(50)},
                )
            ],
            MET,
            NOT_MET,
        ),
    ],
)
def test_six_weeks_of_care(care: list[Resource], failed: str, against: str) -> None:
    """Care of 42 days has failed, of 41 it has not; care that left no record is unknown and never "none"."""
    assert status("R-FAIL6W", LONG, *care, order=NOW) == failed
    assert status("R-6W-NO", LONG, *care, order=NOW) == against


@pytest.mark.parametrize(
    ("care", "question"),
    [([], "therapy"), ([request(REFERRAL, 50)], "therapy_response")],
)
def test_missing_care_is_asked_about(care: list[Resource], question: str) -> None:
    """Without a record of care the card asks for it, and after a mere referral whether it was attended."""
    assert question in verdict("R-FAIL6W", LONG, *care, order=NOW)[1]
    assert question in verdict("R-6W-NO", LONG, *care, order=NOW)[1]


@pytest.mark.parametrize("source", ["Procedure", "MedicationRequest"])
def test_care_in_an_incomplete_record_is_not_too_short(source: str) -> None:
    """Twenty days of therapy are not all there was when other therapy may be missing."""
    assert status("R-6W-NO", LONG, procedure(THERAPY, 20), cut=[source]) == UNKNOWN


def test_denied_care_against_recorded_care_is_open() -> None:
    """A form that says "none" beside a prescription contradicts itself: ask."""
    form = observation({"text": "Conservative therapy tried?"}, 1, "form", valueString="None")
    assert status("R-6W-NO", LONG, form) == MET
    assert status("R-6W-NO", LONG, form, prescription(IBUPROFEN, 20)) == UNKNOWN


@pytest.mark.parametrize(
    ("resources", "how", "expected"),
    [
        ([LONG, procedure(THERAPY, 50)], {"order": NOW}, MET),
        ([LONG, procedure(THERAPY, 50), encounter(PAIN, 30)], {}, MET),
        ([LONG, procedure(THERAPY, 50), encounter(PAIN, 31)], {}, UNKNOWN),
        ([LONG, procedure(THERAPY, 50)], {}, UNKNOWN),
    ],
)
def test_pain_must_persist(resources: list[Resource], how: dict[str, Any], expected: str) -> None:
    """Care has failed only while pain is the reason now, or was the reason of a visit within thirty days."""
    assert status("R-FAIL6W", *resources, **how) == expected


def test_resolved_pain_does_not_persist() -> None:
    """Pain that is over has not outlasted its care."""
    over = condition(PAIN, 60, "resolved", abatementDateTime=ago(10))
    assert status("R-FAIL6W", over, procedure(THERAPY, 50)) != MET


@pytest.mark.parametrize(
    ("resources", "how"),
    [
        ([], {}),
        ([condition(PAIN, 10, verification="provisional")], {}),
        ([condition("icd:M43.16", 10)], {}),
        ([condition("icd:Q05.7", 10)], {"order": mri(reasons=["icd:Q05.7"])}),
    ],
)
def test_only_confirmed_nonspecific_pain_speaks_against_the_scan(
    resources: list[Resource], how: dict[str, Any]
) -> None:
    """Suspected pain, a slipped vertebra or no pain at all is no positive evidence against a scan."""
    found = finding("R-6W-NO", *resources, **how)
    assert (found.status.value, found.questions) == (UNKNOWN, ("indication",))


def test_recheck_counts_from_this_episode() -> None:
    """An old, closed episode is no evidence of when this one began."""
    old = condition(CHRONIC, 900, "resolved", resource_id="old", abatementDateTime=ago(800))
    found = finding("R-EPISODE", old, condition(PAIN, 12))
    assert found.status.value == NOT_MET
    assert [item.reference for item in found.evidence] == ["Condition/condition-icd-M54-50"]


VISIT = encounter(PAIN, 0)


@pytest.mark.parametrize(
    ("resources", "early"),
    [
        ([condition(PAIN, 10), VISIT], True),
        ([condition(PAIN, 10), encounter(None, 5, reasonCode=[{"text": "Low back pain"}])], True),
        ([VISIT], False),
        ([VISIT, condition("icd:I10", 2000)], False),
        ([condition(PAIN, 10), condition({"text": "Chronic low back pain"}, 400, resource_id="w")], False),
        ([condition(PAIN, 10), condition({"text": "Low back pain"}, 100, resource_id="w")], False),
        ([condition(PAIN, 10), encounter(None, 100, reasonCode=[{"text": "Lumbago"}])], False),
        ([condition(PAIN, 10), encounter(None, 300, reasonCode=[{"text": "Lumbago"}])], True),
        ([condition(PAIN, 10), condition({"text": "Low back pain"}, 20, resource_id="w")], True),
    ],
)
def test_early_needs_an_onset_on_record(resources: list[Resource], early: bool) -> None:
    """A contact does not say since when there was pain, and pain told of in words may be older than its code."""
    assert finding("R-6W-NO", *resources, order=NOW).met is early


def test_care_that_began_today_is_for_the_first_contact_to_tell() -> None:
    """With no onset on record a record that reaches back, without chronic pain, shows that care has only begun."""
    assert finding("R-FIRST", VISIT, condition("icd:I10", 2000), order=NOW).met
    assert not finding("R-FIRST", VISIT, order=NOW).met
    assert not finding("R-FIRST", VISIT, condition("icd:I10", 2000), condition("icd:G89.29", 700), order=NOW).met
