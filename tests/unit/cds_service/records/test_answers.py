"""What a user has answered, found again in both kinds of database."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cds_service.records.answers import StoredAnsweredCards
from cds_service.records.database import Database
from cds_service.records.feedback import DatabaseFeedbackStore
from cds_service.records.invocations import CardRecord
from cds_service.records.retention import prune
from cds_service.records.rows import Batch, write_batch
from cds_service.records.stores import AnsweredCard
from tests.unit.cds_service.records.builders import AT, assessed, call, event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from cds_service.protocol.feedback import FeedbackEvent

HOURS_AGO = AT - timedelta(hours=12)
PATIENT_AND_USER = {"user": "u-1", "patient": "p-1"}
MARKS, AFTER = ("code,contrast,priority=1",), ("code,contrast,priority=2",)


def shown(database: Database, *uuids: str, **changes: Any) -> None:
    """Record a call that showed cards, each with one suggestion."""
    cards = (
        CardRecord(
            uuid, "critical", ("C-EMERG-CES",), ((f"{uuid}/s", "raise-priority"),), (f"key-{uuid}",), MARKS, (AFTER,)
        )
        for uuid in uuids
    )
    batch = Batch()
    batch.add(call(assessed(*cards), **PATIENT_AND_USER | changes))
    with database.write() as connection:
        write_batch(connection, batch)


def reported(database: Database, *events: FeedbackEvent) -> None:
    """Store feedback."""
    DatabaseFeedbackStore(database).record(events)


def answered(database: Database, patience: float = 10.0, **changes: Any) -> tuple[AnsweredCard, ...] | None:
    """Return what the user has answered about the patient within twelve hours."""
    asked: dict[str, Any] = {"client": "north", "user": "u-1", "patient": "p-1", "since": HOURS_AGO}
    return StoredAnsweredCards(database, patience).of(**asked | changes)


def override(card: str, **changes: Any) -> FeedbackEvent:
    """Return an override with a reason, by the client `north`."""
    return event(card, **{"client": "north", "reason_code": "already"} | changes)


def test_answers_are_found(database: Database) -> None:
    """An override counts for the order as shown, an accepted suggestion for the order as it leaves it."""
    shown(database, "a", "b")
    reported(database, override("a"), event("b", client="north", outcome="accepted", accepted=("b/s",)))
    found = sorted(answered(database) or (), key=lambda card: card.message_keys)
    assert found == [
        AnsweredCard(AT, "overridden", "already", ("key-a",), MARKS),
        AnsweredCard(AT, "accepted", "", ("key-b",), AFTER),
    ]


def test_comment_is_a_reason(database: Database) -> None:
    """Who wrote why has given a reason, and what was written is not read."""
    shown(database, "a")
    reported(database, override("a", reason_code="", comment="seen by the surgeon"))
    (found,) = answered(database) or ()
    assert found.reason == ""


@pytest.mark.parametrize(
    "report",
    [
        override("a", reason_code=""),
        override("a", client="south"),
        event("a", client="north", outcome="accepted", accepted=("another",)),
        override("unknown"),
    ],
    ids=["no reason", "another client", "another card's suggestion", "unknown card"],
)
def test_reports_that_answer_nothing(database: Database, report: FeedbackEvent) -> None:
    """Only an answer to this card, by the client that was shown it, counts."""
    shown(database, "a")
    reported(database, report)
    assert answered(database) == ()


@pytest.mark.parametrize(
    ("recorded", "asked"),
    [
        ({}, {"client": "south"}),
        ({}, {"user": "u-2"}),
        ({}, {"patient": "p-2"}),
        ({"at": HOURS_AGO - timedelta(seconds=1)}, {}),
        ({"shown": False, "mode": "silent"}, {}),
        ({"synthetic": True}, {}),
    ],
    ids=["client", "user", "patient", "too long ago", "never shown", "made up"],
)
def test_answer_of_somebody_else_or_to_nothing_shown(
    database: Database, recorded: dict[str, Any], asked: dict[str, Any]
) -> None:
    """Nobody profits or suffers from another's answer."""
    shown(database, "a", **recorded)
    reported(database, override("a"))
    assert answered(database, **asked) == ()


def test_answer_goes_with_the_card(database: Database) -> None:
    """Retention deletes what was kept of a card, though feedback stays."""
    shown(database, "a")
    reported(database, override("a"))
    prune(database, AT + timedelta(hours=1))
    assert answered(database) == ()


class HangingDatabase(Database):
    """Answers nothing until it is let go."""

    def __init__(self, folder: Path) -> None:
        """Hang."""
        super().__init__(None, folder)
        self.go = threading.Event()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Wait."""
        self.go.wait(30)
        with super().read() as connection:
            yield connection


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[HangingDatabase]:
    """A database that hangs, until the test is over."""
    database = HangingDatabase(tmp_path)
    yield database
    database.go.set()


def test_a_database_that_hangs_costs_a_moment_once(hanging: HangingDatabase) -> None:
    """The first call waits as long as it may, the next ones not at all."""
    cards = StoredAnsweredCards(hanging, 0.2)
    begun = time.monotonic()
    assert [cards.of("north", "u-1", "p-1", AT) for _ in range(50)] == [None] * 50
    assert 0.2 <= time.monotonic() - begun < 2


def test_a_database_that_fails_is_no_error(tmp_path: Path) -> None:
    """A file that is gone means that nothing is known, not that a call fails."""
    database = Database(None, tmp_path)
    (tmp_path / "records.sqlite3").unlink()
    assert answered(database) is None
