"""What the demo's login remembers for an hour: launches, codes, tokens and what a form has written.

Kept in a small file, because the workers of a service take turns at the steps of one login.
"""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from cds_service.protocol.serialization import decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

Kind = Literal["launch", "code", "token", "written"]

FILE_NAME: Final = "demo-smart.sqlite3"
_KEPT: Final = 60 * 60  # seconds
_TABLE: Final = "CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, kind TEXT, owner TEXT, at REAL, value BLOB)"


@dataclass(frozen=True, slots=True)
class DemoStore:
    """Values by a key that nobody can guess; the file is made when it is first needed."""

    file: Path
    clock: Callable[[], datetime]

    def put(self, kind: Kind, value: Any, owner: str = "") -> str:
        """Keep a value; return its key."""
        key, now = secrets.token_urlsafe(24), self.clock().timestamp()
        with closing(self._open()) as database, database:
            database.execute("DELETE FROM kept WHERE at < ?", (now - _KEPT,))
            database.execute("INSERT INTO kept VALUES (?, ?, ?, ?, ?)", (key, kind, owner, now, encode(value)))
        return key

    def get(self, kind: Kind, key: str) -> Any:
        """Return a value, None where there is none."""
        with closing(self._open()) as database:
            row = database.execute("SELECT value FROM kept WHERE key = ? AND kind = ?", (key, kind)).fetchone()
        return decode(row[0]) if row else None

    def take(self, kind: Kind, key: str) -> Any:
        """Return a value that is good for one use."""
        with closing(self._open()) as database, database:
            row = database.execute(
                "DELETE FROM kept WHERE key = ? AND kind = ? RETURNING value", (key, kind)
            ).fetchone()
        return decode(row[0]) if row else None

    def of(self, owner: str) -> list[tuple[str, Any]]:
        """Return what was written for an owner, with its key, the oldest first."""
        with closing(self._open()) as database:
            query = "SELECT key, value FROM kept WHERE kind = 'written' AND owner = ? ORDER BY at, rowid"
            return [(key, decode(value)) for key, value in database.execute(query, (owner,))]

    def _open(self) -> sqlite3.Connection:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self.file, timeout=5)
        database.execute(_TABLE)
        return database
