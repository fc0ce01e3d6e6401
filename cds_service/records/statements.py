"""The two statements that SQLite and PostgreSQL share in meaning but not through SQLAlchemy's common interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert the rows whose key is not there yet and return how many these were."""
    if not rows:
        return 0
    statement: Any = _insert(connection)(table).on_conflict_do_nothing()
    result = connection.execution_options(preserve_rowcount=True).execute(statement, list(rows))
    return int(result.rowcount)


def add_counts(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add each row's `count` to the row with the same key, or insert it."""
    if not rows:
        return
    statement = _insert(connection)(table)
    summed = statement.on_conflict_do_update(
        index_elements=list(table.primary_key), set_={"count": table.c.count + statement.excluded.count}
    )
    connection.execute(summed, list(rows))


def _insert(connection: Connection) -> Any:
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
