"""Answers to questions that an order form or a questionnaire asked in plain words.

Sites ask order questions without codes: an Observation whose code is only a text, or a QuestionnaireResponse. A yes of
today counts like a record, a no denies what was asked and nothing else, and whatever is older, unclear or asked in
words that are not understood may raise a question. Questions that name nothing of interest cost nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from fhir_mappings.chart.entries import NOTHING_CODED, Coded, code_up
from fhir_mappings.chart.observations import observed_on
from fhir_mappings.chart.questions import Question, understood
from fhir_mappings.chart.statuses import is_disregarded
from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.datatypes import CodeableConcept, Coding
from fhir_mappings.fhir.dates import UNKNOWN_DATE, DateInterval, parse_date, possible_days
from fhir_mappings.questionnaire.fixed_words import Said, asked_by, names_in
from fhir_mappings.questionnaire.implant import is_of_implant
from fhir_mappings.questionnaire.table import ANSWER_SYSTEM, LINK_PREFIX, QUESTIONS, by_link_id
from fhir_mappings.questionnaire.table import Question as OwnQuestion
from fhir_mappings.terminology.index import TerminologyIndex
from fhir_mappings.words.matcher import NOTED, asking_names, mentions_in, quote_of, topics_in
from fhir_mappings.words.topics import topics_of
from fhir_mappings.words.vocabulary import is_readable

AnswerValue = str | bool
UNNAMED = "?"  # shown for a question that bears neither words nor a linkId


class Answered(StrEnum):
    """What an answer amounts to."""

    NO = "no"
    YES = "yes"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class QuestionAnswer:
    """An answered question about something that matters here.

    `topic` is the known topic of a question about conservative care; `concepts` are what the answer states or denies,
    `topics` what it raises where it settles nothing. `of_order` where the order refers to it or it was given on the day
    of the order, so that it speaks for its author, now. `own` is the id of the question where it is one of ours, whose
    answers mean what their table says; `named` are the records that such an answer is about.
    """

    question: str
    value: AnswerValue
    answered: Answered
    reference: str
    topic: str = ""
    link_id: str = ""
    concepts: tuple[str, ...] = ()
    topics: frozenset[str] = frozenset()
    coded: Coded = NOTHING_CODED
    when: DateInterval = UNKNOWN_DATE
    of_order: bool = False
    resource: fhir.Resource = field(default_factory=fhir.Resource, compare=False, repr=False)
    own: str = ""
    named: tuple[str, ...] = ()

    @property
    def states(self) -> bool:
        """Whether it states or denies a concept as a record of the order's day does."""
        return self.of_order and bool(self.concepts or self.coded.concepts) and self.answered is not Answered.UNCLEAR


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

_NOT_THERE = re.compile(
    r"(?:no|none|nil|nothing|never|n|false|negative|neg|absent|not present|denie[sd]|normal|intact|unremarkable|0"
    r"|none of (?:the|these)(?: above)?)\.?"
)
_THERE = re.compile(r"(?:yes|y|true|positive|pos|present|new|worsening|confirmed|checked|x|1)\b(?P<more>.*)", re.DOTALL)
_NOT_NOW = re.compile(
    r"\b(?:resolved|ago|years?|history|hx|past|previous\w*|prior|old|unchanged|baseline|chronic|but|not|no|(?:19|20)\d\d)\b"
)
_FAMILY = re.compile(r"\b(?:family|relatives?|mother|father|siblings?)\b")
_NOT_ANSWERED = frozenset({"", "n/a", "na", "not applicable", "-", "--", "."})
# Nobody stands by what such a form denies. A yes counts in one that is still being filled in; in one that was broken
# off it asks.
_STOPPED, _IN_PROGRESS = "stopped", "in-progress"
# Questions of ours that name no one topic; which red flag it is, nobody said, and the most pressing is asked for.
_RAISING = frozenset({"red_flags", "unread"})
_ANY_RED_FLAG = "ces"
# A form that lists signs and takes those that apply as the answer.
_CHECKLIST = re.compile(
    r"\b(?:red flags?|signs?|symptoms?|risk factors?|indications?|implants?|devices?|apply|following)\b"
)


