"""Used tokens in an SQLite file, for the worker processes of one host.

A call waits for this, so it is one statement on a connection that stays open. The write-ahead log is not forced to the
disk: a power cut may forget the last few tokens, all of which expire within the hour, while a crash forgets none.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from cds_service.auth.replay.store import ReplayUnavailableError, token_digest
from cds_service.protocol.errors import SettingsError

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS used (token BLOB PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS used_until ON used (until);
"""
# A token whose time has run out counts as new, as it does in a store that has forgotten it already.
_USE: Final = """
INSERT INTO used (token, until) VALUES (?, ?)
ON CONFLICT (token) DO UPDATE SET until = excluded.until WHERE used.until < ?
"""
_WAS_USED: Final = "SELECT 1 FROM used WHERE token = ?"
_PURGE: Final = "DELETE FROM used WHERE until < ?"
_PATIENCE: Final = 0.25  # seconds to wait for another worker's statement
_PURGE_EVERY: Final = 60.0  # seconds


class SqliteReplayStore:
    """Remembers in a file that only its owner may read."""

    def __init__(self, file: Path, clock: Callable[[], datetime]) -> None:
        """Create the file and its folder where needed; SettingsError when that is not possible."""
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._process = 0
        self._inherited: list[sqlite3.Connection] = []
        self._next_purge = 0.0
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
            with self._lock:
                database = self._connection()
                database.execute("PRAGMA journal_mode = WAL")  # stays set in the file
                database.executescript(_SCHEMA)
            self.close()  # no connection may be carried across a fork
        except (OSError, sqlite3.Error) as error:
            reason = type(error).__name__ if isinstance(error, sqlite3.Error) else error.strerror
            raise SettingsError([f"LUMBAR_CDS_DATA_DIR: used tokens cannot be kept there ({reason})"]) from error

    def first_use(self, issuer: str, jti: str, until: datetime) -> bool:
        """Remember a token and return whether it is new; ReplayUnavailableError when the file cannot be used."""
        token, now = token_digest(issuer, jti), self._clock().timestamp()
        try:
            with self._lock:
                database = self._connection()
                if now >= self._next_purge:
                    database.execute(_PURGE, (now,))
                    self._next_purge = now + _PURGE_EVERY
                return database.execute(_USE, (token, until.timestamp(), now)).rowcount == 1
        except sqlite3.Error as error:
            raise ReplayUnavailableError from error

    def was_used(self, issuer: str, jti: str) -> bool:
        """Return whether a token is remembered; ReplayUnavailableError when the file cannot be used."""
        try:
            with self._lock:
                found = self._connection().execute(_WAS_USED, (token_digest(issuer, jti),)).fetchone()
        except sqlite3.Error as error:
            raise ReplayUnavailableError from error
        return found is not None

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock, suppress(sqlite3.Error):
            if self._database is not None and self._process == os.getpid():
                self._database.close()
                self._database = None

    def _connection(self) -> sqlite3.Connection:
        """Return this process's connection to the existing file; the lock is held.

        One that was inherited by a fork is its parent's, and must be neither used nor closed here.
        """
        if self._database is not None and self._process != os.getpid():
            self._inherited.append(self._database)
            self._database = None
        if self._database is None:
            address = f"{self._file.absolute().as_uri()}?mode=rw"
            database = sqlite3.connect(
                address, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
            )
            database.execute("PRAGMA synchronous = NORMAL")
            self._database, self._process = database, os.getpid()
        return self._database
