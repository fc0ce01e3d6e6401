"""The answers that a card offers: each question's yes and no, named and dated, as one press.

An answer is written where the next call and the radiologist read it: as a note of the order in fixed words, or as a
QuestionnaireResponse to the published Questionnaire. A client that takes neither is told the words to type. Where
answers are notes, each carries the whole order and so excludes the others; two questions then also have one answer for
both, which names them. A yes to what makes the scan urgent raises the order along with it, unless an implant forbids or
holds the scan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse

from cards.decision.assessment import Assessment
from cards.decision.decision import Message
from cards.decision.questions import MOST_QUOTES, raised_by
from cards.guideline.guideline import GUIDELINE_VERSION
from cards.guideline.wording import Wording
from cards.suggestions.actions import Action, Suggestion
from cards.suggestions.drafts import is_below, pruned, with_priority
from fhir_mappings.questionnaire.fixed_words import plain_name, words_about, words_beside, written
from fhir_mappings.questionnaire.table import ANSWER_SYSTEM, QUESTIONNAIRE_URL, QUESTIONS, Question

AnswerStyle = Literal["order-note", "questionnaire-response", "none"]

# What is offered of them: answers to the first two; the next call asks for the rest.
_MOST_ANSWERED = 2
_LONGEST_LABEL_NAME = 40
# The questions whose yes speaks against advice to wait.
_TO_WAITING = ("therapy", "red_flags")
# Who can be named as the author of a note, of the references that a hook may bear.
_AUTHORS = ("Practitioner/", "Patient/", "RelatedPerson/")


class AnswerBuilder:
    """Builds the answers that one client can take to the questions of one assessment."""

    def __init__(
        self, assessment: Assessment, wording: Wording, style: AnswerStyle, *, user: str = "", single: bool = False
    ) -> None:
        """Bind an assessment; `single` for a client that takes no suggestion of two actions."""
        self.assessment = assessment
        self.order = assessment.order
        self.wording = wording
        self.user = user
        self.single = single
        self.style = self._possible(style)

    def _possible(self, style: AnswerStyle) -> AnswerStyle:
        """Return how this order can be answered: a note needs an order with an id, a form one of today's version."""
        if style == "order-note":
            notes = self.order.resource.get("note")
            return style if self.order.id and (notes is None or isinstance(notes, list)) else "none"
        return style if self.order.resource_type == "ServiceRequest" else "none"

    def of(self, messages: Iterable[Message]) -> tuple[Suggestion, ...]:
        """Return the answers to the questions of the messages of one card."""
        if self.style == "none":
            return ()
        asked = dict.fromkeys(question for message in messages for question in message.questions)
        return tuple(self._to_questions(tuple(asked)))

    def objections(self, messages: Iterable[Message]) -> tuple[Suggestion, ...]:
        """Return what a clinician can say to advice to wait: it was tried, or there is more to know."""
        if self.style == "none" or not any(may_object(self.assessment, message) for message in messages):
            return ()
        return tuple(self._answer(QUESTIONS[name], yes=True) for name in _TO_WAITING)

    def _to_questions(self, asked: Sequence[str]) -> Iterator[Suggestion]:
        answerable = [QUESTIONS[name] for name in asked if QUESTIONS[name].label or QUESTIONS[name].choices]
        answerable = answerable[:_MOST_ANSWERED]
        plain = [question for question in answerable if question.label and not question.leads_on]
        if len(plain) > 1 and self.style == "order-note":
            yield self._none_of(plain)
        for question in answerable:
            if question.choices:
                yield from (self._answer(QUESTIONS[name], yes=True) for name in question.choices)
                yield self._answer(QUESTIONS[question.none], yes=False)
            else:
                yield self._answer(question, yes=True)
                yield self._answer(question, yes=False)

    def _answer(self, question: Question, *, yes: bool) -> Suggestion:
        key = f"answer-{question.id}-{'yes' if yes else 'no'}"
        label = self._label(question, yes=yes)
        words = written(question, self._day, yes=yes, named=_names(self.assessment, question))
        raised = self._raised(question) if yes else ""
        if self.style == "order-note":
            return Suggestion(key, label, (self._note(words, raised),))
        actions = [Action("create", self._say("form", words=words), self._form(question, yes=yes))]
        if raised and self.order.id and not self.single:
            resource = pruned(with_priority(self.order.resource, raised))
            actions.append(Action("update", self._say("raise", priority=raised), resource))
        return Suggestion(key, label, tuple(actions))

    def _none_of(self, questions: Sequence[Question]) -> Suggestion:
        """Return the one answer that denies two things by name."""
        words = [written(item, self._day, yes=False, named=_names(self.assessment, item)) for item in questions]
        label = self._say("none_of", names="; ".join(item.button for item in questions), day=self._short_day)
        key = "-".join(("answer", *(item.id for item in questions), "no"))
        return Suggestion(key, label, (self._note(". ".join(words), ""),))

    def _note(self, words: str, raised: str) -> Action:
        """Return the change of the order that adds an answer, and raises it where that is asked for."""
        note: dict[str, Any] = {"text": f"{words}.", "time": self._day.isoformat()}
        if self.user.startswith(_AUTHORS):
            note["authorReference"] = {"reference": self.user}
        order = self.order.resource
        resource = {**order, "note": [*(order.get("note") or []), note]}
        if not raised:
            return Action("update", self._say("note", words=words), pruned(resource))
        description = self._say("note_raised", words=words, priority=raised)
        return Action("update", description, pruned(with_priority(resource, raised)))

    def _form(self, question: Question, *, yes: bool) -> dict[str, Any]:
        """Return the answer as a response to the published Questionnaire."""
        names = ", ".join(f"“{plain_name(name)}”" for name in _names(self.assessment, question))
        coding = {"system": ANSWER_SYSTEM, "code": "yes" if yes else "no"}
        text = f"{names}: {question.text}" if names else question.item_text
        response: dict[str, Any] = {
            "resourceType": "QuestionnaireResponse",
            "questionnaire": f"{QUESTIONNAIRE_URL}|{GUIDELINE_VERSION}",
            "status": "completed",
            "subject": {"reference": f"Patient/{self.assessment.chart.patient_id}"},
            "authored": self._day.isoformat(),
            "item": [{"linkId": question.link_id, "text": text, "answer": [{"valueCoding": coding}]}],
        }
        if self.user.startswith((*_AUTHORS, "PractitionerRole/")):
            response["author"] = {"reference": self.user}
        QuestionnaireResponse.model_validate(response)
        return response

    def _raised(self, question: Question) -> str:
        """Return the priority that a yes raises the order to: none that it has, none while it may not be scanned."""
        wanted = question.priority
        if not wanted or self.assessment.unscannable or not is_below(self.order.priority, wanted):
            return ""
        return wanted

    def _label(self, question: Question, *, yes: bool) -> str:
        if question.named and not question.nameless:
            return self._named_label(question, yes=yes)
        if yes:
            own = self._say("said", words=question.yes) if question.yes else ""
            return own or self._say(self._raised(question) or "yes", short=question.button)
        if denied := question.short_no or question.no:
            return self._say("denied", words=denied, day=self._short_day)
        return self._say("no", short=question.button, day=self._short_day)

    def _named_label(self, question: Question, *, yes: bool) -> str:
        """Return the label of an answer about named records, as far as a button can hold their names."""
        names = _names(self.assessment, question)
        first = self._say("typed", words=_cut(names[0])) if names else ""
        if len(names) > 1:
            first = self._say("and_more", name=_cut(names[0]), count=len(names) - 1)
        return words_beside(question, first, yes=yes)

    def _say(self, key: str, **values: object) -> str:
        return self.wording.text("answers", key, **values)

    @property
    def _day(self) -> Any:
        return self.assessment.answered_on

    @property
    def _short_day(self) -> str:
        months = self.wording.get("meta", "months")
        return self._say("day", day=self._day.day, month=months[self._day.month - 1])