def topic_of(question: str) -> str | None:
    """Return which known topic a question is about: `conservative_therapy`, or the same `for six weeks`."""
    asked = " ".join(question.casefold().split())
    if not _THERAPY.search(asked) or _OTHER_QUESTION.search(asked):
        return None
    if not (_DONE.search(asked) or _BARE.fullmatch(asked)):
        return None
    return "six_weeks_of_therapy" if _SIX_WEEKS.search(asked) else "conservative_therapy"


def answers_of(
    resources: Iterable[fhir.Resource], index: TerminologyIndex, *, of_order: bool = False
) -> Iterator[QuestionAnswer]:
    """Yield the answers to questions that matter in some Observations and QuestionnaireResponses."""
    for resource in resources:
        if isinstance(resource, fhir.Observation):
            yield from _observation(resource, of_order=of_order)
        elif isinstance(resource, fhir.QuestionnaireResponse):
            yield from _response(resource, index, of_order=of_order)


def own_answer(said: Said, reference: str, written: DateInterval) -> QuestionAnswer:
    """Return an answer to a question of ours that a note of the order gives; the day that it names counts first."""
    return QuestionAnswer(
        said.words,
        said.yes,
        Answered.YES if said.yes else Answered.NO,
        reference,
        when=said.when if said.when.is_known else written,
        of_order=True,
        own=said.question,
        named=said.named,
    )


def _observation(observation: fhir.Observation, *, of_order: bool) -> Iterator[QuestionAnswer]:
    if observation.code is None or observation.code.coding or not observation.code.text:
        return
    if is_disregarded(observation):
        return
    value: AnswerValue | None = observation.value_string
    if observation.value_boolean is not None:
        value = observation.value_boolean
    elif observation.value_codeable_concept is not None:
        concept = observation.value_codeable_concept
        value = concept.text or next((coding.display for coding in concept.coding if coding.display), None)
    # Findings in words are remarks of their own; here only what was asked about care, as order questions are.
    topic = topic_of(observation.code.text)
    if topic is not None and value is not None:
        yield QuestionAnswer(
            observation.code.text,
            value,
            _amounts_to(value),
            f"Observation/{observation.id}",
            topic,
            when=observed_on(observation),
            of_order=of_order,
            resource=observation,
        )


def _response(
    response: fhir.QuestionnaireResponse, index: TerminologyIndex, *, of_order: bool
) -> Iterator[QuestionAnswer]:
    if is_disregarded(response):
        return
    found = _answers_in(response, index, of_order=of_order)
    if response.status in (_STOPPED, _IN_PROGRESS):
        found = filter(_is_no_denial, found)
    yield from map(_unsettled, found) if response.status == _STOPPED else found


def _answers_in(
    response: fhir.QuestionnaireResponse, index: TerminologyIndex, *, of_order: bool
) -> Iterator[QuestionAnswer]:
    when = parse_date(response.authored)
    pending = list(response.item)
    while pending:
        item = pending.pop()
        pending += item.item
        if is_of_implant(item):
            continue  # read as the Device that it describes
        question = _asked(item)
        for answer in item.answer:
            pending += answer.item
            if _is_unknown(answer):
                continue
            value = _value(answer, index)
            if value is not None and (own := _own(item, value, response, of_order=of_order)):
                yield own
            elif question and value is not None:
                yield from _read(question, item, answer, value, response, when, index, of_order=of_order)


def _is_unknown(answer: fhir.Answer) -> bool:
    """Whether a question of ours was answered with our own code for unknown, which counts as not answered."""
    coding = answer.value_coding
    return coding is not None and (coding.system, coding.code) == (ANSWER_SYSTEM, "unknown")


def _is_no_denial(answer: QuestionAnswer) -> bool:
    return answer.answered is not Answered.NO and not answer.topic


