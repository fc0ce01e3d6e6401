"""The stores behind the feedback interface."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from cds_service.protocol.errors import StoreUnavailableError
from cds_service.records.database import Database
from cds_service.records.feedback import DatabaseFeedbackStore
from cds_service.records.opening import open_database
from cds_service.records.stores import FeedbackStore, NullFeedbackStore
from cds_service.records.tables import ACCEPTED_SUGGESTIONS, FEEDBACK
from tests.unit.cds_service.records.builders import AT, count, event, rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from cds_service.protocol.feedback import FeedbackEvent


def test_store_without_a_database_keeps_to_the_interface() -> None:
    """The store of one-off answers takes events as the other does."""
    store: FeedbackStore = NullFeedbackStore()
    assert (store.record([event("1"), event("2")]), store.available()) == (2, True)


def test_store_says_how_many_events_were_new(database: Database) -> None:
    """What is reported again, in the same batch or later, is recognised."""
    store = DatabaseFeedbackStore(database)
    assert store.record([event("1"), event("2"), event("1")]) == 2
    assert store.record([]) == 0
    assert store.record([event("2"), event("3")]) == 1
    assert count(database, FEEDBACK) == 3
    assert store.available()


def test_everything_of_an_event_is_stored(database: Database) -> None:
    """What clients report is kept as reported, with the client and the time in UTC."""
    store = DatabaseFeedbackStore(database)
    at = datetime(2026, 6, 2, 22, 6, 12, 500000, tzinfo=timezone(timedelta(hours=2)))
    reason = {"reason_code": "a", "reason_system": "http://b", "reason_display": "c", "comment": "d"}
    store.record([event(at=at, client="north", **reason)])
    columns = ("client", "service", "card", "outcome", "outcome_at", *reason, "synthetic")
    expected = ("north", "lumbar-mri-order-select", "c", "overridden", at.astimezone(UTC), *reason.values(), False)
    assert rows(database, FEEDBACK, *columns) == [expected]


def test_accepted_suggestions_are_stored_once_each(database: Database) -> None:
    """A suggestion that a report names twice was accepted once."""
    accepted = event(outcome="accepted", accepted=("s-2", "s-1", "s-2"))
    DatabaseFeedbackStore(database).record([accepted])
    expected = [(accepted.fingerprint, "s-1"), (accepted.fingerprint, "s-2")]
    assert rows(database, ACCEPTED_SUGGESTIONS, "feedback", "suggestion") == expected


def test_same_report_of_two_clients_is_two_events(database: Database) -> None:
    """No client can take the place of another's report by sending it first."""
    DatabaseFeedbackStore(database).record([event(client="north"), event(client="south")])
    assert count(database, FEEDBACK) == 2


def test_report_from_before_clients_had_names_is_recognised() -> None:
    """The key of a stored event stays what it was in the first version."""
    assert event().fingerprint == "e3aed80ed4cddf5ab9c4ce3db786423c74160e43c4889707622b7f7e7395c622"


def test_text_that_postgresql_cannot_hold_is_kept_without_it(database: Database) -> None:
    """A report with a NUL would otherwise be refused for ever, and with it the batch."""
    DatabaseFeedbackStore(database).record([event("a\0b", comment="\0", accepted=("s\0",), outcome="accepted")])
    assert rows(database, FEEDBACK, "card", "comment") == [("a\ufffdb", "\ufffd")]


def test_batch_is_kept_whole_or_not_at_all(database: Database) -> None:
    """When the database refuses one event of a batch, the others are gone too."""
    refusal = (
        "CREATE TRIGGER refuse BEFORE INSERT ON feedback WHEN NEW.card = '7' BEGIN SELECT RAISE(ABORT, ''); END"
        if database.is_sqlite
        else "ALTER TABLE feedback ADD CHECK (card <> '7')"
    )
    with database.write() as connection:
        connection.execute(text(refusal))
    with pytest.raises(StoreUnavailableError):
        DatabaseFeedbackStore(database).record([event(str(number)) for number in range(10)])
    assert count(database, FEEDBACK) == 0


def test_lost_file_is_noticed(tmp_path: Path) -> None:
    """Nothing is confirmed that went into a file which is no longer there."""
    store = DatabaseFeedbackStore(open_database(None, tmp_path))
    for file in tmp_path.glob("records.sqlite3*"):
        file.unlink()
    assert not store.available()
    with pytest.raises(StoreUnavailableError):
        store.record([event()])


def test_writers_with_the_same_events_do_not_block_each_other(database: Database) -> None:
    """Batches that hold the same events in another order are all kept, each event once."""
    store = DatabaseFeedbackStore(database)
    events = [event(str(number), at=AT + timedelta(seconds=number)) for number in range(60)]
    batches = [events, events[::-1], events[30:] + events[:30]]
    new: list[int] = []
    threads = [threading.Thread(target=lambda batch=batch: new.append(store.record(batch))) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(new), sum(new), count(database, FEEDBACK)) == (3, 60, 60)


class HangingDatabase(Database):
    """A database that answers no question before it is told to."""

    def __init__(self, folder: Path) -> None:
        """Begin hanging."""
        super().__init__(None, folder)
        self.answers = threading.Event()
        self.questions = 0

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Wait, and then do as usual."""
        self.questions += 1
        self.answers.wait(30)
        with super().read() as connection:
            yield connection


def test_database_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    """Whoever asks whether the service is ready gets an answer, and does not add to the trouble by asking again."""
    open_database(None, tmp_path)
    database = HangingDatabase(tmp_path)
    store = DatabaseFeedbackStore(database)
    assert [store.available() for _ in range(3)] == [False, False, False]
    assert database.questions == 1
    database.answers.set()
    assert store._probe.acquire(timeout=30)
    store._probe.release()
    assert store.available()


def test_slow_database_does_not_take_all_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a few reports wait for a database that hangs, further ones are refused at once: hooks need the threads."""
    store = DatabaseFeedbackStore(open_database(None, tmp_path))
    waiting, over = threading.Semaphore(0), threading.Event()

    def hang(_events: object) -> int:
        waiting.release()
        over.wait(30)
        return 0

    monkeypatch.setattr(store, "_record", hang)
    threads = [threading.Thread(target=store.record, args=([event(str(number))],)) for number in range(4)]
    for thread in threads:
        thread.start()
        assert waiting.acquire(timeout=30)
    with pytest.raises(StoreUnavailableError) as refused:
        store.record([event("one too many")])
    assert refused.value.headers["Retry-After"]
    over.set()
    for thread in threads:
        thread.join(30)
    monkeypatch.undo()
    assert store.record([event("later")]) == 1


def test_server_that_answers_nothing_is_not_waited_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that was stopped says nothing at all: whoever reports is told to come again."""
    monkeypatch.setattr("cds_service.records.feedback._WRITE_SECONDS", 0.05)
    store, over = DatabaseFeedbackStore(open_database(None, tmp_path)), threading.Event()
    record = store._record

    def hang(events: Sequence[FeedbackEvent]) -> int:
        over.wait(30)
        return record(events)

    monkeypatch.setattr(store, "_record", hang)
    with pytest.raises(StoreUnavailableError):
        store.record([event()])
    over.set()
    monkeypatch.undo()
    while not store.record([event("later")]):
        over.wait(0.01)
    assert store.record([event()]) in (0, 1)
