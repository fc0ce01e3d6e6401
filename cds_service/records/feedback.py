"""Where feedback events are kept: one interface, a database behind it in service, nothing behind it on one-off calls.

Feedback is rare and must survive a power cut, so each batch is one transaction that is on disk before it is confirmed.
It is written by the thread that confirms it, never through the queue of the other records.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from cds_service.protocol.errors import StoreUnavailableError
from cds_service.protocol.feedback import FeedbackEvent
from cds_service.records.database import Database
from cds_service.records.statements import insert_new
from cds_service.records.tables import ACCEPTED_SUGGESTIONS, FEEDBACK

_PROBE_SECONDS: Final = 0.5
_WRITERS: Final = 4  # of each process
_TURN_SECONDS: Final = 0.25
_WRITE_SECONDS: Final = 5.0


class DatabaseFeedbackStore:
    """Keeps events in the database."""

    def __init__(self, database: Database) -> None:
        """Take a database at the layout of this version."""
        self._database = database
        self._probe = threading.Lock()
        self._turns = threading.BoundedSemaphore(_WRITERS)

    def record(self, events: Sequence[FeedbackEvent]) -> int:
        """Keep all events that are not there yet, in one durable transaction, and return how many these were.

        Only a few may wait for a slow database at a time, and none for long: hook calls are answered by the same
        threads, and a server that was stopped or cut off answers nothing, not even that it takes too long. What is
        written after all is known as a repeat when it comes again.
        """
        if not self._turns.acquire(timeout=_TURN_SECONDS):
            raise StoreUnavailableError
        written: Future[int] = Future()
        threading.Thread(target=self._in_turn, args=(events, written), name="feedback", daemon=True).start()
        try:
            return written.result(_WRITE_SECONDS)
        except TimeoutError:
            raise StoreUnavailableError from None

    def _in_turn(self, events: Sequence[FeedbackEvent], written: Future[int]) -> None:
        try:
            written.set_result(self._record(events))
        except BaseException as error:  # noqa: BLE001 - it is raised again by whoever waits
            written.set_exception(error)
        finally:
            self._turns.release()

    def _record(self, events: Sequence[FeedbackEvent]) -> int:
        received = datetime.now(UTC)
        # In one order everywhere: two batches with the same events must not wait for each other crosswise.
        distinct = [event for _, event in sorted({event.fingerprint: event for event in events}.items())]
        # Made before the transaction: while that is open, nobody else writes to a file.
        rows, accepted = [feedback_row(event, received) for event in distinct], list(accepted_rows(distinct))
        try:
            with self._database.write() as connection:
                new = insert_new(connection, FEEDBACK, rows)
                insert_new(connection, ACCEPTED_SUGGESTIONS, accepted)
        except SQLAlchemyError as error:
            raise StoreUnavailableError from error
        return new

    def available(self) -> bool:
        """Return whether the table can be read.

        A database that hangs counts as not available after half a second: whoever asks every few seconds whether the
        service is ready must not wait for it, and one such question at a time is enough.
        """
        if not self._probe.acquire(blocking=False):
            return False
        found = threading.Event()
        threading.Thread(target=self._look, args=(found,), name="feedback-probe", daemon=True).start()
        return found.wait(_PROBE_SECONDS)

    def _look(self, found: threading.Event) -> None:
        try:
            with self._database.read() as connection:
                connection.execute(select(FEEDBACK.c.fingerprint).limit(1))
            found.set()
        except SQLAlchemyError:
            pass
        finally:
            self._probe.release()


def feedback_row(event: FeedbackEvent, received: datetime, *, synthetic: bool = False) -> Mapping[str, Any]:
    """Return the row of an event."""
    return {
        "fingerprint": event.fingerprint,
        "received_at": received,
        "client": event.client,
        "service": event.service,
        "card": storable(event.card),
        "outcome": event.outcome,
        "outcome_at": event.at,
        "reason_code": storable(event.reason_code),
        "reason_system": storable(event.reason_system),
        "reason_display": storable(event.reason_display),
        "comment": storable(event.comment),
        "synthetic": synthetic,
    }


def accepted_rows(events: Sequence[FeedbackEvent]) -> Iterator[Mapping[str, Any]]:
    """Yield a row for each suggestion that the events say was accepted."""
    for event in events:
        for suggestion in dict.fromkeys(event.accepted):
            yield {"feedback": event.fingerprint, "suggestion": storable(suggestion)}


def storable(text: str) -> str:
    """Return text without NUL, which PostgreSQL cannot hold: the rest of a report is worth keeping."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
