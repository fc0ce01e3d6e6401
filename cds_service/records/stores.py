"""What a process keeps in a database, as those see it who use it, and the stores that keep nothing.

Nothing of a database is imported here: one-off answers need none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cds_service.protocol.feedback import FeedbackEvent


class FeedbackStore(Protocol):
    """Keeps feedback events."""

    def record(self, events: Sequence[FeedbackEvent]) -> int:
        """Keep all events or none and return how many were new; StoreUnavailableError when none could be kept."""

    def available(self) -> bool:
        """Return whether events can be kept now."""


class NullFeedbackStore:
    """Keeps nothing: for one-off answers, which nobody gives feedback on."""

    def record(self, events: Sequence[FeedbackEvent]) -> int:
        """Return how many there were."""
        return len(events)

    def available(self) -> bool:
        """Nothing can fail."""
        return True


@dataclass(frozen=True, slots=True)
class AnsweredCard:
    """A card that was shown and answered: accepted, or overridden with a reason; keys and marks as they were kept."""

    shown_at: datetime
    outcome: str
    reason: str
    message_keys: tuple[str, ...]
    marks: tuple[str, ...]


class AnsweredCards(Protocol):
    """Finds what was answered."""

    def of(self, client: str, user: str, patient: str, since: datetime) -> tuple[AnsweredCard, ...] | None:
        """Return the answered cards of a user and a patient, by their hashes, newest first; None if not to be had."""


class NoAnsweredCards:
    """Knows of none: where nothing is kept."""

    def of(self, client: str, user: str, patient: str, since: datetime) -> tuple[AnsweredCard, ...]:  # noqa: ARG002 - the interface's
        """Return nothing."""
        return ()
