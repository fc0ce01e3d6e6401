"""Assessments in, the CDS Hooks response out: which cards, in which order, with which identifiers.

A card is one decision at one level: critical messages share a card, warnings share a card, and information joins the
card above it, so that an order brings two cards at the most and three never are exceeded. Equal orders share their
cards. What was answered before is left out, or told in a line where it must not be silent. Card and suggestion ids
are derived from the hook instance, the order and the message, so that a repeated call gives the same ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cards.decision.assessment import Assessment
from cards.decision.decision import Message
from cards.decision.questions import MISSING_HISTORY
from cards.guideline.guideline import MESSAGES, OFFERS, Indicator, Outcome
from cards.response.card import Card, CardMaker, SentCard
from cards.response.client_shape import ResponseShape
from cards.response.equal_orders import answer_text, together
from cards.response.explanation import explained
from cards.response.memory import Answer, Memory, NotRepeated, is_never_silent, is_told_anew
from cards.response.rating import Rating, rating_of
from cards.response.rating_extensions import Rater
from cards.response.shaping import answers_for, beside_answers, shaped
from cards.suggestions.actions import Suggestion
from cards.suggestions.suggestions import SuggestionBuilder

ASSESSMENTS = "org.lumbar-mri-cds.assessments"
_MOST_RAISED = 2
# Without anything to press: an implant to be cleared, and a record that nobody could read.
_NEVER_SILENT = frozenset({"C-MR-COND", "C-MR-UNKNOWN", "C-DEGRADED"})

# Whatever hook asks the questions: another cause to exclude first, pain in both legs, and a red flag that was pressed.
_AT_BOTH = frozenset({"mimic", "mimic_stated", "both_sides", "flagged"})


@dataclass(frozen=True, slots=True)
class SentAssessment:
    """What was sent about one order; `messages` are those of the assessment, shown or not.

    `rating` is the rating that was recorded on the order, None where there was none or the client wants none. A card
    about several orders stands with each of them. `not_repeated` is what was answered before.
    """

    outcome: Outcome
    messages: tuple[str, ...]
    cards: tuple[SentCard, ...] = ()
    rating: Rating | None = None
    not_repeated: tuple[NotRepeated, ...] = ()


@dataclass(frozen=True, slots=True)
class Response:
    """A CDS Hooks response, ready to be written as JSON, and what of it is worth remembering, in the same order."""

    document: dict[str, Any]
    sent: tuple[SentAssessment, ...] = ()


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is said of one order: the messages of each card, with the answer where a card is only a line."""

    assessment: Assessment
    cards: tuple[tuple[tuple[Message, ...], Answer | None], ...]
    not_repeated: tuple[NotRepeated, ...]


def respond(assessments: Sequence[Assessment], shape: ResponseShape, memory: Memory | None = None) -> Response:
    """Return the CDS Hooks response for the assessed orders of one hook call, given what was answered before."""
    memory = memory or Memory()
    plans = [_plan(assessment, shape, memory) for assessment in assessments]
    alike = _alike(plans)
    cards: list[dict[str, Any]] = []
    sent: dict[int, tuple[SentCard, ...]] = {}
    for places in alike:
        made = tuple(_cards_of([plans[at] for at in places], shape, memory, several=len(alike) > 1))
        cards += [card.document for card in made]
        sent |= dict.fromkeys(places, tuple(card.sent for card in made))
    recorded = [_rater(assessment, shape).system_action() for assessment in assessments]
    told = tuple(
        SentAssessment(
            outcome=plan.assessment.outcome,
            messages=tuple(message.id for message in plan.assessment.messages),
            cards=sent[at],
            rating=rating_of(plan.assessment) if recorded[at] else None,
            not_repeated=plan.not_repeated,
        )
        for at, plan in enumerate(plans)
    )
    return Response(_document(cards, list(filter(None, recorded)), plans, shape), told)


def messages_by_card(assessment: Assessment, shape: ResponseShape) -> tuple[tuple[str, ...], ...]:
    """Return the messages of each card that `respond` gives for one order of which nothing was answered before."""
    cards = _plan(assessment, shape, Memory()).cards
    return tuple(tuple(message.id for message in messages) for messages, _ in cards)


def _plan(assessment: Assessment, shape: ResponseShape, memory: Memory) -> _Plan:
    """Leave out what was answered, unless it is never silent; a card of nothing else becomes a line."""
    answered = memory.answers_to(assessment)
    open_ones = [item for item in assessment.messages if item.id not in answered or is_never_silent(item)]
    cards: list[tuple[tuple[Message, ...], Answer | None]] = []
    in_full: set[str] = set()
    for messages in grouped(shown(open_ones, shape)):
        if is_told_anew(messages, answered):
            cards.append((messages, None))
            in_full |= {message.id for message in messages}
        else:
            known = tuple(message for message in messages if message.id in answered)
            cards.append((known, answered[known[0].id]))
    lines = {message.id for messages, answer in cards if answer for message in messages}
    usual = (message.id for message in shown(assessment.messages, shape) if message.id in answered)
    kept_back = tuple(
        NotRepeated(name, "line" if name in lines else "silent", answered[name])
        for name in usual
        if name not in in_full
    )
    return _Plan(assessment, tuple(cards), kept_back)


def _alike(plans: Sequence[_Plan]) -> list[list[int]]:
    """Return the places of the plans, equal orders with the same answer together."""
    if len(plans) == 1:
        return [[0]]
    found: dict[tuple[object, ...], list[int]] = {}
    for at, plan in enumerate(plans):
        lines = tuple((tuple(item.id for item in messages), answer is None) for messages, answer in plan.cards)
        found.setdefault((*answer_text(plan.assessment), lines), []).append(at)
    return list(found.values())


