"""Cards in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cards.response.response import ASSESSMENTS
from cds_service.cli.terminal import outcome_text, print_response, printable
from tests.protocol.builders import FULL_CARD

if TYPE_CHECKING:
    import pytest


def shown(capsys: pytest.CaptureFixture[str], *cards: object) -> str:
    """Return what is printed for cards, on one line."""
    print_response({"cards": list(cards)})
    return " ".join(capsys.readouterr().out.replace("│", " ").split())


def test_everything_on_a_card_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Indicator, summary, detail, suggestions with their actions, override reasons, source and links."""
    text = shown(capsys, FULL_CARD | {"summary": "Wait six weeks", "detail": "**Why**\n\n- because"})
    for part in (
        "WARNING",
        "Wait six weeks",
        "Why",
        "because",
        "Suggestion: Do this (recommended)",
        "- delete ServiceRequest/1: Remove",
        "+ create ServiceRequest: Add",
        "~ update ServiceRequest/1: Change",
        "Reasons to override: c",
        "Source: Guidance https://example.org",
        "Link: More https://example.org/x",
    ):
        assert part in text


def test_silence_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """No cards is an answer too."""
    assert "No cards" in shown(capsys)


def test_system_actions_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """What is done without a card is mentioned."""
    print_response({"cards": [], "systemActions": [{}]})
    assert "System actions: 1" in capsys.readouterr().out


def test_control_characters_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Text from a record cannot clear the screen or change a title."""
    text = shown(capsys, FULL_CARD | {"summary": "a\x1b[2Jb", "detail": "c\x1b]0;title\x07d\x9b2J"})
    assert not set("\x1b\x07\x9b") & set(text)
    assert printable("a\tb\nc\r\x00") == "a\tb\nc"


def test_markup_of_the_terminal_library_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Square brackets in a summary are shown, not interpreted."""
    assert "[bold]x[/bold]" in shown(capsys, FULL_CARD | {"summary": "[bold]x[/bold]"})


def test_outcome_is_its_sentences() -> None:
    """An OperationOutcome is shown as its texts, each with the fields it names."""
    issue = {"details": {"text": "It is missing."}, "expression": ["context.userId", "hook"]}
    assert outcome_text({"issue": [issue, {}]}) == "It is missing. [context.userId, hook]\nThe request was refused."


def test_card_comes_first_and_its_reasons_below_a_rule(capsys: pytest.CaptureFixture[str]) -> None:
    """The box holds what a clinician sees; what was found and is not known, limits and sources stand below a rule."""
    finding: dict[str, list[str]] = {"unavailable": [], "evidence": []}
    assessed = {
        "order": "ServiceRequest/1",
        "outcome": "APPROPRIATE",
        "messages": ["C-V7-RISK"],
        "findings": [
            {**finding, "criterion": "R-V7", "status": "MET", "evidence": [f"Condition/{n}" for n in range(5)]},
            {**finding, "criterion": "R-MR", "status": "UNKNOWN", "unavailable": ["Device"]},
            {**finding, "criterion": "R-CES", "status": "NOT_MET"},
        ],
        "limits": ["No implant is on record."],
        "notRepeated": [{"message": "C-EDU", "answer": "Told in full earlier."}],
    }
    print_response({"cards": [FULL_CARD], "extension": {ASSESSMENTS: [assessed]}})
    out = capsys.readouterr().out
    box, why = out.split("Why ──")
    assert "acr.org" not in box
    assert "Source:" not in box
    said = " ".join(why.split())
    for part in (
        "ServiceRequest/1: no reason to wait, and something to decide first",
        "+ Risk of cancer or infection: Condition/0, Condition/1, Condition/2 and 2 more",
        "? Implant that may forbid or limit MRI: not known, without Device",
        "C-EDU was answered before: Told in full earlier.",
        "No implant is on record.",
        "Source: Guidance https://example.org",
    ):
        assert part in said
    assert "cauda equina" not in said
