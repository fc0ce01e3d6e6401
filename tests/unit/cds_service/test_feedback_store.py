"""The stores behind the feedback interface."""

from __future__ import annotations

import multiprocessing
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cds_service.feedback_store import FeedbackStore, NullFeedbackStore, SqliteFeedbackStore

from cds_service.errors import SettingsError, StoreUnavailableError
from cds_service.feedback import FeedbackEvent

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 6, 2, 20, tzinfo=UTC)


def event(card: str = "c", at: datetime = AT, comment: str = "") -> FeedbackEvent:
    """Return an event."""
    return FeedbackEvent(service="s", card=card, outcome="overridden", at=at, comment=comment)


def count(file: Path) -> int:
    """Return how many events a file holds."""
    with closing(sqlite3.connect(file)) as database:
        number: int = database.execute("SELECT count(*) FROM feedback").fetchone()[0]
        return number


@pytest.mark.parametrize("kind", ["null", "sqlite"])
def test_both_stores_keep_to_the_interface(tmp_path: Path, kind: str) -> None:
    """A store takes events, says how many were new, and whether it can take more."""
    store: FeedbackStore = NullFeedbackStore() if kind == "null" else SqliteFeedbackStore(tmp_path / "f.sqlite3")
    assert store.record([event("1"), event("2")]) == 2
    assert store.record([]) == 0
    assert store.available()


def test_events_outlive_the_process(tmp_path: Path) -> None:
    """What was recorded is there when the file is opened again, and its repeats are still recognised."""
    file = tmp_path / "f.sqlite3"
    SqliteFeedbackStore(file).record([event()])
    assert SqliteFeedbackStore(file).record([event(), event("2")]) == 1
    assert count(file) == 2


def test_batch_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    """When the database refuses an event in the middle, those before it are gone too."""
    file = tmp_path / "f.sqlite3"
    store = SqliteFeedbackStore(file)
    with closing(sqlite3.connect(file)) as database:
        database.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON feedback WHEN NEW.card = 'bad' "
            "BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )
    with pytest.raises(StoreUnavailableError):
        store.record([event("good"), event("bad")])
    assert count(file) == 0


def test_commit_waits_for_the_disk(tmp_path: Path) -> None:
    """The file is in WAL mode, and each connection of the store syncs fully."""
    store = SqliteFeedbackStore(tmp_path / "f.sqlite3")
    with closing(store._connect()) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert database.execute("PRAGMA synchronous").fetchone() == (2,)


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    """Comments may name patients, so neither folder nor file is open to others."""
    file = tmp_path / "data" / "f.sqlite3"
    SqliteFeedbackStore(file).record([event(comment="x")])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_folder_that_cannot_be_used_refuses_to_start(tmp_path: Path) -> None:
    """The setting at fault is named."""
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(SettingsError, match="LUMBAR_CDS_DATA_DIR"):
        SqliteFeedbackStore(tmp_path / "file" / "f.sqlite3")


def test_file_that_is_no_database_refuses_to_start(tmp_path: Path) -> None:
    """A foreign file is not overwritten."""
    file = tmp_path / "f.sqlite3"
    file.write_text("precious " * 1000)
    with pytest.raises(SettingsError, match="LUMBAR_CDS_DATA_DIR"):
        SqliteFeedbackStore(file)
    assert file.read_text() == "precious " * 1000


def test_lost_file_is_noticed(tmp_path: Path) -> None:
    """A file that was removed is not silently begun anew."""
    file = tmp_path / "f.sqlite3"
    store = SqliteFeedbackStore(file)
    file.unlink()
    assert not store.available()
    with pytest.raises(StoreUnavailableError):
        store.record([event()])


def _record_many(file: Path, start: int) -> None:
    store = SqliteFeedbackStore(file)
    for number in range(start, start + 20):
        store.record([event(at=AT + timedelta(seconds=number)), event("shared")])


@pytest.mark.slow
def test_workers_write_side_by_side(tmp_path: Path) -> None:
    """Several processes record at once; nothing is lost, and what both report is kept once."""
    file = tmp_path / "f.sqlite3"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_record_many, args=(file, start)) for start in (0, 100, 200)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert count(file) == 61
