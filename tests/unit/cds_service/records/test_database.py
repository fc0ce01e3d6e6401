"""Opening the database, and what it promises."""

from __future__ import annotations

import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from cds_service.protocol.errors import SettingsError
from cds_service.records.database import Database
from cds_service.records.feedback import DatabaseFeedbackStore
from cds_service.records.opening import open_database
from cds_service.records.tables import FEEDBACK
from tests.unit.cds_service.records.builders import count, event

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgres import PostgresServer

SECRET = "hunter2"


def test_only_the_owner_may_read_the_file(tmp_path: Path) -> None:
    """Comments may name patients, so neither folder nor file is open to others."""
    open_database(None, tmp_path / "data")
    (file,) = (tmp_path / "data").glob("*.sqlite3")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_sqlite_waits_for_the_disk(tmp_path: Path) -> None:
    """The file is in WAL mode, each commit is synced, and rows do not outlive what they belong to."""
    with open_database(None, tmp_path).write() as connection:
        values = [
            connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert values == ["wal", 2, 1]


def test_postgresql_waits_for_the_disk(postgres: PostgresServer, tmp_path: Path) -> None:
    """A server that does not wait for its disk by default does so for us, and sessions are in UTC and bounded."""
    database = open_database(postgres.create_schema(), tmp_path)
    with database.write() as connection:
        names = ("synchronous_commit", "TimeZone", "statement_timeout")
        values = [connection.execute(text(f"SHOW {name}")).scalar() for name in names]
    database.close()
    assert values == ["on", "UTC", "10s"]


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://user:{SECRET}@host/database",
        f"postgresql://user:{SECRET}@host:port/database",
        SECRET,
        "sqlite://",
        "sqlite:///:memory:",
    ],
)
def test_address_that_cannot_be_used_is_refused(tmp_path: Path, url: str) -> None:
    """The setting is named and its value, which may hold a password, is not."""
    with pytest.raises(SettingsError, match="LUMBAR_CDS_DATABASE_URL") as refusal:
        open_database(url, tmp_path)
    assert SECRET not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_server_that_does_not_answer_is_refused(tmp_path: Path) -> None:
    """A service that could not keep feedback does not start, and says which setting to look at, without the value."""
    url = f"postgresql://user:{SECRET}@/database?host={tmp_path}"
    with pytest.raises(SettingsError, match=r"LUMBAR_CDS_DATABASE_URL.*OperationalError") as refusal:
        open_database(url, tmp_path)
    assert SECRET not in f"{refusal.value!r} {refusal.value.__cause__!r}"


def test_folder_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    """The setting at fault is named."""
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(SettingsError, match="LUMBAR_CDS_DATA_DIR"):
        open_database(None, tmp_path / "file")


def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """A foreign file is not overwritten."""
    file = tmp_path / "records.sqlite3"
    file.write_text("precious " * 1000)
    with pytest.raises(SettingsError, match="LUMBAR_CDS_DATA_DIR"):
        open_database(None, tmp_path)
    assert file.read_text() == "precious " * 1000


def test_everything_read_together_is_of_one_moment(database: Database) -> None:
    """Numbers of one page fit together although something is recorded meanwhile."""
    store = DatabaseFeedbackStore(database)
    with database.read() as connection:
        before = connection.execute(FEEDBACK.select()).all()
        store.record([event()])
        assert connection.execute(FEEDBACK.select()).all() == before == []
    assert count(database, FEEDBACK) == 1


def test_lost_file_is_noticed(tmp_path: Path) -> None:
    """A file that was removed is not silently begun anew."""
    database = open_database(None, tmp_path)
    for file in tmp_path.glob("records.sqlite3*"):
        file.unlink()
    with pytest.raises(SQLAlchemyError):
        count(database, FEEDBACK)


FORKING = """
import os, sys
from pathlib import Path
from cds_service.records.feedback import DatabaseFeedbackStore
from cds_service.records.opening import open_database
from cds_service.records.recorder import QueueRecorder
from tests.unit.cds_service.records.builders import assessed, call, card, count
from cds_service.records.tables import CARDS

database = open_database(sys.argv[1], Path(sys.argv[2]))
recorder = QueueRecorder(database)
assert count(database, CARDS) == 0  # leaves a connection open, where one is kept
children = []
for child in range(3):
    if not (pid := os.fork()):
        for number in range(40):
            recorder.record(call(assessed(card(f"{child}-{number}"))))
        ok = recorder.close(30)
        database.close()
        os._exit(0 if ok else 1)
    children.append(pid)
assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0]
assert count(database, CARDS) == 120
assert recorder.written == 0
database.close()
"""


@pytest.mark.slow
def test_database_is_used_across_a_fork(url: str, tmp_path: Path) -> None:
    """Workers use the database that their parent has opened, each with connections and a queue of its own."""
    command = [sys.executable, "-c", FORKING, url, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
