"""Equal orders in one call: which they are, and suggestions that act on all of them.

The same study drafted twice gets the same answer twice, and nobody reads the second card. So equal orders share a card,
and what is pressed there is done to each: a change changes each, a removal removes each, and where another study takes
their place it does so once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from cards.decision.assessment import Assessment
from cards.guideline.wording import Wording
from cards.response.client_shape import ClientShape
from cards.response.fingerprint import message_text
from cards.suggestions.actions import Action, Suggestion

# What an order may be changed to and still be the lumbar MRI that it was; empty where its study stays.
_SAME_STUDY = ("", "order_mri_lumbar_wo", "order_mri_lumbar_wo_w")


def answer_text(assessment: Assessment) -> tuple[object, ...]:
    """Return what is equal for equal orders with the same answer: study, contrast, priority and every message."""
    order = assessment.order
    return (
        order.resource_type,
        order.recognised_by,
        order.contrast,
        order.priority,
        assessment.outcome,
        bool(order.id),
        *(message_text(assessment, message) for message in (*assessment.messages, *assessment.silenced)),
    )


def together(
    offers: Sequence[Sequence[Suggestion]], assessments: Sequence[Assessment], client: ClientShape, wording: Wording
) -> tuple[Suggestion, ...]:
    """Return the suggestions of one card from those of each of its orders, as a client can take them."""
    first, *others = offers
    if not others:
        return tuple(first)
    found: list[Suggestion] = []
    for suggestion in first:
        if not suggestion.touches_order:
            found.append(suggestion)
            continue
        parts = [suggestion]
        for offer, assessment in zip(others, assessments[1:], strict=True):
            parts += [_following(part, assessment, wording) for part in offer if part.key == suggestion.key]
        one_each = client.action_style in ("single", "catalogue")
        found += _numbered(parts, wording) if one_each else [_joined(parts, wording)]
    return tuple(found)


def _following(suggestion: Suggestion, assessment: Assessment, wording: Wording) -> Suggestion:
    """Return what a suggestion does to an order after the first: another study has taken the place of that already."""
    removal = Action("delete", wording.text("suggestions", "remove", "delete"), resource_id=assessment.order.reference)
    kept = (action for action in suggestion.actions if action.type != "create")
    actions = tuple(action if action.orderable in _SAME_STUDY else removal for action in kept)
    return replace(suggestion, actions=actions)


def _joined(parts: Sequence[Suggestion], wording: Wording) -> Suggestion:
    """Return one suggestion that acts on every order: what changes or removes them stands before what is new."""
    actions = [action for part in parts for action in part.actions]
    ordered = sorted(actions, key=lambda action: action.type == "create")
    label = wording.text("shaping", "every_order", label=parts[0].label, count=len(parts))
    return replace(parts[0], label=label, actions=tuple(ordered))


def _numbered(parts: Sequence[Suggestion], wording: Wording) -> Iterator[Suggestion]:
    """Yield a suggestion for each order, where none may have more than one action; some clients show only that."""
    for number, part in enumerate(parts, start=1):
        removed = number > 1 and all(action.type == "delete" for action in part.actions)
        plain = wording.text("suggestions", "remove", "label") if removed else part.label
        texts = (plain, *(action.description for action in part.actions))
        label, *descriptions = (
            wording.text("shaping", "one_order", label=text, number=number, count=len(parts)) for text in texts
        )
        described = zip(part.actions, descriptions, strict=True)
        yield replace(
            part,
            key=part.key if number == 1 else f"{part.key}/{number}",
            label=label,
            actions=tuple(replace(action, description=text) for action, text in described),
        )
