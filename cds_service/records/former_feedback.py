"""Feedback of the first version, which kept it in a file of its own: taken over when this version first starts.

It was confirmed to the clients, so it must not be lost, and it must not stay behind in a file that nobody prunes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from cds_service.errors import SettingsError
from cds_service.records.database import FOLDER_SETTING, Database
from cds_service.records.feedback import storable
from cds_service.records.statements import insert_new
from cds_service.records.tables import ACCEPTED_SUGGESTIONS, FEEDBACK

FORMER_FILE: Final = "feedback.sqlite3"

_PATIENCE: Final = 30.0  # seconds for another starting process to finish the same
_COLUMNS: Final = (
    "fingerprint",
    "received_at",
    "service",
    "card",
    "outcome",
    "outcome_at",
    "reason_code",
    "reason_system",
    "reason_display",
    "comment",
)


def take_over(database: Database, data_dir: Path) -> int:
    """Move the events of the former file, if there is one, into the database and return how many were new there.

    The file goes only after the database has them for good. While they are copied it is locked, and its table is
    gone before the lock is: a process of the former version that still runs gets an error and confirms nothing.
    SettingsError when the file cannot be read or the database does not take them; the file then stays as it was.
    """
    file = data_dir / FORMER_FILE
    if not file.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=_PATIENCE)) as former:
            former.isolation_level = None
            former.execute("PRAGMA secure_delete = ON")
            former.execute("BEGIN EXCLUSIVE")
            new = _copy(former, database)
            former.execute("DROP TABLE IF EXISTS feedback")
            former.execute("COMMIT")
        file.unlink(missing_ok=True)
    except (OSError, sqlite3.Error, ValueError) as error:
        if isinstance(error, sqlite3.OperationalError) and not file.exists():
            return 0  # another process was quicker
        sentence = f"{FORMER_FILE}, the feedback of an earlier version, cannot be taken over ({type(error).__name__})"
        raise SettingsError([f"{FOLDER_SETTING}: {sentence}"]) from error
    except SQLAlchemyError as error:
        raise database.problem("the feedback of an earlier version cannot be stored there", error) from error
    return new


def _copy(former: sqlite3.Connection, database: Database) -> int:
    if not former.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'feedback'").fetchone():
        return 0
    found = former.execute(f"SELECT {', '.join(_COLUMNS)}, accepted FROM feedback").fetchall()  # noqa: S608 - constants
    events = [dict(zip((*_COLUMNS, "accepted"), values, strict=True)) for values in found]
    accepted = [row for event in events for row in _accepted(event)]
    with database.write() as connection:
        new = insert_new(connection, FEEDBACK, [_row(event) for event in events])
        insert_new(connection, ACCEPTED_SUGGESTIONS, accepted)
    return new


def _row(event: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the row of an event; of which client it was, nobody wrote down."""
    texts = {name: storable(event[name]) for name in _COLUMNS}
    moments = {name: datetime.fromisoformat(event[name]) for name in ("received_at", "outcome_at")}
    return texts | moments | {"client": "", "synthetic": False}


def _accepted(event: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    for suggestion in dict.fromkeys(json.loads(event["accepted"])):
        yield {"feedback": event["fingerprint"], "suggestion": storable(suggestion)}
