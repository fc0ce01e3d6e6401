"""Where feedback events are kept: one interface, SQLite behind it in service, nothing behind it on the command line.

Feedback is rare and must survive a power cut, so each batch is one transaction that is on disk before it is confirmed.
A connection is opened for each batch: it costs a fraction of a millisecond, and no connection is ever shared between
threads or carried across a fork.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

from cds_service.errors import SettingsError, StoreUnavailableError
from cds_service.serialization import encode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cds_service.feedback import FeedbackEvent

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS feedback (
    id             INTEGER PRIMARY KEY,
    fingerprint    TEXT NOT NULL UNIQUE,
    received_at    TEXT NOT NULL,
    service        TEXT NOT NULL,
    card           TEXT NOT NULL,
    outcome        TEXT NOT NULL,
    outcome_at     TEXT NOT NULL,
    accepted       TEXT NOT NULL,
    reason_code    TEXT NOT NULL,
    reason_system  TEXT NOT NULL,
    reason_display TEXT NOT NULL,
    comment        TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS feedback_by_card ON feedback (card);
"""
_INSERT: Final = """
INSERT INTO feedback (fingerprint, received_at, service, card, outcome, outcome_at, accepted,
                      reason_code, reason_system, reason_display, comment)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (fingerprint) DO NOTHING
"""
_PATIENCE: Final = 5.0  # seconds to wait for another worker's transaction


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


class SqliteFeedbackStore:
    """Keeps events in an SQLite file that only its owner may read."""

    def __init__(self, file: Path) -> None:
        """Create the file and its folder where needed; SettingsError when that is not possible."""
        self._file = file
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
            with closing(self._connect()) as database:
                database.execute("PRAGMA journal_mode = WAL")  # stays set in the file
                database.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            reason = type(error).__name__ if isinstance(error, sqlite3.Error) else error.strerror
            raise SettingsError([f"LUMBAR_CDS_DATA_DIR: feedback cannot be stored there ({reason})"]) from error

    def record(self, events: Sequence[FeedbackEvent]) -> int:
        """Keep all events that are not there yet, in one durable transaction, and return how many these were."""
        received = datetime.now(UTC).isoformat()
        try:
            with closing(self._connect()) as database:
                database.execute("BEGIN IMMEDIATE")
                new = [database.execute(_INSERT, _row(event, received)).rowcount for event in events]
                database.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreUnavailableError from error
        return sum(new)

    def available(self) -> bool:
        """Return whether the table can be read."""
        try:
            with closing(self._connect()) as database:
                database.execute("SELECT 1 FROM feedback LIMIT 1")
        except sqlite3.Error:
            return False
        return True

    def _connect(self) -> sqlite3.Connection:
        """Open the existing file, with transactions under our control and a commit that waits for the disk."""
        address = f"{self._file.absolute().as_uri()}?mode=rw"
        database = sqlite3.connect(address, uri=True, timeout=_PATIENCE, isolation_level=None)
        database.execute("PRAGMA synchronous = FULL")
        return database


def _row(event: FeedbackEvent, received: str) -> tuple[str, ...]:
    return (
        event.fingerprint,
        received,
        event.service,
        event.card,
        event.outcome,
        event.at.isoformat(),
        encode(event.accepted).decode(),
        event.reason_code,
        event.reason_system,
        event.reason_display,
        event.comment,
    )
