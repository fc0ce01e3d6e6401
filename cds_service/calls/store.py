"""The last judged calls of each client in an SQLite file of the data folder, shared by the workers of a host.

It is a file of its own and no part of the records: nothing is lost with it, so it has no migrations, and an unreadable
row is skipped. For each client and kind of call only the last few are kept.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from cds_service.calls.judged import JudgedCall, Kind
from cds_service.protocol.errors import SettingsError

FILE_NAME: Final = "calls.sqlite3"
# Refusals and assessed calls tell most; of the others a few do.
KEPT: Final[dict[Kind, int]] = {"refused": 30, "assessed": 30, "unrelated": 10, "feedback": 10}
_LONGEST: Final = 30 * 86400.0  # seconds
_LAYOUT: Final = 1
_SCHEMA: Final = """
DROP TABLE IF EXISTS calls;
CREATE TABLE calls (id INTEGER PRIMARY KEY AUTOINCREMENT, client TEXT NOT NULL, kind TEXT NOT NULL, at REAL NOT NULL,
    document BLOB NOT NULL);
CREATE INDEX calls_client_kind ON calls (client, kind, id);
"""
_FORGET: Final = """
DELETE FROM calls WHERE client = ? AND kind = ?
AND id NOT IN (SELECT id FROM calls WHERE client = ? AND kind = ? ORDER BY id DESC LIMIT ?)
"""
_PATIENCE: Final = 2.0  # seconds to wait for another worker; nobody waits for this one

_DECODER: Final = msgspec.json.Decoder(JudgedCall)


class CallStore:
    """Keeps judged calls; each use opens the file for itself, so that nothing is carried across a fork."""

    def __init__(self, file: Path) -> None:
        """Create the file and its folder where needed; SettingsError when that is not possible."""
        self._file = file
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
            with closing(self._connection()) as database:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("BEGIN IMMEDIATE")
                (layout,) = database.execute("PRAGMA user_version").fetchone()
                if layout != _LAYOUT:
                    for statement in _SCHEMA.strip().split(";\n"):
                        database.execute(statement)
                    database.execute(f"PRAGMA user_version = {_LAYOUT}")
                database.execute("COMMIT")
        except (OSError, sqlite3.Error) as error:
            reason = type(error).__name__ if isinstance(error, sqlite3.Error) else error.strerror
            raise SettingsError([f"LUMBAR_CDS_DATA_DIR: judged calls cannot be kept there ({reason})"]) from error

    def keep(self, calls: Sequence[JudgedCall]) -> None:
        """Add calls and forget the oldest of their kinds; sqlite3.Error when the file cannot be used."""
        with closing(self._connection()) as database:
            database.execute("BEGIN IMMEDIATE")
            for call in calls:
                row = (call.client, call.kind, call.at, msgspec.json.encode(call))
                database.execute("INSERT INTO calls (client, kind, at, document) VALUES (?, ?, ?, ?)", row)
            for client, kind in dict.fromkeys((call.client, call.kind) for call in calls):
                database.execute(_FORGET, (client, kind, client, kind, KEPT[kind]))
            database.execute("DELETE FROM calls WHERE at < ?", (max(call.at for call in calls) - _LONGEST,))
            database.execute("COMMIT")

    def last(self) -> tuple[JudgedCall, ...]:
        """Return all calls that are kept, the newest first; sqlite3.Error when the file cannot be used."""
        with closing(self._connection()) as database:
            rows = database.execute("SELECT document FROM calls ORDER BY id DESC").fetchall()
        return tuple(_read(rows))

    def _connection(self) -> sqlite3.Connection:
        address = f"{self._file.absolute().as_uri()}?mode=rw"
        return sqlite3.connect(address, uri=True, timeout=_PATIENCE, isolation_level=None)


def _read(rows: list[tuple[bytes]]) -> Iterator[JudgedCall]:
    for (document,) in rows:
        try:
            yield _DECODER.decode(document)
        except msgspec.DecodeError:
            continue
