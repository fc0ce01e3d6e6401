"""Records and events for tests, and what a database holds of them."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from cds_service.protocol.feedback import FeedbackEvent
from cds_service.records.database import Database
from cds_service.records.invocations import AssessmentRecord, CardRecord, Invocation

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Table

AT = datetime(2026, 6, 2, 20, 15, tzinfo=UTC)  # a Tuesday
SELECT = "lumbar-mri-order-select"


def event(card: str = "c", **changes: Any) -> FeedbackEvent:
    """Return an event: a card was overridden."""
    members: dict[str, Any] = {"service": SELECT, "card": card, "outcome": "overridden", "at": AT}
    return FeedbackEvent(**members | changes)


def card(uuid: str = "card-1", *messages: str, suggestions: tuple[tuple[str, str], ...] = ()) -> CardRecord:
    """Return a card, of one message unless others are given."""
    return CardRecord(uuid, "warning", messages or ("C-NOTAPP-6W",), suggestions)


def assessed(*cards: CardRecord, outcome: str = "NOT_APPROPRIATE") -> AssessmentRecord:
    """Return the answer on an order, with these cards."""
    return AssessmentRecord(outcome, tuple(message for item in cards for message in item.messages), cards)


def call(*assessments: AssessmentRecord, **changes: Any) -> Invocation:
    """Return a call of the client `north`; without assessments it was about no lumbar MRI."""
    members: dict[str, Any] = {
        "request_id": "r-1",
        "at": AT,
        "client": "north",
        "service": SELECT,
        "hook": "order-select",
        "status": 200,
        "mode": "on",
        "shown": True,
        "guideline": "1.0.0",
        "milliseconds": 5.0,
        "assessments": assessments,
    }
    return Invocation(**members | changes)


def count(database: Database, table: Table) -> int:
    """Return how many rows a table has."""
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def rows(database: Database, table: Table, *columns: str) -> list[tuple[Any, ...]]:
    """Return columns of a table's rows, sorted."""
    with database.read() as connection:
        found = connection.execute(select(*(table.c[name] for name in columns)))
        return sorted(tuple(row) for row in found)


class BrokenDatabase(Database):
    """A database that fails, or hangs, until it is told that it is well again."""

    def __init__(self, folder: Path, well: threading.Event, *, hangs: bool = False) -> None:
        """Take the event that makes it well."""
        super().__init__(None, folder)
        self._well = well
        self._hangs = hangs
        self.attempts = 0

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Do as a database in trouble does."""
        self.attempts += 1
        if self._hangs:
            self._well.wait(30)
        if not self._well.is_set():
            raise OperationalError("COMMIT", {}, OSError("disk full"))
        with super().write() as connection:
            yield connection
