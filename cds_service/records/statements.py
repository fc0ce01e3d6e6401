"""The two statements that SQLite and PostgreSQL share in meaning but not through SQLAlchemy's common interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert the rows whose key is not there yet and return how many these were."""
    if not rows:
        return 0
    statement = _new_rows(connection.dialect.name, table)
    result = connection.execution_options(preserve_rowcount=True).execute(statement, list(rows))
    return int(result.rowcount)


def add_counts(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add each row's `count` to the row with the same key, or insert it."""
    if not rows:
        return
    connection.execute(_summed(connection.dialect.name, table), list(rows))


# Made once: each would leave some hundred objects behind that only the garbage collector finds.
@cache
def _new_rows(dialect: str, table: Table) -> Any:
    return _INSERT[dialect](table).on_conflict_do_nothing()


@cache
def _summed(dialect: str, table: Table) -> Any:
    statement = _INSERT[dialect](table)
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key), set_={"count": table.c.count + statement.excluded.count}
    )


_INSERT: Final[Mapping[str, Any]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
