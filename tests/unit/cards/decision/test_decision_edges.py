"""Edges of the decision: which variant of a message is said, and which questions exactly are asked."""

from __future__ import annotations

from typing import Any

import pytest

from cards.decision.decision import Message
from cards.guideline.guideline import Outcome
from tests.unit.cards.advice import ACUTE, CARE, EGFR, HINT, LONG, WITH_BOTH, advise, messages, situation
from tests.unit.fhir_mappings.records import (
    CAUDA_EQUINA,
    PAIN,
    Resource,
    condition,
    encounter,
    mri,
    procedure,
    report,
    request,
)

NEED = "C-INFO-NEED"
FRACTURE = condition("icd:S32.010A")
NOW = mri(reasons=[PAIN])


def message(name: str, message_id: str) -> Message:
    """Return one message of a known situation."""
    (found,) = [item for item in situation(name).messages if item.id == message_id]
    return found


@pytest.mark.parametrize(
    ("name", "message_id", "variants"),
    [
        ("unsafe implant", "C-MR-UNSAFE", ()),
        ("unsafe implant, cauda equina", "C-MR-UNSAFE", ("cardiac",)),
        ("pacemaker", "C-MR-HOLD", ()),
        ("pacemaker, cauda equina", "C-MR-HOLD", ("cardiac",)),
        ("foot drop", "C-URG-NEURO", ()),
        ("falling power", "C-URG-NEURO", ("progressive",)),
        ("fracture", "C-URG-TRAUMA", ()),
        ("failed care", "C-APPROP-6W", ()),
        ("failed care, candidate", "C-APPROP-6W", ("candidate",)),
    ],
)
def test_variant_fits_the_situation(name: str, message_id: str, variants: tuple[str, ...]) -> None:
    """What is said of an implant, a deficit or a due scan depends on what stands beside it."""
    assert message(name, message_id).variants == variants


def test_trauma_beside_an_emergency_is_told_so() -> None:
    """With cauda equina syndrome a fracture is no reason to begin with another study."""
    found = advise(condition(CAUDA_EQUINA), FRACTURE)
    (trauma,) = [item for item in found.messages if item.id == "C-URG-TRAUMA"]
    assert trauma.variants == ("emergency",)


@pytest.mark.parametrize(
    ("source", "variants"), [("Observation", ("blind",)), ("Device", ()), ("AllergyIntolerance", ())]
)
def test_answer_is_blind_only_when_the_failure_kept_it_back(source: str, variants: tuple[str, ...]) -> None:
    """A source that could hold a red flag keeps the answer back; one that could not is only named."""
    (degraded,) = [item for item in advise(ACUTE, failed=[source]).messages if item.id == "C-DEGRADED"]
    assert degraded.variants == variants


@pytest.mark.parametrize(
    ("resources", "how", "variants"),
    [
        ((), {}, ()),
        ((LONG,), {"order": NOW}, ()),
        ((LONG,), {"order": NOW, "cut": ["Observation"]}, ()),
        ((ACUTE, HINT), {}, ("early",)),
        ((ACUTE,), {"cut": ["Observation"]}, ("unseen", "early")),
        ((ACUTE,), {"cut": ["Encounter"]}, ("unseen", "early")),  # early by the records that were received
    ],
)
def test_early_and_unseen_are_said_only_where_they_hold(
    resources: tuple[Resource, ...], how: dict[str, Any], variants: tuple[str, ...]
) -> None:
    """Less than six weeks, and red-flag sources not read whole, are told apart from an unknown start."""
    found = advise(*resources, **how)
    assert found.outcome is Outcome.CANNOT_DETERMINE
    assert [item.variants for item in found.messages if item.id == NEED] == [variants]


@pytest.mark.parametrize(
    ("name", "questions"),
    [
        ("nothing known", ("red_flags", "indication", "onset", "therapy")),
        ("chronic pain without care", ("therapy",)),
        ("acute pain, a hint", ("hint_ces",)),
        ("acute pain, some data missing", ("red_flags",)),
        ("age 80", ("age_bone",)),
    ],
)
def test_exactly_what_is_open_is_asked(name: str, questions: tuple[str, ...]) -> None:
    """A card asks for what would settle it, the red flags first where they could not be seen, and for nothing else."""
    assert message(name, NEED).questions == questions