def _unsettled(answer: QuestionAnswer) -> QuestionAnswer:
    """Return an answer of a form that was broken off: it states nothing, and what it raises asks."""
    topics = answer.topics | topics_of(answer.coded.concepts) | topics_of(answer.concepts)
    if answer.own and (topic := _topic_of_own(QUESTIONS[answer.own])):
        topics |= {topic}
    return replace(answer, answered=Answered.UNCLEAR, topics=topics, of_order=False)


def _own(
    item: fhir.QuestionItem, value: AnswerValue, response: fhir.QuestionnaireResponse, *, of_order: bool
) -> QuestionAnswer | None:
    """Return the answer to a question of ours, known by its text or its linkId; None for any other.

    One that is neither yes nor no raises what was asked.
    """
    question, inverted = by_link_id(item.link_id), False
    if item.text and (told := asked_by(item.text)):
        # What was asked are the words that were read, whatever the item is called.
        question, inverted = told
    if question is None or not question.label:
        return None
    answered = _found(value)
    if inverted and answered is not Answered.UNCLEAR:
        answered = Answered.NO if answered is Answered.YES else Answered.YES
    unclear = answered is Answered.UNCLEAR and not _is_not_answered(value)
    topic = _topic_of_own(question)
    words = {Answered.YES: question.words(yes=True), Answered.NO: question.words(yes=False)}
    return QuestionAnswer(
        words.get(answered) or f"{question.label}: {value}",
        value,
        answered,
        f"QuestionnaireResponse/{response.id}",
        link_id=item.link_id or "",
        topics=frozenset({topic}) if unclear and topic else frozenset(),
        when=possible_days(response.authored),
        of_order=of_order,
        own=question.id,
        named=names_in(item.text or "") if question.named else (),
        resource=response,
    )


def _topic_of_own(question: OwnQuestion) -> str:
    """Return what a question of ours raises where its answer settles nothing; empty for none."""
    return question.topic or (_ANY_RED_FLAG if question.id in _RAISING else "")


def affirmed_unnamed(response: fhir.QuestionnaireResponse, index: TerminologyIndex) -> str:
    """Return the first question answered with yes of which no word can be read, or the first name that asks.

    A name asks in an answer, and in a question that was not answered with no.
    """
    pending = list(response.item)
    while pending:
        item = pending.pop(0)
        pending += item.item
        for answer in item.answer:
            pending += answer.item
            value = _value(answer, index)
            if value is None:
                continue
            answered = _found(value)
            if answered is Answered.YES and not _says_what(item):
                return item.text or item.link_id or UNNAMED
            asked = _asked(item) if answered is Answered.YES and not _FAMILY.search(_asked(item).casefold()) else ""
            if named := _named(value if isinstance(value, str) else "") or _named(asked):
                return named
    return ""


def _named(text: str) -> str:
    """Return the words of a text that hold a name which asks; empty for none."""
    return next((quote_of(text, name) for name in asking_names(text) if name.topic in NOTED), "")


def _says_what(item: fhir.QuestionItem) -> bool:
    """Whether at least a word of a question can be read."""
    if not item.text and (item.link_id or "").startswith(LINK_PREFIX):
        # A question of another edition of ours: its linkId names it to nobody.
        return by_link_id(item.link_id) is not None
    return any(map(is_readable, _asked(item).split()))


def _asked(item: fhir.QuestionItem) -> str:
    """Return the words of a question: its text, else what its link id or definition spells out."""
    if item.text:
        return item.text
    named = item.link_id if item.link_id and re.search("[A-Za-z]{4}", item.link_id) else item.definition or ""
    return re.sub(r"[-_./]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", named.rpartition("#")[2].rpartition("/")[2]))


def _value(answer: fhir.Answer, index: TerminologyIndex) -> AnswerValue | None:
    """Return an answer of any type as a boolean or as words."""
    if answer.value_boolean is not None:
        return answer.value_boolean
    if (coding := answer.value_coding) is not None:
        if "qualifier_presence" in index.concepts_of(coding.system, coding.code):
            return index.display_of("qualifier_presence", coding.system or "", coding.code or "")
        return coding.display or coding.code
    reference, quantity = answer.value_reference, answer.value_quantity
    numbers = [answer.value_integer, answer.value_decimal, quantity.value if quantity else None]
    said = [
        answer.value_string,
        *(f"{number:g}" for number in numbers if number is not None),
        reference.display if reference else None,
        answer.value_date,
        answer.value_date_time,
    ]
    return next((words for words in said if words is not None), None)


