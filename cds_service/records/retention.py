"""Deleting what is older than it has to be kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Table, delete, select

from cds_service.records.database import Database
from cds_service.records.tables import FEEDBACK, INVOCATIONS, UNRELATED_CALLS

_AT_ONCE: Final = 1_000  # rows of a transaction, so that feedback never waits long for the file


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows were deleted: calls with lumbar MRI orders, counted hours, and reports."""

    invocations: int
    counted_hours: int
    feedback: int


def prune(database: Database, before: datetime, *, feedback: bool = False) -> Pruned:
    """Delete the calls from before a moment, with their orders and cards, and on request the feedback received then.

    Kept feedback on deleted cards no longer counts anywhere, but stays for those who read the comments.
    SQLAlchemyError when the database fails; what was deleted until then stays deleted.
    """
    return Pruned(
        invocations=_delete(database, INVOCATIONS, INVOCATIONS.c.id, INVOCATIONS.c.at < before),
        counted_hours=_delete_counts(database, before),
        feedback=_delete(database, FEEDBACK, FEEDBACK.c.fingerprint, FEEDBACK.c.received_at < before)
        if feedback
        else 0,
    )


def _delete(database: Database, table: Table, key: ColumnElement[object], condition: ColumnElement[bool]) -> int:
    """Delete the rows that fulfil a condition, some at a time; what belongs to them goes with them."""
    deleted = 0
    while True:
        with database.write() as connection:
            keys = list(connection.execute(select(key).where(condition).limit(_AT_ONCE)).scalars())
            if not keys:
                return deleted
            connection.execute(delete(table).where(key.in_(keys)))
        deleted += len(keys)


def _delete_counts(database: Database, before: datetime) -> int:
    with database.write() as connection:
        return connection.execute(delete(UNRELATED_CALLS).where(UNRELATED_CALLS.c.hour < before)).rowcount
