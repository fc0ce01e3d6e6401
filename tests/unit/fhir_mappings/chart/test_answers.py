"""Order questions answered in plain words: what counts as "none tried", and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.chart.answers import Answered, QuestionAnswer
from tests.unit.fhir_mappings.records import PAIN, Record, Resource, condition, observation, record, verdict

QUESTION = "Conservative therapy tried?"
NO, YES, UNCLEAR = Answered.NO, Answered.YES, Answered.UNCLEAR


def asked(day: int | None = 1, question: str | None = QUESTION, name: str = "q", **value: Any) -> Resource:
    """Return an order question as an Observation without a code."""
    return observation({"text": question} if question else {}, day, name, **value)


def form(*items: Resource, **elements: Any) -> Resource:
    """Return a completed form."""
    return record(
        "QuestionnaireResponse",
        "form",
        **{"status": "completed", "authored": "2026-06-01", "item": list(items), **elements},
    )


def answers(*resources: Resource) -> tuple[QuestionAnswer, ...]:
    """Return the answers in some resources."""
    return Record(resources).chart().answers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No", NO),
        ("none", NO),
        ("None tried", NO),
        ("not tried", NO),
        ("N", NO),
        ("false", NO),
        ("yes", YES),
        ("Y", YES),
        ("Failed 8 weeks of PT", YES),
        ("completed", YES),
        ("No relief", UNCLEAR),
        ("No improvement with PT", UNCLEAR),
        ("NSAIDs", UNCLEAR),
        ("", UNCLEAR),
        ("Nothing helped", UNCLEAR),
        ("No benefit from 8 weeks of PT", UNCLEAR),
        ("No lasting relief", UNCLEAR),
        ("Never helped", UNCLEAR),
        ("N/A", UNCLEAR),
    ],
)
def test_words_of_an_answer(text: str, expected: Answered) -> None:
    """Only a plain no means that nothing was tried; therapy that did not help was tried."""
    (answer,) = answers(asked(valueString=text))
    assert (answer.topic, answer.answered) == ("conservative_therapy", expected)
    (answer,) = answers(form({"text": QUESTION, "answer": [{"valueString": text}]}))
    assert answer.answered is expected


@pytest.mark.parametrize(
    "question",
    [
        QUESTION,
        "Prior conservative treatment",
        "Physical therapy done",
        "PHYSICAL  THERAPY tried",
        "Conservative care:",
    ],
)
def test_question_in_other_words(question: str) -> None:
    """Sites word the question differently."""
    assert answers(asked(question=question, valueBoolean=False))


@pytest.mark.parametrize(
    "value",
    [
        {"valueBoolean": False},
        {"valueCodeableConcept": {"text": "No"}},
        {"valueCodeableConcept": {"coding": [{}, {"display": "No"}]}},
    ],
)
def test_answer_in_other_types(value: Resource) -> None:
    """A box, a coded answer and a text are answers."""
    (answer,) = answers(asked(**value))
    assert answer.answered is NO
    assert answer.reference == "Observation/q"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"valueBoolean": True}, YES),
        ({"valueCoding": {"display": "No"}}, NO),
        ({"valueCoding": {"code": "N"}}, NO),
        ({"valueString": "yes"}, YES),
    ],
)
def test_answer_of_a_form(answer: Resource, expected: Answered) -> None:
    """Nested items of a form are read, each answer by its own type."""
    nested = {"linkId": "1", "text": "Section", "item": [{"text": QUESTION, "answer": [answer]}]}
    (found,) = answers(form(nested))
    assert (found.answered, found.reference) == (expected, "QuestionnaireResponse/form")


@pytest.mark.parametrize(
    "resource",
    [
        asked(valueString="No", status="entered-in-error"),
        asked(valueString="No", status="cancelled"),
        asked(question="Pain today?", valueString="No"),
        asked(question=None, valueString="No"),
        asked(),
        observation("icd:R20.0", valueString="No", resource_id="q"),
        form({"text": QUESTION, "answer": [{"valueString": "No"}]}, status="entered-in-error"),
        form({"text": QUESTION, "answer": [{"valueString": "No"}]}, status="stopped"),
        form({"linkId": "1", "answer": [{"valueString": "No"}]}),
        form({"text": QUESTION, "answer": [{"valueAttachment": {}}]}),
        form({"text": QUESTION}),
    ],
)
def test_what_is_no_answer(resource: Resource) -> None:
    """Other questions, void forms and empty answers say nothing."""
    assert answers(resource) == ()


LONG = condition(PAIN, onset=60)


@pytest.mark.parametrize(
    ("resources", "status"),
    [
        ([asked(valueString="None")], "MET"),
        ([asked(valueString="Nothing helped")], "UNKNOWN"),
        ([asked(valueString="Yes")], "UNKNOWN"),
        ([asked(800, valueString="None")], "UNKNOWN"),  # told of another episode
        ([asked(30, name="a", valueString="None"), asked(1, name="b", valueString="Yes, 8 weeks of PT")], "UNKNOWN"),
        ([form({"text": QUESTION, "answer": [{"valueBoolean": False}]})], "MET"),
    ],
)
def test_only_a_current_no_is_evidence_against_the_scan(resources: list[Resource], status: str) -> None:
    """That no therapy was tried counts when it was said of this episode and nobody has said otherwise since."""
    assert verdict("R-6W-NO", LONG, *resources)[0] == status
