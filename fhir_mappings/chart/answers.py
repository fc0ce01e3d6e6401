"""Answers to questions that an order form or a questionnaire asked in plain words.

Sites ask order questions without codes: an Observation whose code is only a text, or a QuestionnaireResponse. Only
questions that this service knows are kept, so that a chart full of text costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from fhir_mappings.chart.observations import observed_on
from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.dates import UNKNOWN_DATE, DateInterval, parse_date

_Value = str | bool


class Answered(StrEnum):
    """What an answer amounts to."""

    NO = "no"
    YES = "yes"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """An answered question: which of the known topics it was about, and what the answer amounts to."""

    topic: str
    answered: Answered
    reference: str
    when: DateInterval = UNKNOWN_DATE


_THERAPY = re.compile(
    r"\b(?:conservative (?:therapy|treatment|management|care)|physical therapy|physiotherapy|prior treatment"
    r"|previous treatment)\b"
)
# A question whether it was done, or the bare words as a form's label; not whether it helped, or why not.
_DONE = re.compile(r"\b(?:tried|done|completed|received|attempted|undergone|prior|previous|given|had)\b")
_BARE = re.compile(r"\W*(?:conservative (?:therapy|treatment|management|care))\W*")
_OTHER_QUESTION = re.compile(
    r"help|respon|improv|effective|relie|benefit|contraindicat|fail|refus|plann|result|outcome|reason|why|unable"
)
_SIX_WEEKS = re.compile(r"\b(?:6|six)[ -]weeks?\b|\b42 days\b")
_NO = re.compile(r"(?:no|none|nothing|never|not tried|not yet|none tried|no treatment|no therapy|n|false)\.?")
_YES = re.compile(r"(?:yes|y|true|done|completed|failed)\b.*", re.DOTALL)


def topic_of(question: str) -> str | None:
    """Return which known topic a question is about: `conservative_therapy`, or the same `for six weeks`."""
    asked = " ".join(question.casefold().split())
    if not _THERAPY.search(asked) or _OTHER_QUESTION.search(asked):
        return None
    if not (_DONE.search(asked) or _BARE.fullmatch(asked)):
        return None
    return "six_weeks_of_therapy" if _SIX_WEEKS.search(asked) else "conservative_therapy"


def answers_of(resources: Iterable[fhir.Resource]) -> Iterator[OrderAnswer]:
    """Return the answers to known questions in some Observations and QuestionnaireResponses."""
    for resource in resources:
        if isinstance(resource, fhir.Observation):
            yield from _observation(resource)
        elif isinstance(resource, fhir.QuestionnaireResponse):
            yield from _response(resource)


def _observation(observation: fhir.Observation) -> Iterator[OrderAnswer]:
    if observation.code is None or observation.code.coding or not observation.code.text:
        return
    if observation.status in ("entered-in-error", "cancelled", "registered"):
        return
    value: str | bool | None = observation.value_string
    if observation.value_boolean is not None:
        value = observation.value_boolean
    elif observation.value_codeable_concept is not None:
        concept = observation.value_codeable_concept
        value = concept.text or next((coding.display for coding in concept.coding if coding.display), None)
    when = observed_on(observation)
    yield from _answers(observation.code.text, value, f"Observation/{observation.id}", when)


def _response(response: fhir.QuestionnaireResponse) -> Iterator[OrderAnswer]:
    if response.status in ("entered-in-error", "stopped"):
        return
    when = parse_date(response.authored)
    pending = list(response.item)
    while pending:
        item = pending.pop()
        pending += item.item
        for answer in item.answer:
            value: str | bool | None = answer.value_string
            if answer.value_boolean is not None:
                value = answer.value_boolean
            elif answer.value_coding is not None:
                value = answer.value_coding.display or answer.value_coding.code
            yield from _answers(item.text, value, f"QuestionnaireResponse/{response.id}", when)


def _answers(question: str | None, value: _Value | None, reference: str, when: DateInterval) -> Iterator[OrderAnswer]:
    topic = None if question is None or value is None else topic_of(question)
    if topic is not None and value is not None:
        yield OrderAnswer(topic, _amounts_to(value), reference, when)


def _amounts_to(value: _Value) -> Answered:
    if isinstance(value, bool):
        return Answered.YES if value else Answered.NO
    said = " ".join(value.casefold().split())
    if _NO.fullmatch(said):
        return Answered.NO
    return Answered.YES if _YES.fullmatch(said) else Answered.UNCLEAR
