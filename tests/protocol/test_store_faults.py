"""A database file that is locked, read-only or full: advice goes on, feedback is put off, and nothing is lost after."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import event, func, select

from cds_service.records.database import FILE_NAME, Database
from cds_service.records.feedback import DatabaseFeedbackStore
from cds_service.records.opening import open_database
from cds_service.records.tables import FEEDBACK
from tests.protocol.builders import SIGN, HookClient, feedback_entry, hook_request, make_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

LONG: Final = "No reason in particular. " * 400  # more than fits on the pages that there are


@contextmanager
def locked(_: Database, folder: Path) -> Iterator[None]:
    """Another process keeps a transaction open."""
    other = sqlite3.connect(folder / FILE_NAME, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    yield
    other.execute("ROLLBACK")
    other.close()


@contextmanager
def told(database: Database, pragma: str) -> Iterator[None]:
    """Every connection is told something first."""

    def tell(connection: Any, _: object) -> None:
        connection.execute(pragma)

    database.close()
    event.listen(database._engine, "connect", tell)
    yield
    event.remove(database._engine, "connect", tell)
    database.close()


def read_only(database: Database, _: Path) -> AbstractContextManager[None]:
    """The file cannot be written."""
    return told(database, "PRAGMA query_only = ON")


def full(database: Database, _: Path) -> AbstractContextManager[None]:
    """The file cannot grow."""
    return told(database, "PRAGMA max_page_count = 1")  # SQLite takes the number of pages that there are


@pytest.mark.parametrize("fault", [locked, read_only, full])
def test_advice_goes_on_and_feedback_is_put_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Callable[[Database, Path], AbstractContextManager[None]]
) -> None:
    """Hook calls are answered as ever; a report gets 503 and when to come again, and is stored once when it does."""
    monkeypatch.setattr("cds_service.records.database._PATIENCE", 0.1)
    database = open_database(None, tmp_path)
    client = HookClient(make_app(feedback=DatabaseFeedbackStore(database)))
    entry = feedback_entry(overrideReason={"userComment": LONG})
    with ExitStack() as stack:
        stack.callback(database.close)
        with fault(database, tmp_path):
            refused = client.report(SIGN, [entry])
            assert (refused.status, refused.codes) == (503, ["no-store"])
            assert int(refused.headers["Retry-After"]) > 0
            assert client.call(SIGN, hook_request(SIGN)).cards
        assert [client.report(SIGN, [entry]).status for _ in range(2)] == [200, 200]
        with database.read() as connection:
            assert connection.execute(select(func.count()).select_from(FEEDBACK)).scalar_one() == 1
