"""Assessments in, the CDS Hooks response out: which cards, in which order, with which identifiers.

A card is one decision at one level: critical messages share a card, warnings share a card, and information joins the
card above it, so that an order brings two cards at the most and three never are exceeded. Card and suggestion ids
are derived from the hook instance, the order and the message, so that a repeated call gives the same ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID, uuid5

from cards.assessment import Assessment
from cards.decision import Message
from cards.guideline import MESSAGES, Indicator
from cards.suggestions import Suggestion, SuggestionBuilder
from cards.text import CardText
from cards.wording import Wording

ASSESSMENTS = "org.lumbar-mri-cds.assessments"
_NAMESPACE = UUID("5f0f4f7e-7f0b-5d0f-9b8e-6f1a7c3d2e10")


@dataclass(frozen=True, slots=True)
class ResponseShape:
    """How one client wants its response."""

    hook_instance: str
    hook: str
    wording: Wording
    verbosity: Literal["all", "action"] = "all"
    explain: bool = False
    ask_questions_at: Literal["select", "sign", "both"] = "sign"


def respond(assessments: Sequence[Assessment], shape: ResponseShape) -> dict[str, Any]:
    """Return the CDS Hooks response for the assessed orders of one hook call."""
    response: dict[str, Any] = {"cards": [card for item in assessments for card in cards_of(item, shape)]}
    if shape.explain and assessments:
        response["extension"] = {ASSESSMENTS: [explained(item) for item in assessments]}
    return response


def cards_of(assessment: Assessment, shape: ResponseShape) -> Iterator[dict[str, Any]]:
    """Yield the cards of one assessment, the most pressing first."""
    text = CardText(assessment, shape.wording)
    builder = SuggestionBuilder(assessment, shape.wording)
    recommended = False
    for position, messages in enumerate(grouped(shown(assessment.messages, shape))):
        suggestions = builder.of(messages)
        if recommended:
            suggestions = tuple(_without_recommendation(suggestion) for suggestion in suggestions)
        recommended = recommended or any(suggestion.recommended for suggestion in suggestions)
        yield _card(assessment, messages, suggestions, text, shape, first=position == 0)


def _without_recommendation(suggestion: Suggestion) -> Suggestion:
    return Suggestion(suggestion.key, suggestion.label, suggestion.actions)


def shown(messages: Sequence[Message], shape: ResponseShape) -> tuple[Message, ...]:
    """Return the messages a client wants to see.

    With verbosity `action` an order that is fine interrupts nobody, and questions are asked once: at the signature
    unless the site wants them earlier, because details are often still missing when an order is only selected.
    """
    if shape.verbosity == "all":
        return tuple(messages)
    asking = shape.ask_questions_at == "both" or shape.hook == f"order-{shape.ask_questions_at}"
    kept = tuple(message for message in messages if asking or message.id != "C-INFO-NEED")
    asks = any(message.indicator is not Indicator.INFO for message in kept)
    return kept if asks else ()


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
    first: bool,
) -> dict[str, Any]:
    lead, wording = messages[0], shape.wording
    name = f"{shape.hook_instance}|{assessment.order.reference}|{lead.id}"
    card: dict[str, Any] = {
        "uuid": str(uuid5(_NAMESPACE, name)),
        "summary": text.summary(lead),
        "detail": text.detail(messages, first=first),
        "indicator": lead.indicator.value,
        "source": {
            "label": wording.text("meta", "source_label"),
            "url": wording.text("meta", "source_url"),
            "topic": {
                "system": wording.text("meta", "topic_system"),
                # Letters and digits only: a client that matches overrides by topic needs a plain, stable code.
                "code": lead.id.replace("-", ""),
                "display": wording.text("messages", lead.id, "title"),
            },
        },
    }
    if suggestions:
        card["suggestions"] = [_suggestion(item, name) for item in suggestions]
        exclusive = sum(suggestion.touches_order for suggestion in suggestions) > 1
        card["selectionBehavior"] = "at-most-one" if exclusive else "any"
    reasons = dict.fromkeys(key for message in messages for key in MESSAGES[message.id].overrides)
    if reasons:
        card["overrideReasons"] = [dict(wording.get("overrides", key)) for key in reasons]
    card["links"] = [
        {"label": wording.text("meta", "link_label"), "url": wording.text("meta", "link_url"), "type": "absolute"}
    ]
    return card


def _suggestion(suggestion: Suggestion, card_name: str) -> dict[str, Any]:
    shaped: dict[str, Any] = {
        "label": suggestion.label,
        "uuid": str(uuid5(_NAMESPACE, f"{card_name}|{suggestion.key}")),
    }
    if suggestion.recommended:
        shaped["isRecommended"] = True
    shaped["actions"] = list(suggestion.actions)
    return shaped


def explained(assessment: Assessment) -> dict[str, Any]:
    """Return why, in references and codes only: the outcome, the messages, and every finding behind them."""
    return {
        "order": assessment.order.reference,
        "outcome": assessment.outcome.value,
        "messages": [message.id for message in assessment.messages],
        "findings": [
            {
                "criterion": finding.criterion,
                "status": finding.status.value,
                "evidence": list(dict.fromkeys(item.reference for item in finding.evidence)),
                "unavailable": list(finding.unavailable),
            }
            for finding in assessment.findings.values()
        ],
        "guideline": _guideline(assessment),
    }


def _guideline(assessment: Assessment) -> dict[str, Any]:
    """Return the guideline's version, and the site where one has changed it."""
    guideline = {"id": assessment.guideline_id, "version": assessment.guideline_version}
    return guideline | ({"site": assessment.profile.site} if assessment.profile.site else {})
