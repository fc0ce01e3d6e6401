"""The rating of an order: one of three codes or none, and never one that reassures where the answer does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cards.decision.assessment import AssessmentProfile
from cards.guideline.guideline import Outcome
from cards.response.rating import RATINGS, Rating, rating_after, rating_of
from cards.suggestions.actions import Action
from tests.unit.cards.advice import ACUTE, SITUATIONS, UNSAFE, advise, situation
from tests.unit.fhir_mappings.records import condition, device

APPROPRIATE, NOT_APPROPRIATE, NO_CRITERIA = Rating.APPROPRIATE, Rating.NOT_APPROPRIATE, Rating.NO_CRITERIA_APPLY
DUE = {Outcome.EMERGENCY, Outcome.URGENT, Outcome.APPROPRIATE}


def test_every_outcome_is_decided_on() -> None:
    """An outcome that is new has no rating by accident."""
    assert set(RATINGS) == set(Outcome)
    assert {outcome for outcome, rating in RATINGS.items() if rating is APPROPRIATE} == DUE


@pytest.mark.parametrize(
    ("name", "rating"),
    [
        ("failed care", APPROPRIATE),
        ("cauda equina", APPROPRIATE),
        ("foot drop", APPROPRIATE),
        ("crash with foot drop", APPROPRIATE),
        ("cancer history", APPROPRIATE),
        ("conditional implant", APPROPRIATE),
        ("acute pain", NOT_APPROPRIATE),
        ("acute pain with contrast", NOT_APPROPRIATE),
        ("untreated", NOT_APPROPRIATE),
        ("something else", NO_CRITERIA),
        ("fracture", None),
        ("after surgery", None),
        ("failed care, needless contrast", None),
        ("unsafe implant", None),
        ("pacemaker", None),
        ("unsafe implant, cauda equina", None),
        ("pacemaker, cauda equina", None),
        ("unsafe implant, acute pain", NOT_APPROPRIATE),
        ("pacemaker, acute pain", NOT_APPROPRIATE),
        ("child", None),
        ("nothing known", None),
        ("age 80", None),
        ("acute pain, some data missing", None),
        ("conditions not readable", None),
        ("everything failed", None),
    ],
)
def test_rating_of_each_situation(name: str, rating: Rating | None) -> None:
    """A due scan is appropriate, one that can wait is not, and where a person has to look there is no rating."""
    assert rating_of(situation(name)) is rating


@pytest.mark.parametrize("name", SITUATIONS)
def test_rating_never_says_more_than_the_outcome(name: str) -> None:
    """Only a due scan is "appropriate", and "not appropriate" comes with the message that says so."""
    found = situation(name)
    rating = rating_of(found)
    assert rating is not APPROPRIATE or (found.outcome in DUE and not found.unscannable)
    assert (rating is NOT_APPROPRIATE) == ("C-NOTAPP-6W" in found.decided)


@pytest.mark.parametrize("name", SITUATIONS)
def test_losing_a_source_never_makes_it_not_appropriate(name: str) -> None:
    """A source that is not sent takes a rating away, but never turns no rating into "not appropriate"."""
    before = rating_of(situation(name))
    for source in ("Condition", "Observation", "Procedure", "MedicationRequest", "Device", "DiagnosticReport"):
        without = [item for item in SITUATIONS[name][0] if item["resourceType"] != source]
        how = SITUATIONS[name][1] | {"failed": [*SITUATIONS[name][1].get("failed", ()), source]}
        after = rating_of(advise(*without, **how))
        assert after is not NOT_APPROPRIATE or before is NOT_APPROPRIATE, source


def test_an_implant_leaves_the_scan_that_can_wait_not_appropriate() -> None:
    """Whether the device list was sent does not decide between no rating and "not appropriate"."""
    assert rating_of(advise(ACUTE, UNSAFE)) is rating_of(advise(ACUTE)) is NOT_APPROPRIATE


def test_a_message_that_is_off_does_not_change_the_rating() -> None:
    """A site that shows no card about waiting does not thereby call the order appropriate."""
    silent = AssessmentProfile(messages_off=frozenset({"C-NOTAPP-6W"}))
    assert rating_of(situation("acute pain", profile=silent)) is NOT_APPROPRIATE


def made(orderable: str, kind: str = "update") -> Action:
    """Return an action that makes or changes an order."""
    action = Action("update", "x", {"resourceType": "ServiceRequest"}, orderable=orderable)
    return replace(action, type="create") if kind == "create" else action


@pytest.mark.parametrize(
    ("name", "orderable", "rating"),
    [
        ("cauda equina", "", APPROPRIATE),
        ("after surgery", "order_mri_lumbar_wo_w", APPROPRIATE),
        ("failed care, needless contrast", "order_mri_lumbar_wo", APPROPRIATE),
        ("fracture", "order_ct_lumbar_wo", APPROPRIATE),
        ("fracture", "order_mri_lumbar_wo_w", None),
        ("unsafe implant", "order_ct_lumbar_wo", APPROPRIATE),
        ("unsafe implant, cauda equina", "order_ct_myelography_lumbar", APPROPRIATE),
        ("unsafe implant, cauda equina", "order_mri_lumbar_wo", None),
        ("acute pain", "pt_referral", NO_CRITERIA),
        ("nothing known", "pt_referral", NO_CRITERIA),
    ],
)
def test_what_is_offered_has_a_rating_of_its_own(name: str, orderable: str, rating: Rating | None) -> None:
    """What the order would become is rated, not what it was."""
    assert rating_after(situation(name), made(orderable)) is rating


@pytest.mark.parametrize("implant", [UNSAFE, device("sct:14106009")])
def test_alternative_is_unrated_where_imaging_may_not_be_due(implant: dict[str, object]) -> None:
    """CT for a patient who cannot be scanned is no more appropriate than the MRI was known to be."""
    found = advise(condition("icd:M54.50"), implant, cut=["Observation"])
    assert found.timing is Outcome.CANNOT_DETERMINE
    assert rating_after(found, made("order_ct_lumbar_wo")) is None


@pytest.mark.parametrize("orderable", ["esr", "order_xray_lumbar", "order_mri_spine_wider", "pt_referral"])
def test_what_stands_beside_the_order_is_not_rated(orderable: str) -> None:
    """Laboratory tests, radiographs and further studies are not what was asked about."""
    assert rating_after(situation("cauda equina"), made(orderable, "create")) is None
