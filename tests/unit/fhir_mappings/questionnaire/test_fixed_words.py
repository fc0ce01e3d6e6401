"""Answers in fixed words: what is a whole statement, what is more than that, and what is left of a text."""

from __future__ import annotations

import time
from datetime import date

import pytest

from fhir_mappings.questionnaire.fixed_words import answers_in, written
from fhir_mappings.questionnaire.table import QUESTIONS

DAY = date(2026, 11, 28)


def read(text: str) -> list[tuple[str, bool]]:
    """Return the questions that a text answers."""
    return [(said.question, said.yes) for said in answers_in(text)[0]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Saddle numbness, bladder or bowel change: no (asked 28 Nov 2026).", [("ces", False)]),
        ("saddle numbness, bladder or bowel change: NO", [("ces", False)]),
        ("Fever now - yes", [("fever", True)]),
        ("Fever now: no; Leg weakness now: yes", [("fever", False), ("hint_motor", True)]),
        ("Has the patient fever now? no", [("fever", False)]),
        ("- Has the patient fever now? Yes\n- New leg weakness: no", [("fever", True), ("power", False)]),
        ("Are bladder, bowel and saddle sensation normal? No", [("ces", True)]),
        ("Are bladder, bowel and saddle sensation normal? yes", [("ces", False)]),
        ("Six weeks of treatment have failed elsewhere", [("therapy", True)]),
        ("A red flag is present that is not on record", [("red_flags", True)]),
        ("A specialist has planned this study.", [("specialist", True)]),
        (
            "Note: “can't pee; odd.” (5 Oct 2026): is there such a bladder, bowel or saddle sign now? no",
            [("hint_ces", False)],
        ),
        ("Not behind this pain: “Abscess”, “Xyzzy” (asked 2026-11-28)", [("unread", False)]),
        ("Problem list: “Abscess” (5 Oct 2026): is it behind this pain? yes", [("unread", True)]),
    ],
)
def test_whole_statements_are_answers(text: str, expected: list[tuple[str, bool]]) -> None:
    """Fixed words, labels and the texts of questions, each with a plain answer behind it."""
    assert read(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Fever now: no longer",
        "Fever now: yes, ten years ago",
        "Fever now",
        "no fever now: yes",
        "Denies: Fever now: no",
        "No red flag is present",
        "A red flag is present?",
        "If six weeks of treatment have failed elsewhere, call",
        "Return if: new leg weakness: yes or fever",
        "Behind",
        "Fever now: no; now yes",
        "Fever now: no (asked 28 Nov 2026). Yes since noon.",
        "Not behind this pain: “x” new foot drop “y”",
    ],
)
def test_anything_more_is_no_answer(text: str) -> None:
    """What is hedged, part of a sentence or unanswered is read like any other text, and stays whole."""
    assert answers_in(text) == ((), text)


def test_the_rest_of_a_text_stays() -> None:
    """Only the answer is taken out: what was written beside it still speaks."""
    said, rest = answers_in("Foot drop since Monday.\nFever now: no (asked 28 Nov 2026). Please call.")
    assert [each.question for each in said] == ["fever"]
    assert "Foot drop since Monday" in rest
    assert "Please call" in rest
    assert "Fever" not in rest


def test_an_answer_names_its_records_and_its_day() -> None:
    """The records and the day come back as they were written."""
    words = written(QUESTIONS["unread"], DAY, yes=False, named=("Extradural “abscess”", "b; c."))
    (said,), rest = answers_in(words)
    assert said.named == ("Extradural abscess", "b; c.")
    assert (said.when.earliest, said.when.latest, rest) == (DAY, DAY, "")


def test_words_in_an_answer_that_are_not_ours_are_kept() -> None:
    """What a quoted record says, and what somebody wrote beside the day, is handed on."""
    (said,), _ = answers_in("Note: “new retention”: is a leg weak now? no (asked 28 Nov 2026, foot drop since)")
    assert (said.quoted, said.more) == ("Note: “new retention”: ", ", foot drop since")
    (said,), _ = answers_in("Not behind this pain: “Abscess” (asked 28 Nov 2026)")
    assert (said.quoted, said.more) == ("“Abscess”", "")


@pytest.mark.parametrize("text", ["(asked 31 Feb 2026)", "(asked 28 Xyz 2026)"])
def test_a_day_that_is_none_is_not_known(text: str) -> None:
    """A slip in the day leaves the answer without one."""
    (said,), _ = answers_in(f"Fever now: no {text}")
    assert not said.when.is_known


@pytest.mark.parametrize("part", ["Fever now: no;", ". “a” ", "\n“x” : ", "Fever now ", "(asked "])
def test_a_long_text_takes_no_longer_than_it_is(part: str) -> None:
    """A note of a megabyte that is made to be slow is not."""
    began = time.perf_counter()
    answers_in(part * (1_000_000 // len(part)))
    assert time.perf_counter() - began < 2