@pytest.mark.parametrize(
    ("resources", "questions"),
    [
        ((request("sct:308482002"),), ("candidate",)),
        ((condition("icd:G54.1"), condition("icd:M54.16")), ("therapy",)),
    ],
)
def test_early_candidate_and_early_doubt_ask_one_thing(
    resources: tuple[Resource, ...], questions: tuple[str, ...]
) -> None:
    """Before six weeks a referral asks about the operation, and an unclear diagnosis about the care."""
    (need,) = [item for item in advise(ACUTE, *resources).messages if item.id == NEED]
    assert need.questions == questions


@pytest.mark.parametrize("name", ["acute pain", "acute pain at 66", "untreated"])
def test_scan_that_should_wait_asks_nothing(name: str) -> None:
    """Without a bladder complaint of another cause nothing is asked beside "not appropriate"."""
    assert NEED not in messages(situation(name))


@pytest.mark.parametrize("name", ["nothing known", "chronic pain without care", "acute pain, a hint"])
def test_age_is_a_reason_only_at_that_age(name: str) -> None:
    """Fragile bone by age is no topic at 38."""
    assert "C-APPROP-V6" not in messages(situation(name))


@pytest.mark.parametrize(
    ("text", "questions"),
    [("long-term prednisone", ()), ("foot drop", ("hint_motor",)), ("pacemaker", ())],
)
def test_scan_that_is_due_asks_only_what_could_hurry_or_forbid_it(text: str, questions: tuple[str, ...]) -> None:
    """A hint of a mere risk changes nothing about a scan that is due; a sign might, and an implant has its own card."""
    seen = encounter(PAIN, 3, "e-3", reasonCode=[{"text": text}])
    found = advise(LONG, CARE, seen, order=mri(reasons=[PAIN]))
    assert found.outcome is Outcome.APPROPRIATE
    assert [item.questions for item in found.messages if item.id == NEED] == ([questions] if questions else [])


def test_contrast_is_not_dropped_while_the_level_of_surgery_is_open() -> None:
    """A laminectomy without a level may have been lumbar, and then the contrast has its reason."""
    records = [LONG, CARE, EGFR]
    order = mri(WITH_BOTH, reasons=[PAIN])
    assert "C-CONTRAST-DROP" in messages(advise(*records, order=order))
    assert "C-CONTRAST-DROP" not in messages(advise(*records, procedure("sct:387731002", 900), order=order))


FAILED = (LONG, CARE, EGFR)


@pytest.mark.parametrize(
    "reason",
    [
        condition({"text": "Discitis L3/4"}, 5, verification="provisional", resource_id="w"),
        procedure({"text": "L4-5 laminectomy"}, 900, "w"),
        condition({"text": "Breast carcinoma"}, 900, resource_id="w"),
        report("cpt:72131", 10, conclusion="Possible epidural collection or abscess at L4"),
        procedure({"text": "Laminektomie"}, 900, "w"),
    ],
)
def test_contrast_is_not_dropped_against_a_reason_that_was_received(reason: Resource) -> None:
    """Words that may be the reason for the contrast, and a procedure that nobody could read, let it stand."""
    order = mri(WITH_BOTH, reasons=[PAIN])
    assert "C-CONTRAST-DROP" in messages(advise(*FAILED, order=order))
    assert "C-CONTRAST-DROP" not in messages(advise(*FAILED, reason, order=order))


@pytest.mark.parametrize("code", ["icd:G06.2", "icd:D43.4", "icd:G82.50", "icd:G37.3"])
def test_a_disease_that_is_the_reason_is_never_passed_over(code: str) -> None:
    """An order for an abscess, a tumour or a paralysis that no criterion names is asked about."""
    assert advise(order=mri(reasons=[code])).outcome is Outcome.CANNOT_DETERMINE
