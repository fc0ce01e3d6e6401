"""What must hold of every answer to a question of ours: in any form it says what the table says, and that day only."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cards.decision.assessment import Assessment
from cards.guideline.guideline import Outcome
from cards.response.client_shape import ClientShape
from cards.response.response import respond
from cards.suggestions.answers import AnswerStyle
from fhir_mappings.questionnaire.fixed_words import answers_in, day_in_words, written
from fhir_mappings.questionnaire.table import ANSWER_SYSTEM, QUESTIONNAIRE_URL, QUESTIONS, Question, published_questions
from tests.property.advice import urgency
from tests.property.profile import law
from tests.unit.cards.advice import ACUTE, CARE, HINT, LONG, SITUATIONS, WEAK_HINT, advise, cards_of, shape
from tests.unit.fhir_mappings.records import DAY, PAIN, Resource, condition, encounter, mri

UNREAD = condition({"text": "Xyzzyoma"}, 10, resource_id="unread")
BASES: dict[str, tuple[tuple[Resource, ...], dict[str, Any]]] = {
    "acute pain": ((ACUTE,), {}),
    "pain with a hint": ((ACUTE, HINT), {}),
    "two hints": ((ACUTE, HINT, encounter(PAIN, 3, "e-c", reasonCode=[{"text": "back pain, cancer?"}])), {}),
    "failed care, a hint": ((LONG, CARE, WEAK_HINT), {"order": mri(reasons=[PAIN])}),
    "long pain": ((LONG,), {"order": mri(reasons=[PAIN])}),
    "unread problem": ((ACUTE, UNREAD), {}),
    "nothing known": ((), {}),
    "stat": ((ACUTE,), {"order": mri(priority="stat")}),
    "age 80": SITUATIONS["age 80"],
    "both sides": ((condition("icd:M54.41", 5), condition("icd:M54.42", 5, resource_id="left")), {}),
    "data missing": ((ACUTE,), {"cut": ["Observation"]}),
}
STYLES: tuple[AnswerStyle, ...] = ("order-note", "questionnaire-response", "none")
ANSWERS = [(question, yes) for question in published_questions() for yes in (True, False)]


_TO_TYPE = re.compile(r"order “(.*?)”, then “\(asked")


@dataclass(frozen=True)
class Call:
    """An order and a chart, to which answers can be added."""

    resources: tuple[Resource, ...]
    order: Resource
    chart: dict[str, Any]

    @classmethod
    def of(cls, name: str) -> Call:
        """Return the call of a base or a known situation."""
        resources, how = (BASES | SITUATIONS)[name]
        return cls(resources, how.get("order") or mri(), {key: value for key, value in how.items() if key != "order"})

    def assessed(self) -> Assessment:
        """Return what the guideline says of it."""
        return advise(*self.resources, order=self.order, **self.chart)

    def accepting(self, actions: list[Resource]) -> Call:
        """Return the next call after a suggestion was accepted."""
        resources, order = self.resources, self.order
        for number, action in enumerate(actions):
            if action["type"] == "create":
                resources = (*resources, {**action["resource"], "id": f"answer-{len(resources)}-{number}"})
            else:
                order = action["resource"]
        return Call(resources, order, self.chart)

    def noting(self, text: str, **elements: str) -> Call:
        """Return the call with one more note of the order."""
        return Call(
            self.resources,
            {**self.order, "note": [*self.order.get("note", ()), {"text": text, **elements}]},
            self.chart,
        )

    def saying(self, question: Question, style: AnswerStyle, *, yes: bool, day: date = DAY) -> Call:
        """Return the call with an answer that was given on a day."""
        named = ("Xyzzyoma",) if question.named else ()
        if style == "questionnaire-response":
            text = f"“{named[0]}”: {question.text}" if named else question.item_text
            coding = {"system": ANSWER_SYSTEM, "code": "yes" if yes else "no"}
            form = {
                "resourceType": "QuestionnaireResponse",
                "id": "form",
                "status": "completed",
                "questionnaire": QUESTIONNAIRE_URL,
                "authored": day.isoformat(),
                "item": [{"linkId": question.link_id, "text": text, "answer": [{"valueCoding": coding}]}],
            }
            return Call((*self.resources, form), self.order, self.chart)
        time = {"time": day.isoformat()} if style == "order-note" else {}
        return self.noting(written(question, day, yes=yes, named=named), **time)


def asked(assessment: Assessment) -> set[str]:
    """Return the questions that are asked."""
    return {question for message in assessment.messages for question in message.questions}


def offered(call: Call, style: AnswerStyle) -> Iterator[tuple[str, Resource]]:
    """Yield the answers that the cards of a call offer, by key, each with its suggestion."""
    found = respond([call.assessed()], shape(client=ClientShape(answers=style), user="Practitioner/p-1"))
    keys = {uuid: key for sent in found.sent for card in sent.cards for uuid, key in card.suggestions}
    for card in found.document["cards"]:
        for suggestion in card.get("suggestions", ()):
            if keys[suggestion["uuid"]].startswith("answer-"):
                yield keys[suggestion["uuid"]], suggestion


@pytest.mark.parametrize("style", ["order-note", "questionnaire-response"])
@pytest.mark.parametrize("name", [*BASES, *SITUATIONS])
def test_accepted_answer_is_not_asked_for_again(name: str, style: AnswerStyle) -> None:
    """Whatever is pressed, the next call understands it: the question is gone, and a no reassures nobody."""
    call = Call.of(name)
    before = call.assessed()
    for key, suggestion in offered(call, style):
        after = call.accepting(suggestion["actions"]).assessed()
        *ids, answer = key.removeprefix("answer-").split("-")
        assert not asked(after) & set(ids), key
        if answer == "no" and not all(QUESTIONS[name].leads_on for name in ids):
            assert urgency(after.outcome) >= urgency(before.outcome), key
            assert after.outcome is not Outcome.NOT_APPROPRIATE or before.outcome is Outcome.NOT_APPROPRIATE
        elif answer == "yes" and (concept := QUESTIONS[ids[0]].states):
            stated = {item.concept for found in after.findings.values() for item in found.evidence}
            assert concept in stated, key


@pytest.mark.parametrize("name", BASES)
def test_every_answer_in_every_form_says_the_same(name: str) -> None:
    """As a note, as a form or typed, an answer leads to the same outcome and ends the same questions."""
    call = Call.of(name)
    for question, yes in ANSWERS:
        told = [call.saying(question, style, yes=yes).assessed() for style in STYLES]
        assert len({found.outcome for found in told}) == 1, (question.id, yes)
        assert len({tuple(sorted(asked(found))) for found in told}) == 1, (question.id, yes)
        if not question.named or name == "unread problem":
            assert question.id not in asked(told[0])


@pytest.mark.parametrize("name", BASES)
def test_no_is_never_more_reassuring_than_the_table_allows(name: str) -> None:
    """A no ends questions: only one that stood for missing history may lead to other advice."""
    call = Call.of(name)
    before = call.assessed()
    for question in published_questions():
        after = call.saying(question, "order-note", yes=False).assessed()
        assert question.leads_on or urgency(after.outcome) >= urgency(before.outcome), question.id


@pytest.mark.parametrize("name", BASES)
def test_yes_to_a_red_flag_never_waits(name: str) -> None:
    """Who affirms a red flag, or that something else may be the pain, is never told to wait six weeks."""
    call = Call.of(name)
    before = call.assessed()
    for question in published_questions():
        after = call.saying(question, "order-note", yes=True).assessed()
        if question.topic not in ("", "contrast_allergy") or question.id == "red_flags":
            assert after.outcome is not Outcome.NOT_APPROPRIATE, question.id
        if not question.leads_on:
            assert urgency(after.outcome) >= urgency(before.outcome), question.id


@pytest.mark.parametrize(("style", "days"), list(itertools.product(STYLES, (-30, -1, 1))))
def test_answers_of_another_day_count_for_nothing(style: AnswerStyle, days: int) -> None:
    """A no of yesterday ends nothing, and a yes of yesterday may ask but never reassures."""
    day = DAY + timedelta(days=days)
    for name, (question, yes) in itertools.product(BASES, ANSWERS):
        call = Call.of(name)
        before, after = call.assessed(), call.saying(question, style, yes=yes, day=day).assessed()
        if yes:
            assert urgency(after.outcome) >= urgency(before.outcome), (name, question.id)
        else:
            assert (after.outcome, asked(after)) == (before.outcome, asked(before)), (name, question.id)


def _spelled_out(words: list[str]) -> list[str]:
    """Return words to type in full, where the second is told as the first with “no” in the place of “yes”."""
    return [f"{words[0].removesuffix('yes')}no" if each == "no" else each for each in words]


@pytest.mark.parametrize("name", ["pain with a hint", "unread problem", "acute pain", "long pain", "stat"])
def test_words_to_type_are_understood(name: str) -> None:
    """Where nothing can be pressed, the words on the card, typed with the day, answer it."""
    call = Call.of(name)
    before = call.assessed()
    details = [card["detail"] for card in cards_of(before, client=ClientShape("info"))]
    found = [match for detail in details for match in _TO_TYPE.findall(detail.replace("\\", ""))]
    typed = [words for each in found for words in _spelled_out(each.split("” or “"))]
    assert typed
    for words in typed:
        said, rest = answers_in(f"{words} (asked {day_in_words(DAY)})")
        assert said, words
        assert rest == ""


@law(60)
@given(
    st.text(max_size=40),
    st.sampled_from(ANSWERS),
    st.text(alphabet=st.characters(exclude_characters="\n.;", exclude_categories=["Cs"]), min_size=1, max_size=30),
    st.dates(date(1990, 1, 1), date(2090, 12, 31)),
)
def test_written_answers_are_read_back(before: str, answer: tuple[Question, bool], name: str, day: date) -> None:
    """Whatever stands before it, and whatever a record is called, an answer is read as it was written."""
    question, yes = answer
    words = written(question, day, yes=yes, named=(name,))
    said, _ = answers_in(f"{before}\n{words}.")
    last = said[-1]
    assert (last.question, last.yes, last.when.earliest, last.when.latest) == (question.id, yes, day, day)
