"""Opening the records: from two settings to a database that can be used, now or as soon as it is there."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import OperationalError

from cds_service.protocol.errors import SettingsError
from cds_service.records.database import Database
from cds_service.records.layout import upgrade

if TYPE_CHECKING:
    from pathlib import Path

# PostgreSQL's classes of errors: out of resources, and an operator's intervention, starting up included.
_NOT_NOW: Final = ("53", "57")
_LOG: Final = logging.getLogger(__name__)


def open_database(url: str | None, data_dir: Path, *, wait_for_server: bool = True) -> Database:
    """Return the database at an address, or in the data folder, ready for use; SettingsError when it cannot be used.

    To be called once, before workers fork: it creates what is missing and brings the layout up to date. Without
    `wait_for_server`, a server that cannot be reached is no error: advice needs no database, so that this is done by
    the first transaction that reaches it.
    """
    database = Database(url, data_dir)
    try:
        upgrade(database)
    except SettingsError as error:
        if wait_for_server or not _is_away(error.__cause__):
            raise
        database.settle_later(upgrade)
        _LOG.warning("the database cannot be reached: feedback is refused and records are kept until it can be")
    database.close()  # no connection is open when the workers fork
    return database


def _is_away(error: BaseException | None) -> bool:
    """Whether a server could not be reached, or takes no connections; a wrong password is not that."""
    import psycopg  # noqa: PLC0415 - slow to import, and SQLite needs none of it

    if not isinstance(error, OperationalError) or not isinstance(error.orig, psycopg.Error):
        return False
    state = error.orig.sqlstate
    return state is None or state.startswith(_NOT_NOW)
