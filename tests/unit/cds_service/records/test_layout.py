"""Migrations."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from cds_service.protocol.errors import SettingsError, StoreUnavailableError
from cds_service.records.database import Database
from cds_service.records.feedback import DatabaseFeedbackStore
from cds_service.records.layout import VERSION_TABLE, upgrade
from cds_service.records.opening import open_database
from cds_service.records.tables import CARDS, FEEDBACK, METADATA, SUGGESTIONS
from tests.postgres import PostgresServer, missing
from tests.unit.cds_service.records.builders import count, event, rows

if TYPE_CHECKING:
    from pathlib import Path


def current_revision(database: Database) -> str:
    """Return the revision that the database says it is at."""
    with database.read() as connection:
        return str(connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one())  # noqa: S608


def test_migrations_make_the_tables_that_the_code_expects(database: Database) -> None:
    """A change of a table without a migration would only be noticed by those who upgrade."""
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_deleting_goes_through_to_what_belongs_to_a_row(database: Database) -> None:
    """Pruning a call leaves nothing of it behind; the comparison of layouts does not look at this."""
    with database.read() as connection:
        inspector = inspect(connection)
        keys = [key for table in METADATA.tables for key in inspector.get_foreign_keys(table)]
    assert [key["options"].get("ondelete") for key in keys] == ["CASCADE"] * 4


def test_second_start_finds_nothing_to_do(url: str, tmp_path: Path) -> None:
    """Starting again leaves the database as it is."""
    database = Database(url, tmp_path)
    upgrade(database)
    revision = current_revision(database)
    upgrade(database)
    assert (current_revision(database), count(database, FEEDBACK)) == (revision, 0)
    database.close()


def test_records_of_the_first_layout_are_kept(url: str, tmp_path: Path) -> None:
    """Cards on record before answers were remembered stay as they are, and are answered by nobody."""
    database = Database(url, tmp_path)
    upgrade(database, "0001")
    with database.write() as connection:
        for statement in _FIRST_LAYOUT:
            connection.execute(text(statement))
    upgrade(database)
    assert rows(database, CARDS, "uuid", "messages", "message_keys", "marks") == [("u", ("C-DUP",), (), ())]
    assert rows(database, SUGGESTIONS, "key", "marks") == [("remove", ())]
    database.close()


_FIRST_LAYOUT = (
    (
        "INSERT INTO invocations VALUES "
        "(1, 'r', '2026-06-02', 'n', 's', 'h', 200, 'on', true, '1', 5, 'u', 'p', '', '', false)"
    ),
    "INSERT INTO assessments VALUES (1, 0, 'APPROPRIATE', 'C-DUP')",
    "INSERT INTO cards VALUES (1, 0, 0, 'u', 'info', 'C-DUP', 'C-DUP')",
    "INSERT INTO suggestions VALUES (1, 0, 0, 0, 'v', 'remove')",
)


def test_newer_database_is_refused(database: Database) -> None:
    """An old version does not write into what a newer one has laid out, and says what to do."""
    with database.write() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))  # noqa: S608 - a constant
    with pytest.raises(SettingsError, match="newer version of this service"):
        upgrade(database)
    assert current_revision(database) == "9999"


def test_foreign_tables_of_the_same_name_are_refused(url: str, tmp_path: Path) -> None:
    """Another application's table is neither used nor changed, and no table of ours is left beside it."""
    database = Database(url, tmp_path)
    with database.write() as connection:
        connection.execute(text("CREATE TABLE feedback (stars integer)"))
    with pytest.raises(SettingsError, match="LUMBAR_CDS_DATABASE_URL"):
        upgrade(database)
    with database.read() as connection:
        assert not connection.dialect.has_table(connection, "invocations")
    database.close()


@pytest.mark.skipif(missing() is not None, reason=missing() or "")
def test_server_that_is_away_is_waited_for_without_stopping_the_start(tmp_path: Path) -> None:
    """A service starts without its database server, refuses feedback meanwhile, and uses it once it is there."""
    server = PostgresServer()
    try:
        url = server.create_schema()
        server.stop()
        with pytest.raises(SettingsError, match="LUMBAR_CDS_DATABASE_URL"):
            open_database(url, tmp_path)
        database = open_database(url, tmp_path, wait_for_server=False)
        store = DatabaseFeedbackStore(database)
        assert not store.available()
        with pytest.raises(StoreUnavailableError):
            store.record([event()])
        server.start()
        assert store.record([event()]) == 1
        assert database.is_settled
        database.close()
    finally:
        server.remove()


def test_newer_database_that_comes_late_is_refused(tmp_path: Path, postgres: PostgresServer) -> None:
    """What a newer version laid out is not written into either when it is met after the start."""
    database = Database(postgres.create_schema(), tmp_path)
    upgrade(database)
    with database.write() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))  # noqa: S608 - a constant
    database.settle_later(upgrade)
    with pytest.raises(StoreUnavailableError):
        DatabaseFeedbackStore(database).record([event()])
    assert not database.is_settled
    database.close()


@pytest.mark.slow
def test_processes_that_start_at_once_agree(url: str, tmp_path: Path) -> None:
    """Several services that start on an empty database all come up, and it is laid out once."""
    script = (
        "import sys; from pathlib import Path; from cds_service.records.opening import open_database; "
        "print('ready', flush=True); sys.stdin.read(); open_database(sys.argv[1], Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", script, url, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    started = [subprocess.Popen(command, text=True, **pipes) for _ in range(3)]  # type: ignore[call-overload]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.close()
        process.stdin = None
    ended = [(process.communicate(timeout=60)[1], process.returncode) for process in started]
    assert ended == [("", 0)] * 3
    database = Database(url, tmp_path)
    assert count(database, FEEDBACK) == 0
    database.close()