def _document(
    cards: list[dict[str, Any]],
    ratings: list[dict[str, Any]],
    plans: Sequence[_Plan],
    shape: ResponseShape,
) -> dict[str, Any]:
    document: dict[str, Any] = {"cards": cards}
    extension: dict[str, Any] = {}
    if ratings and shape.client.rating_place in ("root", "both"):
        document["systemActions"] = ratings
    if ratings and shape.client.rates_in_extension:
        extension["systemActions"] = ratings
    if shape.explain and plans:
        extension[ASSESSMENTS] = [explained(plan.assessment, shape.wording, plan.not_repeated) for plan in plans]
    return document | ({"extension": extension} if extension else {})


def _rater(assessment: Assessment, shape: ResponseShape) -> Rater:
    return Rater(assessment, shape.client, shape.wording, shape.consultation_scope)


def _cards_of(plans: Sequence[_Plan], shape: ResponseShape, memory: Memory, *, several: bool) -> Iterator[Card]:
    """Yield the cards of one assessment, or of equal ones, the most pressing first."""
    assessments = [plan.assessment for plan in plans]
    card = CardMaker(assessments, shape, memory, several=several)
    recommended = False
    for messages, answer in plans[0].cards:
        if answer is not None:
            yield card.line(messages, answer)
            continue
        offers = [_offered(assessment, messages, shape) for assessment in assessments]
        suggestions = together(offers, assessments, shape.client, shape.wording)
        if recommended:
            suggestions = tuple(replace(suggestion, recommended=False) for suggestion in suggestions)
        recommended = recommended or any(suggestion.recommended for suggestion in suggestions)
        yield card.full(messages, suggestions)


def _offered(assessment: Assessment, messages: tuple[Message, ...], shape: ResponseShape) -> tuple[Suggestion, ...]:
    """Return the suggestions of the messages of a card about one order, as the client takes them."""
    builder, rater = SuggestionBuilder(assessment, shape.wording), _rater(assessment, shape)
    suggestions = shaped(builder.of(messages), assessment, shape.client, shape.wording)
    answers = answers_for(assessment, shape)
    suggestions = beside_answers(suggestions, answers.of(messages), answers.objections(messages))
    return tuple(map(rater.rated, suggestions))


def shown(messages: Sequence[Message], shape: ResponseShape) -> tuple[Message, ...]:
    """Return the messages a client wants to see.

    With verbosity `action` only what can be acted on interrupts. Of the questions, those count that a record or the
    order raised, two at the most, asked once: at the signature unless the site wants them earlier, because details
    are often still missing when an order is only selected. What cannot wait for the signature is shown at both, and so
    is what follows from a press. History that is merely missing interrupts nobody.
    """
    if shape.verbosity == "all":
        return tuple(messages)
    asking = shape.ask_questions_at == "both" or shape.hook == f"order-{shape.ask_questions_at}"
    kept = tuple(
        _narrowed(message)
        for message in messages
        if message.id != "C-INFO-NEED" or _may_ask(message, asking) or not _AT_BOTH.isdisjoint(message.variants)
    )
    return kept if any(map(_interrupts, kept)) else ()


def _may_ask(message: Message, asking: bool) -> bool:  # noqa: FBT001 - a filter
    return asking and bool(_raised(message))


def _raised(message: Message) -> tuple[str, ...]:
    return tuple(question for question in message.questions if question not in MISSING_HISTORY)


def _narrowed(message: Message) -> Message:
    return replace(message, questions=_raised(message)[:_MOST_RAISED]) if message.id == "C-INFO-NEED" else message


def _interrupts(message: Message) -> bool:
    """Whether a message is worth stopping for: urgent, a choice to press, or a danger while the order stands."""
    if message.indicator is Indicator.INFO:
        return False
    if message.id == "C-CONTRAST-SAFETY":
        return set(message.variants) != {"egfr_missing"}
    return message.indicator is Indicator.CRITICAL or message.id in _NEVER_SILENT or bool(OFFERS.get(message.id))


# Warnings that say what a critical message decides already: two cards would take the order away twice, or offer
# contrast once with a button and once without.
_SAME_DECISION = (
    (("C-MR-UNSAFE", "C-MR-HOLD"), frozenset({"C-NOTAPP-6W"})),
    (("C-EMERG-", "C-URG-"), frozenset({"C-CONTRAST-ADD", "C-CONTRAST-SAFETY"})),
)


def _level(message: Message, critical: Sequence[Message]) -> Indicator:
    """Return the level of the card that a message stands on."""
    is_same = any(
        message.id in followers and any(leader.id.startswith(leaders) for leader in critical)
        for leaders, followers in _SAME_DECISION
    )
    return Indicator.CRITICAL if is_same else message.indicator


def grouped(messages: Sequence[Message]) -> Iterator[tuple[Message, ...]]:
    """Yield the messages of each card: one card a level, information joining the first card above it."""
    critical = [item for item in messages if item.indicator is Indicator.CRITICAL]
    by_level = {level: [item for item in messages if _level(item, critical) is level] for level in Indicator}
    pressing = [level for level in (Indicator.CRITICAL, Indicator.WARNING) if by_level[level]]
    information = by_level[Indicator.INFO]
    if not pressing:
        leads = [item for item in information if MESSAGES[item.id].lead]
        if leads:
            yield (*leads, *(item for item in information if not MESSAGES[item.id].lead))
        return
    timing = next((level for level in pressing if any(_is_about_timing(item) for item in by_level[level])), pressing[0])
    for level in pressing:
        yield (*by_level[level], *(information if level is timing else ()))


def _is_about_timing(message: Message) -> bool:
    return message.id in ("C-NOTAPP-6W", "C-INFO-NEED", "C-V7-RISK")
