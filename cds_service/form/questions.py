"""What the form asks: the questions whose answer could change the advice, each with what the record holds on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cards.decision.questions import raised_by
from cards.response.explanation import in_words
from cards.suggestions.answers import may_object
from fhir_mappings.questionnaire.table import QUESTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cards.decision.assessment import Assessment
    from cards.guideline.wording import Wording
    from fhir_mappings.criteria.findings import Evidence

_MOST_EVIDENCE: Final = 4
# What speaks against advice to wait.
_TO_WAITING: Final = ("therapy", "red_flags")
# The messages of an implant that is not known well enough.
_SCREENED: Final = frozenset({"C-MR-UNKNOWN", "C-MR-HOLD"})


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question as the form shows it; `evidence` are the record's own words on it."""

    id: str
    text: str
    evidence: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return it as the form reads it."""
        return {"id": self.id, "text": self.text, "evidence": list(self.evidence)}


def asked_of(assessment: Assessment, first: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of the questions that could still change the answer, those that the card asked first."""
    found = dict.fromkeys(_expanded(_open(assessment)))
    leading = [question for question in _expanded(first) if question in found]
    return tuple(dict.fromkeys((*leading, *found)))


def screens_implant(assessment: Assessment) -> bool:
    """Whether it matters which implant there is."""
    return not _SCREENED.isdisjoint(assessment.decided)


def question_of(question: str, assessment: Assessment, wording: Wording) -> AskedQuestion:
    """Return a question with what the record holds on it."""
    evidence = tuple(dict.fromkeys(in_words(item, assessment, wording) for item in _evidence(assessment, question)))
    return AskedQuestion(question, QUESTIONS[question].item_text, evidence[:_MOST_EVIDENCE])


def _open(assessment: Assessment) -> Iterator[str]:
    for message in assessment.messages:
        yield from message.questions
    if any(may_object(assessment, message) for message in assessment.messages):
        yield from _TO_WAITING


def _expanded(questions: Iterable[str]) -> Iterator[str]:
    """Yield questions that a yes or a no answers: a choice is asked one by one."""
    for question in questions:
        row = QUESTIONS.get(question)
        if row is not None:
            yield from row.choices or ((row.id,) if row.label else ())


def _evidence(assessment: Assessment, question: str) -> Iterator[Evidence]:
    yield from raised_by(assessment.findings, question)
    for finding in assessment.findings.values():
        if question in finding.questions:
            yield from (item for item in finding.evidence if item.concept in ("", question) or item.codes)
