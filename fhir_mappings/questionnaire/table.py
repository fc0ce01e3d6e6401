"""The table of our own questions: how each is asked, and what its answers say.

One table for all who need it: cards ask from it, the published Questionnaire is made from it, and answers are written
and read by it, so that what a button writes is what the next call understands.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

QUESTIONNAIRE_URL = "https://lumbar-mri-cds.org/fhir/Questionnaire/lumbar-mri"
ANSWER_SYSTEM = "https://lumbar-mri-cds.org/fhir/CodeSystem/answer"
LINK_PREFIX = "lumbar-mri."


@dataclass(frozen=True, slots=True)
class Question:
    """One question; questions.toml says what its parts mean."""

    id: str
    text: str
    item: str = ""
    label: str = ""
    short: str = ""
    short_no: str = ""
    yes: str = ""
    no: str = ""
    states: str = ""
    doubt: bool = False
    topic: str = ""
    priority: str = ""
    leads_on: bool = False
    choices: tuple[str, ...] = ()
    none: str = ""
    closes: tuple[str, ...] = ()
    named: bool = False
    nameless: bool = True
    unasked: bool = False
    code: str = ""
    inverted: tuple[str, ...] = ()
    also: tuple[tuple[str, str], ...] = ()

    @property
    def link_id(self) -> str:
        """The linkId of its item in the Questionnaire."""
        return f"{LINK_PREFIX}{self.id}"

    @property
    def item_text(self) -> str:
        """The text of its item in the Questionnaire."""
        return self.item or self.text

    @property
    def button(self) -> str:
        """What is answered, in the few words of a button."""
        return self.short or self.label

    def words(self, *, yes: bool) -> str:
        """Return the fixed words of an answer."""
        return (self.yes or f"{self.label}: yes") if yes else (self.no or f"{self.label}: no")


def _load() -> Mapping[str, Question]:
    file = files("fhir_mappings.questionnaire") / "questions.toml"
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    return {
        name: Question(id=name, **{key: _frozen(value) for key, value in row.items()}) for name, row in table.items()
    }


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


QUESTIONS: Mapping[str, Question] = _load()
CHOICES: Mapping[str, str] = {name: question.id for question in QUESTIONS.values() for name in question.choices}


def question_texts() -> dict[str, str]:
    """Return how each question is asked on a card."""
    return {name: question.text for name, question in QUESTIONS.items() if not question.unasked}


def published_questions() -> tuple[Question, ...]:
    """Return the questions that a yes or a no answers, which the Questionnaire asks."""
    return tuple(question for question in QUESTIONS.values() if question.label)


def by_link_id(link_id: str | None) -> Question | None:
    """Return the question of an item's linkId, if that is one of ours."""
    return QUESTIONS.get(link_id.removeprefix(LINK_PREFIX)) if link_id and link_id.startswith(LINK_PREFIX) else None
