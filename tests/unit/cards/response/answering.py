"""Answers to the cards of a response, as the records would give them back."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cards.response.memory import Answer, Memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cards.response.card import SentCard
    from cards.response.response import Response

AT = datetime(2026, 6, 2, 10, 5, tzinfo=UTC)
REASON = "recipient-disagrees-evidence"


def seal(text: str) -> str:
    """Hash a text; with no secret, since nothing leaves the test."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


EMPTY = Memory(seal)


def remembering(*answers: Answer) -> Memory:
    """Return a memory that holds answers."""
    return Memory(seal, answers)


def overridden(card: SentCard, reason: str = REASON) -> Answer:
    """Return the answer of somebody who overrode a card with a reason."""
    return Answer(AT, "overridden", reason, frozenset(card.message_keys), card.marks)


def accepted(card: SentCard, key: str) -> Answer:
    """Return the answer of somebody who took a suggestion of a card."""
    (position,) = (at for at, (_, name) in enumerate(card.suggestions) if name == key)
    return Answer(AT, "accepted", "", frozenset(card.message_keys), card.suggestion_marks[position])


def sent_cards(response: Response) -> list[SentCard]:
    """Return the cards of the first order."""
    return list(response.sent[0].cards)


def updated(response: Response, key: str) -> dict[str, Any]:
    """Return the order that a suggestion of the first order's cards leaves behind."""
    identifiers = {name: identifier for card in sent_cards(response) for identifier, name in card.suggestions}
    suggestions: Sequence[Any] = [item for card in response.document["cards"] for item in card.get("suggestions", ())]
    (actions,) = (item["actions"] for item in suggestions if item["uuid"] == identifiers[key])
    order: dict[str, Any] = next(action["resource"] for action in actions if action["type"] == "update")
    return order