def words_of_answers(assessment: Assessment, question: str) -> tuple[str, ...]:
    """Return the fixed words that answer a question, but for the day; nothing where there are none."""
    row = QUESTIONS[question]
    if row.choices:
        return (*(QUESTIONS[name].words(yes=True) for name in row.choices), QUESTIONS[row.none].words(yes=False))
    names = _names(assessment, row)
    return tuple(words_about(row, names, yes=yes) for yes in (True, False)) if row.label else ()


def words_to_object(assessment: Assessment, message: Message) -> tuple[str, ...]:
    """Return the fixed words in which a clinician can answer advice to wait."""
    return tuple(QUESTIONS[name].words(yes=True) for name in _TO_WAITING) if may_object(assessment, message) else ()


def may_object(assessment: Assessment, message: Message) -> bool:
    """Whether a message advises to wait; while an implant keeps the patient out of the scanner, that decides."""
    return message.id == "C-NOTAPP-6W" and not assessment.unscannable


def _names(assessment: Assessment, question: Question) -> tuple[str, ...]:
    """Return the records that an answer is about, as the card names them."""
    if not question.named:
        return ()
    return tuple(item.quote for item in raised_by(assessment.findings, question.id)[:MOST_QUOTES])


def _cut(name: str) -> str:
    plain = plain_name(name)
    return plain if len(plain) <= _LONGEST_LABEL_NAME else f"{plain[: _LONGEST_LABEL_NAME - 1].rstrip()}…"
