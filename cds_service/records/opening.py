"""Opening the records: from two settings to a database that can be used."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from cds_service.records.database import Database
from cds_service.records.former_feedback import take_over
from cds_service.records.layout import upgrade

_LOG: Final = logging.getLogger(__name__)


def open_database(url: str | None, data_dir: Path) -> Database:
    """Return the database at an address, or in the data folder, ready for use; SettingsError when it cannot be used.

    To be called once, before workers fork: it creates what is missing, brings the layout up to date and takes over
    the feedback of the first version.
    """
    database = Database(url, data_dir)
    upgrade(database)
    if taken := take_over(database, data_dir):
        _LOG.warning("feedback of an earlier version taken over: %d events", taken)
    database.close()  # no connection is open when the workers fork
    return database
