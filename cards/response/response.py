"""Assessments in, the CDS Hooks response out: which cards, in which order, with which identifiers.

A card is one decision at one level: critical messages share a card, warnings share a card, and information joins the
card above it, so that an order brings two cards at the most and three never are exceeded. Card and suggestion ids
are derived from the hook instance, the order and the message, so that a repeated call gives the same ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID, uuid5

from cards.decision.assessment import Assessment
from cards.decision.decision import Message
from cards.decision.questions import MISSING_HISTORY
from cards.guideline.guideline import MESSAGES, OFFERS, Indicator, Outcome
from cards.guideline.wording import Wording
from cards.response.client_shape import ClientShape
from cards.response.explanation import explained
from cards.response.rating import Rating, rating_of
from cards.response.rating_extensions import Rater
from cards.response.shaping import allowed_links, beside_answers, selection, shaped
from cards.response.text import CardText
from cards.suggestions.actions import Suggestion
from cards.suggestions.answers import AnswerBuilder
from cards.suggestions.suggestions import SuggestionBuilder

ASSESSMENTS = "org.lumbar-mri-cds.assessments"
_MOST_RAISED = 2
# Without anything to press: an implant to be cleared, and a record that nobody could read.
_NEVER_SILENT = frozenset({"C-MR-COND", "C-MR-UNKNOWN", "C-DEGRADED"})
_NAMESPACE = UUID("5f0f4f7e-7f0b-5d0f-9b8e-6f1a7c3d2e10")


@dataclass(frozen=True, slots=True)
class ResponseShape:
    """How one client wants its response.

    `consultation_scope` tells clients apart in the consultation ids of ratings; it is the same for all hooks.
    `address` is where people reach this service, `user` the reference of who orders; empty where nobody said.
    """

    hook_instance: str
    hook: str
    wording: Wording
    verbosity: Literal["all", "action"] = "all"
    explain: bool = False
    ask_questions_at: Literal["select", "sign", "both"] = "sign"
    client: ClientShape = field(default_factory=ClientShape)
    consultation_scope: str = ""
    address: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class SentCard:
    """A card that was sent: its id, level and messages, and its suggestions as (uuid, key)."""

    uuid: str
    indicator: Indicator
    messages: tuple[str, ...]
    suggestions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SentAssessment:
    """What was sent about one order; `messages` are those of the assessment, shown or not.

    `rating` is the rating that was recorded on the order, None where there was none or the client wants none.
    """

    outcome: Outcome
    messages: tuple[str, ...]
    cards: tuple[SentCard, ...] = ()
    rating: Rating | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """A CDS Hooks response, ready to be written as JSON, and what of it is worth remembering, in the same order."""

    document: dict[str, Any]
    sent: tuple[SentAssessment, ...] = ()


@dataclass(frozen=True, slots=True)
class _Card:
    """A card as JSON, with what is remembered of it."""

    document: dict[str, Any]
    sent: SentCard


def respond(assessments: Sequence[Assessment], shape: ResponseShape) -> Response:
    """Return the CDS Hooks response for the assessed orders of one hook call."""
    cards: list[dict[str, Any]] = []
    ratings: list[dict[str, Any]] = []
    sent: list[SentAssessment] = []
    for assessment in assessments:
        made = tuple(_cards_of(assessment, shape, several=len(assessments) > 1))
        cards += [card.document for card in made]
        recorded = _rater(assessment, shape).system_action()
        ratings += [recorded] if recorded else []
        sent.append(
            SentAssessment(
                outcome=assessment.outcome,
                messages=tuple(message.id for message in assessment.messages),
                cards=tuple(card.sent for card in made),
                rating=rating_of(assessment) if recorded else None,
            )
        )
    return Response(_document(cards, ratings, assessments, shape), tuple(sent))


def _document(
    cards: list[dict[str, Any]],
    ratings: list[dict[str, Any]],
    assessments: Sequence[Assessment],
    shape: ResponseShape,
) -> dict[str, Any]:
    document: dict[str, Any] = {"cards": cards}
    extension: dict[str, Any] = {}
    if ratings and shape.client.rating_place in ("root", "both"):
        document["systemActions"] = ratings
    if ratings and shape.client.rates_in_extension:
        extension["systemActions"] = ratings
    if shape.explain and assessments:
        extension[ASSESSMENTS] = [explained(item, shape.wording) for item in assessments]
    return document | ({"extension": extension} if extension else {})


def _rater(assessment: Assessment, shape: ResponseShape) -> Rater:
    return Rater(assessment, shape.client, shape.wording, shape.consultation_scope)


def _cards_of(assessment: Assessment, shape: ResponseShape, *, several: bool) -> Iterator[_Card]:
    """Yield the cards of one assessment, the most pressing first."""
    answers = AnswerBuilder(
        assessment,
        shape.wording,
        shape.client.answers_by,
        user=shape.user,
        single=shape.client.one_action,
    )
    text = CardText(assessment, shape.wording, typed=answers.style == "none")
    builder, rater = SuggestionBuilder(assessment, shape.wording), _rater(assessment, shape)
    recommended = False
    for messages in grouped(shown(assessment.messages, shape)):
        suggestions = shaped(builder.of(messages), assessment, shape.client, shape.wording)
        suggestions = beside_answers(suggestions, answers.of(messages), answers.objections(messages))
        suggestions = tuple(map(rater.rated, suggestions))
        if recommended:
            suggestions = tuple(replace(suggestion, recommended=False) for suggestion in suggestions)
        recommended = recommended or any(suggestion.recommended for suggestion in suggestions)
        yield _card(assessment, messages, suggestions, text, shape, several=several)


def shown(messages: Sequence[Message], shape: ResponseShape) -> tuple[Message, ...]:
    """Return the messages a client wants to see.

    With verbosity `action` only what can be acted on interrupts. Of the questions, those count that a record or the
    order raised, two at the most, asked once: at the signature unless the site wants them earlier, because details
    are often still missing when an order is only selected. History that is merely missing interrupts nobody.
    """
    if shape.verbosity == "all":
        return tuple(messages)
    asking = shape.ask_questions_at == "both" or shape.hook == f"order-{shape.ask_questions_at}"
    kept = tuple(
        _narrowed(message)
        for message in messages
        if message.id != "C-INFO-NEED" or _may_ask(message, asking) or "mimic_stated" in message.variants
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


def grouped(messages: Sequence[Message]) -> Iterator[tuple[Message, ...]]:
    """Yield the messages of each card: one card a level, information joining the first card above it."""
    by_level = {level: [item for item in messages if item.indicator is level] for level in Indicator}
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


def _card(  # noqa: PLR0913 - the parts of a card
    assessment: Assessment,
    messages: tuple[Message, ...],
    suggestions: tuple[Suggestion, ...],
    text: CardText,
    shape: ResponseShape,
    *,
    several: bool,
) -> _Card:
    lead, wording = messages[0], shape.wording
    # What this client cannot press has no action, and is said.
    said_only = tuple(item.label for item in suggestions if not item.actions)
    suggestions = tuple(item for item in suggestions if item.actions)
    name = f"{shape.hook_instance}|{assessment.order.reference}|{lead.id}"
    card: dict[str, Any] = {
        "uuid": str(uuid5(_NAMESPACE, name)),
        "summary": text.summary(lead),
        "detail": text.detail(messages, several=several, short=shape.client.detail == "short", by_hand=said_only),
        "indicator": lead.indicator.value,
        "source": {
            "label": wording.text("meta", "source_label"),
            "url": _why(lead.id, shape) or wording.text("meta", "source_url"),
            "topic": {
                "system": wording.text("meta", "topic_system"),
                # Letters and digits only: a client that matches overrides by topic needs a plain, stable code.
                "code": lead.id.replace("-", ""),
                "display": wording.text("messages", lead.id, "title"),
            },
        },
    }
    offered: list[tuple[str, Suggestion]] = []
    if suggestions:
        behavior, suggestions = selection(suggestions, shape.client, wording)
        offered = [(str(uuid5(_NAMESPACE, f"{name}|{item.key}")), item) for item in suggestions]
        card["suggestions"] = [_suggestion(item, identifier) for identifier, item in offered]
        card["selectionBehavior"] = behavior
    reasons = dict.fromkeys(key for message in messages for key in MESSAGES[message.id].overrides)
    if reasons:
        card["overrideReasons"] = [_override_reason(key, shape) for key in reasons]
    if links := allowed_links([_link(lead.id, shape)], shape.client):
        card["links"] = links
    said = tuple(message.id for message in messages)
    remembered = tuple((identifier, item.key) for identifier, item in offered)
    return _Card(card, SentCard(card["uuid"], lead.indicator, said, remembered))


def _why(message: str, shape: ResponseShape) -> str:
    """Return the page that explains a message, without anything about the patient; empty without an address."""
    return f"{shape.address}/why/{message}" if shape.address else ""


def _link(message: str, shape: ResponseShape) -> dict[str, str]:
    """Return the link to the page that explains a message, else to the criteria it rests on."""
    kind = "why" if shape.address else "link"
    url = _why(message, shape) or shape.wording.text("meta", "link_url")
    return {"label": shape.wording.text("meta", f"{kind}_label"), "url": url, "type": "absolute"}


def _override_reason(key: str, shape: ResponseShape) -> dict[str, str]:
    """Return a reason to override, by the client's own code where it has one."""
    ours = dict(shape.wording.get("overrides", key))
    site = shape.client.override_reasons.get(key)
    return (
        ours if site is None else {"code": site.code, "system": site.system, "display": site.display or ours["display"]}
    )


def _suggestion(suggestion: Suggestion, identifier: str) -> dict[str, Any]:
    shaped_one: dict[str, Any] = {"label": suggestion.label, "uuid": identifier}
    if suggestion.recommended:
        shaped_one["isRecommended"] = True
    shaped_one["actions"] = [action.to_json() for action in suggestion.actions]
    return shaped_one
