"""Upgrades and the way back: from every layout that there ever was, with data, to this one, and from a later one."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from cds_service.protocol.errors import SettingsError
from cds_service.records import layout
from cds_service.records.database import Database
from cds_service.records.feedback import DatabaseFeedbackStore
from cds_service.records.layout import VERSION_TABLE, upgrade
from tests.unit.cds_service.records.builders import event

MIGRATIONS: Final = layout._MIGRATIONS
REVISIONS: Final = [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()][::-1]
HEAD: Final = REVISIONS[-1]
LATER: Final = "later"

# What a version to come may do to the tables: more columns, and a table more.
_LATER: Final = f'''
"""A layout to come."""

import sqlalchemy as sa
from alembic import op

revision = "{LATER}"
down_revision = "{HEAD}"


def upgrade():
    """Add something."""
    op.add_column("feedback", sa.Column("urgency", sa.Text(), server_default="", nullable=False))
    op.create_table("answers", sa.Column("id", sa.Integer(), primary_key=True))
'''

Rows = dict[str, list[dict[str, Any]]]


def value(column: sa.Column[Any]) -> Any:
    """Return something that fits a column."""
    moment = datetime(2026, 6, 2, 20, 15, tzinfo=UTC)
    examples = {bool: True, int: 1, float: 1.5, datetime: moment, str: "x"}
    return examples[column.type.python_type]


def fill(database: Database) -> None:
    """Put a row into every table that the database has."""
    with database.write() as connection:
        for table in tables(connection):
            connection.execute(table.insert().values({column.name: value(column) for column in table.columns}))


def tables(connection: sa.Connection) -> list[sa.Table]:
    """Return the tables of records as the database has them, those first that others refer to."""
    found = sa.MetaData()
    found.reflect(connection, only=lambda name, _: name != VERSION_TABLE)
    return found.sorted_tables


def kept(database: Database) -> Rows:
    """Return every row of every table."""
    with database.read() as connection:
        return {
            table.name: [dict(row) for row in connection.execute(table.select()).mappings()]
            for table in tables(connection)
        }


def revision(database: Database) -> str:
    """Return the layout at which the database says it is."""
    with database.read() as connection:
        return str(connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one())  # noqa: S608


def holds(now: Rows, before: Rows) -> bool:
    """Whether everything that was there is there, be there more."""
    return all(
        len(now[table]) == len(rows)
        and all(old.items() <= new.items() for old, new in zip(rows, now[table], strict=True))
        for table, rows in before.items()
    )


@pytest.mark.parametrize("since", REVISIONS)
def test_records_of_every_earlier_version_are_kept(url: str, tmp_path: Path, since: str) -> None:
    """An upgrade from any version loses no row and changes no column, and the service works on with what is there."""
    database = Database(url, tmp_path)
    with database.write() as connection:
        command.upgrade(layout._config(connection), since)
    fill(database)
    before = kept(database)
    assert all(before.values())
    upgrade(database)
    assert revision(database) == HEAD
    assert holds(kept(database), before)
    assert DatabaseFeedbackStore(database).record([event()]) == 1
    database.close()


def test_way_back_is_refused_and_loses_nothing(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an upgrade the version before says why it does not start, touches nothing, and the newer one goes on."""
    later = tmp_path / "later"
    shutil.copytree(MIGRATIONS, later, ignore=shutil.ignore_patterns("__pycache__"))
    (later / "versions" / "v9999_later.py").write_text(_LATER, encoding="utf-8")
    database = Database(url, tmp_path)
    upgrade(database)
    fill(database)
    before = kept(database)
    monkeypatch.setattr(layout, "_MIGRATIONS", later)
    upgrade(database)
    after = kept(database)
    assert (revision(database), holds(after, before), set(after) - set(before)) == (LATER, True, {"answers"})

    monkeypatch.setattr(layout, "_MIGRATIONS", MIGRATIONS)
    with pytest.raises(SettingsError, match="newer version of this service; start that version"):
        upgrade(database)
    assert (revision(database), kept(database)) == (LATER, after)

    monkeypatch.setattr(layout, "_MIGRATIONS", later)
    upgrade(database)
    assert DatabaseFeedbackStore(database).record([event()]) == 1
    database.close()
