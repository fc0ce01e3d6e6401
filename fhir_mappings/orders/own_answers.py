"""What today's answers to our own questions state, and which questions they end for the day.

An answer counts on the day of the call and on no other. A yes states what the table of questions says, like a record
of the day. A no ends its question and clears nothing: what raised the question goes on holding back "not appropriate",
unless it was asked only because nothing is on record. A yes of an earlier day asks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from fhir_mappings.chart.answers import Answered, QuestionAnswer
from fhir_mappings.chart.entries import Assertion, ChartEntry
from fhir_mappings.chart.remarks import Remark
from fhir_mappings.fhir.dates import DateInterval, exact
from fhir_mappings.fhir.resources import Resource
from fhir_mappings.questionnaire.fixed_words import plain_name
from fhir_mappings.questionnaire.table import CHOICES, QUESTIONS, Question
from fhir_mappings.words.matcher import LONGEST_QUOTE

# Questions about the care given, of which one answer is enough. A no to the one that a planned operation raised ends it
# and says nothing else.
CARE = ("therapy", "therapy_response")
CARE_BEFORE_SURGERY = "candidate"


@dataclass(frozen=True, slots=True)
class OwnAnswers:
    """The answers to questions of ours: those that count on a day, and those of other days."""

    day: date
    counted: tuple[QuestionAnswer, ...]
    earlier: tuple[QuestionAnswer, ...]

    @classmethod
    def of(cls, answers: Iterable[QuestionAnswer], day: date, authored: DateInterval) -> OwnAnswers:
        """Part the answers by whether they count; one that bears no day is as old as the order that it stands in."""
        own = [answer for answer in answers if answer.own and answer.answered is not Answered.UNCLEAR]
        counted = [answer for answer in own if _counts(answer, day, authored)]
        return cls(day, tuple(counted), tuple(answer for answer in own if answer not in counted))

    def said(self, *questions: str) -> bool | None:
        """Return what was answered today to any of some questions; None for nothing, or for yes and no at once."""
        found = {answer.answered for answer in self.counted if answer.own in questions}
        return None if len(found) != 1 else found == {Answered.YES}

    def affirmed(self, *questions: str) -> bool:
        """Whether any of some questions was answered with yes today, whatever else was answered."""
        return any(answer.own in questions and answer.answered is Answered.YES for answer in self.counted)

    @property
    def ended(self) -> frozenset[str]:
        """The questions that are not asked again today, but for those of which each record has to be answered for."""
        found = set[str]()
        for answer in self.counted:
            question = QUESTIONS[answer.own]
            if not question.named or (question.nameless and (answer.answered is Answered.YES or not answer.named)):
                found.add(question.id)
            if question.id in CHOICES and answer.answered is Answered.YES:
                # A no to one choice leaves the others: the red flag that somebody stated is still to be named.
                found.add(CHOICES[question.id])
            if _only_asks(question) and not question.named:
                found.add(f"hint_{question.topic}")
        return frozenset(found)

    def names(self, question: str, name: str) -> bool:
        """Whether an answer of today to a question names a record."""
        plain = plain_name(name).casefold()
        return any(
            plain in (named.casefold() for named in answer.named) for answer in self.counted if answer.own == question
        )

    def are(self, remark: Remark) -> bool:
        """Whether a remark is an answer of today, which is not asked about in its turn."""
        return any(remark.reference == answer.reference and remark.text == answer.question for answer in self.counted)

    def given(self, concept: str, *questions: str) -> tuple[ChartEntry, ...]:
        """Return the answers of today to some questions, yes or no, as what is said about a concept."""
        return tuple(_entry(answer, concept, self.day) for answer in self.counted if answer.own in questions)

    def stated(self) -> Iterator[ChartEntry]:
        """Yield what the affirmed questions state, each as a record of the day of the call."""
        for answer in self.counted:
            question = QUESTIONS[answer.own]
            if answer.answered is Answered.YES and question.states:
                yield _entry(answer, question.states, self.day)

    def remarks(self) -> Iterator[Remark]:
        """Yield what was affirmed on an earlier day, which may still hold, and what no concept stands for."""
        lasting = [answer for answer in self.counted if _only_asks(QUESTIONS[answer.own])]
        for answer in (*self.earlier, *lasting):
            topic = QUESTIONS[answer.own].topic
            if answer.answered is Answered.YES and topic:
                yield Remark(answer.reference, answer.question, frozenset({topic}), place_of(answer), answer.when)


def _only_asks(question: Question) -> bool:
    """Whether a yes raises a topic and states nothing that a criterion looks for."""
    return bool(question.topic) and not question.states


def _entry(answer: QuestionAnswer, concept: str, day: date) -> ChartEntry:
    return ChartEntry(
        answer.reference,
        Resource(resource_type="ServiceRequest"),
        frozenset({concept}),
        (),
        Assertion.SUSPECTED if QUESTIONS[answer.own].doubt else Assertion.PRESENT,
        when=exact(day),
        of_order=True,
        quote=quoted_answer(answer),
        place=place_of(answer),
    )


def _counts(answer: QuestionAnswer, day: date, authored: DateInterval) -> bool:
    """Whether an answer was given on a day.

    One without a day stands in the order or comes with it, and is as old as that; said without a day, what calls for
    action or tells of care counts all the same, as any other words of the order do.
    """
    when = answer.when
    if when.is_known:
        return when.earliest is not None and when.latest is not None and when.earliest <= day <= when.latest
    if not answer.of_order:
        return False
    yes = answer.answered is Answered.YES
    return not authored.is_known or _holds(authored, day) or (yes and answer.own not in ("onset", "indication"))


def _holds(interval: DateInterval, day: date) -> bool:
    return interval.is_exact and interval.earliest == day


def place_of(answer: QuestionAnswer) -> str:
    """Return where an answer stands, as a name of the wording catalogue's places."""
    return "questionnaire" if answer.reference.startswith("QuestionnaireResponse/") else "order_note"


def quoted_answer(answer: QuestionAnswer) -> str:
    """Return the words of an answer, as far as a card quotes them."""
    said = answer.question.partition(" (asked ")[0]
    return said if len(said) <= LONGEST_QUOTE else f"{said[: LONGEST_QUOTE - 1].rstrip()}…"
