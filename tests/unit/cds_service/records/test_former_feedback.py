"""Feedback that the first version has confirmed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from cds_service.errors import SettingsError
from cds_service.records.feedback import DatabaseFeedbackStore
from cds_service.records.former_feedback import FORMER_FILE, take_over
from cds_service.records.opening import open_database
from cds_service.records.tables import ACCEPTED_SUGGESTIONS, FEEDBACK
from tests.unit.cds_service.records.builders import AT, count, event, rows

if TYPE_CHECKING:
    from pathlib import Path

    from cds_service.feedback import FeedbackEvent
    from cds_service.records.database import Database

# As the first version laid it out.
LAYOUT = """
CREATE TABLE feedback (
    id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE, received_at TEXT NOT NULL, service TEXT NOT NULL,
    card TEXT NOT NULL, outcome TEXT NOT NULL, outcome_at TEXT NOT NULL, accepted TEXT NOT NULL,
    reason_code TEXT NOT NULL, reason_system TEXT NOT NULL, reason_display TEXT NOT NULL, comment TEXT NOT NULL
);
CREATE INDEX feedback_by_card ON feedback (card);
"""
RECEIVED = "2026-06-02T20:16:00.123456+00:00"
ACCEPTED = event("1", outcome="accepted", accepted=("s-1", "s-2"))
OVERRIDDEN = event("2", reason_code="a", reason_system="http://b", reason_display="c", comment="d\0e")


def former_file(folder: Path, *events: FeedbackEvent) -> Path:
    """Write a file as the first version did, in WAL mode."""
    folder.mkdir(exist_ok=True)
    file = folder / FORMER_FILE
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(LAYOUT)
        for item in events:
            accepted = "[" + ",".join(f'"{suggestion}"' for suggestion in item.accepted) + "]"
            values = (
                item.fingerprint, RECEIVED, item.service, item.card, item.outcome, item.at.isoformat(), accepted,
                item.reason_code, item.reason_system, item.reason_display, item.comment,
            )  # fmt: skip
            database.execute(f"INSERT INTO feedback VALUES (NULL, {', '.join('?' * 11)})", values)  # noqa: S608
        database.commit()
    return file


def test_confirmed_feedback_survives_the_upgrade(url: str, tmp_path: Path) -> None:
    """Everything is in the database after the first start, and its repeats are still recognised."""
    file = former_file(tmp_path / "data", ACCEPTED, OVERRIDDEN)
    database = open_database(url, file.parent)
    columns = ("card", "outcome", "outcome_at", "received_at", "client", "service", "reason_code", "comment")
    received = datetime(2026, 6, 2, 20, 16, 0, 123456, tzinfo=UTC)
    assert rows(database, FEEDBACK, *columns) == [
        ("1", "accepted", AT, received, "", ACCEPTED.service, "", ""),
        ("2", "overridden", AT, received, "", OVERRIDDEN.service, "a", "d\ufffde"),
    ]
    assert [row[1] for row in rows(database, ACCEPTED_SUGGESTIONS, "feedback", "suggestion")] == ["s-1", "s-2"]
    assert DatabaseFeedbackStore(database).record([ACCEPTED, OVERRIDDEN]) == 0
    assert list(file.parent.glob(f"{FORMER_FILE}*")) == []
    database.close()


def test_nothing_is_taken_over_twice(database: Database, tmp_path: Path) -> None:
    """A start that was interrupted before the file was gone is simply repeated."""
    folder = tmp_path / "former"
    for new in (2, 0):
        former_file(folder, ACCEPTED, OVERRIDDEN)
        assert take_over(database, folder) == new
    assert take_over(database, folder) == 0
    assert count(database, FEEDBACK) == 2


def test_file_stays_when_the_database_does_not_take_it(database: Database, tmp_path: Path) -> None:
    """Nothing is deleted before it is elsewhere."""
    file = former_file(tmp_path / "former", ACCEPTED, OVERRIDDEN)
    with database.write() as connection:
        connection.execute(text("DROP TABLE accepted_suggestions"))
    with pytest.raises(SettingsError, match=r"LUMBAR_CDS_D.*earlier version"):
        take_over(database, file.parent)
    with closing(sqlite3.connect(file)) as former:
        assert former.execute("SELECT count(*) FROM feedback").fetchone() == (2,)
    assert count(database, FEEDBACK) == 0


def test_former_process_confirms_nothing_that_would_be_lost(database: Database, tmp_path: Path) -> None:
    """A process of the first version that waits while its file is taken over gets an error, not a confirmation."""
    file = former_file(tmp_path / "former", ACCEPTED)
    with closing(sqlite3.connect(file, isolation_level=None)) as former:
        former.execute("SELECT 1 FROM feedback").fetchall()
        take_over(database, file.parent)
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            former.execute("INSERT INTO feedback (fingerprint) VALUES ('x')")


def test_file_that_cannot_be_read_refuses_to_start(tmp_path: Path) -> None:
    """Feedback that might still be rescued is not passed over in silence."""
    file = tmp_path / FORMER_FILE
    file.write_text("damaged " * 1000)
    with pytest.raises(SettingsError, match=rf"LUMBAR_CDS_DATA_DIR: {FORMER_FILE}"):
        open_database(None, tmp_path)
    assert file.exists()
