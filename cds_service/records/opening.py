"""Opening the records: from two settings to a database that can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service.records.database import Database
from cds_service.records.layout import upgrade

if TYPE_CHECKING:
    from pathlib import Path


def open_database(url: str | None, data_dir: Path) -> Database:
    """Return the database at an address, or in the data folder, ready for use; SettingsError when it cannot be used.

    To be called once, before workers fork: it creates what is missing and brings the layout up to date.
    """
    database = Database(url, data_dir)
    upgrade(database)
    database.close()  # no connection is open when the workers fork
    return database