def _read(  # noqa: PLR0913, PLR0917 - what makes an answer
    question: str,
    item: fhir.QuestionItem,
    answer: fhir.Answer,
    value: AnswerValue,
    response: fhir.QuestionnaireResponse,
    when: DateInterval,
    index: TerminologyIndex,
    *,
    of_order: bool,
) -> Iterator[QuestionAnswer]:
    reference, link_id = f"QuestionnaireResponse/{response.id}", item.link_id or ""
    if (topic := topic_of(question)) is not None:
        yield QuestionAnswer(
            question,
            value,
            _amounts_to(value),
            reference,
            topic,
            link_id,
            when=when,
            of_order=of_order,
            resource=response,
        )
        return
    if _is_not_answered(value):
        return
    meant = understood(question)
    if answer.value_coding is not None and isinstance(value, str) and _CHECKLIST.search(question.casefold()):
        ticked = understood(value)
        if ticked is not None and (meant is None or not (meant.is_inverted or meant.presumes)):
            meant, value = ticked, "yes" if ticked.concepts else value
            question = f"{question}: {answer.value_coding.display or answer.value_coding.code}"
    coded = _coded(answer.value_coding, meant, index)
    answered, topics = _weighed(value, meant)
    if coded.concepts:
        answered = Answered.YES
    if meant is None and not coded.concepts and not topics:
        return
    yield QuestionAnswer(
        question,
        value,
        answered,
        reference,
        "",
        link_id,
        meant.concepts if meant is not None and not coded.concepts else (),
        topics,
        coded,
        when,
        of_order,
        response,
    )


def _coded(coding: Coding | None, meant: Question | None, index: TerminologyIndex) -> Coded:
    """Return the concepts of a coded answer ("Which red flags?"), unless the question asks what is not there."""
    if coding is None or (meant is not None and (meant.is_inverted or meant.presumes)):
        return NOTHING_CODED
    found = code_up(index, CodeableConcept(coding=[coding]))
    return found if found.concepts - {"qualifier_presence"} else NOTHING_CODED


def _weighed(value: AnswerValue, meant: Question | None) -> tuple[Answered, frozenset[str]]:
    """Return what an answer amounts to, and the topics it raises."""
    own = topics_in(value) if isinstance(value, str) else frozenset[str]()
    answered = _found(value)
    if meant is None:
        return (Answered.NO if answered is Answered.NO else Answered.UNCLEAR), own
    topics = meant.topics | own
    if meant.presumes:
        return Answered.UNCLEAR, topics
    if meant.is_inverted:
        return (Answered.NO if answered is Answered.YES else Answered.UNCLEAR), topics
    if isinstance(value, str) and answered is Answered.UNCLEAR and mentions_in(value) and not own:
        # "No saddle numbness": the answer denies in its own words.
        return Answered.NO, topics
    return answered, topics


def _is_not_answered(value: AnswerValue) -> bool:
    return isinstance(value, str) and " ".join(value.casefold().split()) in _NOT_ANSWERED


def _found(value: AnswerValue) -> Answered:
    if isinstance(value, bool):
        return Answered.YES if value else Answered.NO
    said = " ".join(value.casefold().split())
    if _NOT_THERE.fullmatch(said):
        return Answered.NO
    there = _THERE.fullmatch(said)
    return Answered.YES if there and not _NOT_NOW.search(there["more"]) else Answered.UNCLEAR


def _amounts_to(value: AnswerValue) -> Answered:
    if isinstance(value, bool):
        return Answered.YES if value else Answered.NO
    said = " ".join(value.casefold().split())
    if _NO.fullmatch(said):
        return Answered.NO
    return Answered.YES if _YES.fullmatch(said) else Answered.UNCLEAR
