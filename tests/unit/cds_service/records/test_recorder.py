"""The queue between answers and the database."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from cds_service.records import recorder as module
from cds_service.records.invocations import NullRecorder, Recorder
from cds_service.records.opening import open_database
from cds_service.records.recorder import QueueRecorder
from cds_service.records.rows import Batch, write_batch
from cds_service.records.tables import ASSESSMENTS, CARDS, INVOCATIONS, SUGGESTIONS, UNRELATED_CALLS
from tests.unit.cds_service.records.builders import AT, BrokenDatabase, assessed, call, card, count, rows

if TYPE_CHECKING:
    from pathlib import Path

    from cds_service.records.database import Database

PATIENCE = 30.0
A_CALL = call(assessed(card("card-1", "C-NOTAPP-6W", "C-EDU", suggestions=(("s-1", "therapy-instead"),))))


def wait_until(condition: Any) -> None:
    """Wait for what another thread does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failed batches are tried again soon."""
    monkeypatch.setattr(module, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(module, "_LONGEST_PAUSE", 0.05)


@pytest.fixture
def well() -> threading.Event:
    """Set when a broken database is to work again."""
    return threading.Event()


def test_recorder_of_one_off_answers_takes_calls() -> None:
    """Both recorders have one interface."""
    recorder: Recorder = NullRecorder()
    recorder.record(A_CALL)


def test_everything_of_a_call_is_written(database: Database) -> None:
    """A call is found again with its orders, cards and suggestions."""
    recorder = QueueRecorder(database)
    detailed = call(
        assessed(),
        *A_CALL.assessments,
        user="u",
        patient="p",
        phases={"parse": 0.5, "assess": 1.25},
        sources={"devices": "prefetch:complete"},
    )
    recorder.record(detailed)
    assert recorder.close(PATIENCE)
    assert rows(database, INVOCATIONS, "at", "client", "shown", "user_hash", "patient_hash", "phases", "sources") == [
        (AT, "north", True, "u", "p", {"parse": 0.5, "assess": 1.25}, {"devices": "prefetch:complete"})
    ]
    assert rows(database, ASSESSMENTS, "position", "outcome", "messages") == [
        (0, "NOT_APPROPRIATE", ()),
        (1, "NOT_APPROPRIATE", ("C-NOTAPP-6W", "C-EDU")),
    ]
    assert rows(database, CARDS, "assessment", "position", "uuid", "indicator", "lead", "messages") == [
        (1, 0, "card-1", "warning", "C-NOTAPP-6W", ("C-NOTAPP-6W", "C-EDU"))
    ]
    assert rows(database, SUGGESTIONS, "assessment", "card", "uuid", "key") == [(1, 0, "s-1", "therapy-instead")]


def test_unrelated_calls_are_counted_by_the_hour(database: Database) -> None:
    """Calls without lumbar MRI orders make a row for each hour, whichever recorder counts them."""
    for _ in range(2):
        recorder = QueueRecorder(database)
        for minutes in (0, 44, 45, 300):
            recorder.record(call(at=AT + timedelta(minutes=minutes)))
        assert recorder.close(PATIENCE)
        assert recorder.written == 4
    assert rows(database, UNRELATED_CALLS, "hour", "client", "count") == [
        (datetime(2026, 6, 2, 20, tzinfo=UTC), "north", 4),
        (datetime(2026, 6, 2, 21, tzinfo=UTC), "north", 2),
        (datetime(2026, 6, 3, 1, tzinfo=UTC), "north", 2),
    ]
    assert count(database, INVOCATIONS) == 0


def test_refused_call_is_a_record_of_its_own(database: Database) -> None:
    """A call that was answered with an error is not taken for one that was about something else."""
    recorder = QueueRecorder(database)
    recorder.record(call(status=412))
    assert recorder.close(PATIENCE)
    assert (rows(database, INVOCATIONS, "status"), count(database, UNRELATED_CALLS)) == ([(412,)], 0)


def test_nothing_is_lost_at_a_clean_shutdown(database: Database) -> None:
    """Closing writes everything that threads have queued until then."""
    recorder = QueueRecorder(database)
    calls = [A_CALL, call()] * 200

    def record_all() -> None:
        for item in calls:
            recorder.record(item)

    threads = [threading.Thread(target=record_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert recorder.close(PATIENCE)
    assert (recorder.written, recorder.queued, recorder.dropped) == (1600, 0, 0)
    assert count(database, INVOCATIONS) == 800
    assert [row[0] for row in rows(database, UNRELATED_CALLS, "count")] == [800]


def test_whoever_waits_sees_what_was_recorded(database: Database) -> None:
    """After waiting for the queue, numbers are those of every call so far, and recording goes on."""
    recorder = QueueRecorder(database)
    assert recorder.flush(0)
    started = time.monotonic()
    for number in range(1, 4):
        recorder.record(A_CALL)
        recorder.record(call())
        assert recorder.flush(PATIENCE)
        assert (count(database, INVOCATIONS), recorder.written) == (number, 2 * number)
    assert time.monotonic() - started < PATIENCE
    assert recorder.close(PATIENCE)


def test_database_that_hangs_delays_no_answer(tmp_path: Path, well: threading.Event) -> None:
    """While a write hangs, calls are taken at once up to the limit; those beyond are dropped and counted."""
    open_database(None, tmp_path)
    recorder = QueueRecorder(BrokenDatabase(tmp_path, well, hangs=True), size=10)
    recorder.record(A_CALL)
    wait_until(lambda: recorder._waiting == 0)  # it is in the hands of the thread
    started = time.monotonic()
    for _ in range(25):
        recorder.record(A_CALL)
        recorder.record(call())
    assert time.monotonic() - started < 5  # a write would have hung for 30
    assert (recorder.dropped, recorder.queued, recorder.written) == (15, 36, 0)
    assert not recorder.flush(0)
    well.set()
    assert recorder.close(PATIENCE)
    assert (recorder.dropped, recorder.queued, recorder.written) == (15, 0, 36)


def test_calls_are_kept_while_the_database_fails(
    tmp_path: Path, well: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    """What was queued during an outage is written after it, and one line says that there is one."""
    database = BrokenDatabase(tmp_path, well)
    open_database(None, tmp_path)
    recorder = QueueRecorder(database)
    recorder.record(A_CALL)
    wait_until(lambda: database.attempts > 2)
    recorder.record(A_CALL)
    assert (recorder.queued, recorder.written, recorder.dropped) == (2, 0, 0)
    well.set()
    assert recorder.close(PATIENCE)
    assert count(database, INVOCATIONS) == 2
    assert [line for line in caplog.messages if "OperationalError" in line] == [
        "records cannot be written and are kept for later (OperationalError)"
    ]


def test_closing_does_not_wait_for_a_broken_database(tmp_path: Path, well: threading.Event) -> None:
    """A shutdown takes the time that it was given, and what could not be written is counted."""
    recorder = QueueRecorder(BrokenDatabase(tmp_path, well))
    for _ in range(3):
        recorder.record(A_CALL)
    assert not recorder.close(0.1)
    wait_until(lambda: recorder.dropped == 3)
    recorder.record(A_CALL)
    assert (recorder.queued, recorder.dropped) == (0, 4)


def test_closing_without_a_call_starts_nothing(tmp_path: Path) -> None:
    """The parent of the workers closes a recorder that never had anything to do."""
    assert QueueRecorder(open_database(None, tmp_path)).close()


def test_call_that_is_refused_costs_no_other(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    """A record that can never be written is dropped alone, and what it holds is not in the log."""
    recorder = QueueRecorder(database)
    with caplog.at_level(logging.WARNING):
        for number in range(5):
            recorder.record(call(assessed(card(str(number))), **({"at": datetime(2026, 6, 2)} if number == 2 else {})))  # noqa: DTZ001 - the fault under test
        recorder.record(call(assessed(card("\ud800"))))
        recorder.close(PATIENCE)
    assert (recorder.written, recorder.dropped) == (4, 2)
    assert [row[0] for row in rows(database, CARDS, "uuid")] == ["0", "1", "3", "4"]
    assert len(caplog.messages) >= 2
    assert "2026" not in caplog.text


def test_call_that_breaks_the_recorder_is_dropped(tmp_path: Path) -> None:
    """A fault in the making of a record never reaches the answer."""
    recorder = QueueRecorder(open_database(None, tmp_path))
    recorder.record(call(at=None))
    assert recorder.dropped == 1
    assert recorder.close()


def test_batch_written_twice_changes_nothing(database: Database) -> None:
    """A commit whose confirmation was lost is repeated without doubling a call."""
    batch = Batch()
    batch.add(A_CALL)
    for _ in range(2):
        with database.write() as connection:
            write_batch(connection, batch)
    assert [count(database, table) for table in (INVOCATIONS, ASSESSMENTS, CARDS, SUGGESTIONS)] == [1, 1, 1, 1]


def test_outage_of_a_real_database_is_survived(database: Database) -> None:
    """A table that is locked for longer than a statement may take is an outage, not a fault of the records."""
    recorder = QueueRecorder(database)
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(text("LOCK TABLE invocations IN ACCESS EXCLUSIVE MODE"))
        recorder.record(A_CALL)
        wait_until(recorder._queue.empty)
        recorder.record(A_CALL)
    assert recorder.close(PATIENCE)
    assert (count(database, INVOCATIONS), recorder.dropped) == (2, 0)
