"""The journal and its file: bounded, shared, off the way of answers."""

from __future__ import annotations

import sqlite3
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cds_service.calls.journal import Journal
from cds_service.calls.judged import Finding, JudgedCall
from cds_service.calls.observed import Expected, Observed
from cds_service.calls.store import KEPT, CallStore
from cds_service.protocol.errors import SettingsError
from cds_service.protocol.trace import Trace

if TYPE_CHECKING:
    from pathlib import Path

CALL = JudgedCall(1000.0, "r", "a", "refused", "s", 400, 1.5, findings=(Finding("REQ-JSON", "fail", "x"),))


@pytest.fixture
def store(tmp_path: Path) -> CallStore:
    """A new store."""
    return CallStore(tmp_path / "data" / "calls.sqlite3")


def observed(number: int = 0, body: bytes = b"{}") -> Observed:
    """Return a call as it was observed."""
    return Observed(Trace(f"r-{number}", client="a"), "refused", 1000.0 + number, "/x", 400, 1.0, False, body)


def test_last_calls_of_each_client_and_kind_are_kept(store: CallStore) -> None:
    """A flood of one kind drives out nothing of another, nor of another client."""
    store.keep([replace(CALL, client="b"), replace(CALL, kind="assessed")])
    store.keep([replace(CALL, request_id=str(number)) for number in range(KEPT["refused"] + 5)])
    kept = store.last()
    assert len(kept) == KEPT["refused"] + 2
    assert kept[0].request_id == str(KEPT["refused"] + 4)
    assert kept[0].findings == CALL.findings


def test_file_is_its_owners_and_shared(store: CallStore, tmp_path: Path) -> None:
    """Another worker sees what was kept; nobody else may read it."""
    file = tmp_path / "data" / "calls.sqlite3"
    store.keep([CALL])
    assert CallStore(file).last() == (CALL,)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_calls_are_forgotten_after_a_month(store: CallStore) -> None:
    """What nobody looked at does not stay for ever."""
    store.keep([CALL])
    store.keep([replace(CALL, client="b", at=CALL.at + 31 * 86400)])
    assert [call.client for call in store.last()] == ["b"]


def test_row_of_another_version_is_skipped(store: CallStore, tmp_path: Path) -> None:
    """Nothing but the row is lost."""
    store.keep([CALL])
    with sqlite3.connect(tmp_path / "data" / "calls.sqlite3") as database:
        database.execute("INSERT INTO calls (client, kind, at, document) VALUES ('a', 'refused', 1, '{}')")
    assert store.last() == (CALL,)


def test_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """It is a mistake of the settings, found at the start."""
    (tmp_path / "data").write_text("", encoding="utf-8")
    with pytest.raises(SettingsError, match="LUMBAR_CDS_DATA_DIR: judged calls"):
        CallStore(tmp_path / "data" / "calls.sqlite3")


def test_calls_are_judged_in_the_background(store: CallStore) -> None:
    """What is taken is kept soon after."""
    journal = Journal(store, Expected.of((), ""))
    journal.take(observed())
    assert journal.flush()
    assert [call.request_id for call in journal.last()] == ["r-0"]


def test_what_finds_no_room_is_let_go(store: CallStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many calls come and however large they are, little waits, and no answer waits with it."""
    journal = Journal(store, Expected.of((), ""))
    monkeypatch.setattr(journal, "_run", lambda: None)
    for number in range(100):
        journal.take(observed(number, b"x" * 1024 * 1024))
    assert journal._waiting.qsize() == 16


def test_unrelated_calls_are_looked_at_once_a_second(store: CallStore) -> None:
    """Nearly all calls are none of ours; refusals are what an integrator waits for."""
    now = [5.0]
    journal = Journal(store, Expected.of((), ""), lambda: now[0])
    assert [journal.wants("a", "unrelated") for _ in range(3)] == [True, False, False]
    assert [journal.wants("a", "refused") for _ in range(3)] == [True, True, True]
    assert journal.wants("b", "unrelated")
    now[0] = 6.0
    assert journal.wants("a", "unrelated")


def test_failing_file_ends_nothing(store: CallStore, tmp_path: Path) -> None:
    """A file that was removed costs the judgements and nothing else."""
    journal = Journal(store, Expected.of((), ""))
    for file in (tmp_path / "data").glob("calls.sqlite3*"):
        file.unlink()
    journal.take(observed())
    assert journal.flush()
    journal.take(observed())
    assert journal.flush()
