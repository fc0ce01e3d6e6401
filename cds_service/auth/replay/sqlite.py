"""Used tokens in an SQLite file, for the worker processes of one host.

A call waits for this, so it is one statement on a connection that stays open. The write-ahead log is not forced to the
disk: a power cut may forget the last few tokens, all of which expire within the hour, while a crash forgets none.

A file that is lost, replaced or broken is made anew by the next call; a disk that is full or read-only is tried again.
"""

from __future__ import annotations

import math
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
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS used (token BLOB PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS used_until ON used (until);
CREATE TABLE IF NOT EXISTS store (id INTEGER PRIMARY KEY CHECK (id = 1), made REAL NOT NULL);
"""
# A file that holds tokens and no date is of a version before this table, and has forgotten nothing.
_MADE: Final = "INSERT OR IGNORE INTO store SELECT 1, CASE WHEN EXISTS (SELECT 1 FROM used) THEN 0 ELSE ? END"
# A token whose time has run out counts as new, as it does in a store that has forgotten it already.
_USE: Final = """
INSERT INTO used (token, until) VALUES (?, ?)
ON CONFLICT (token) DO UPDATE SET until = excluded.until WHERE used.until < ?
"""
_WAS_USED: Final = "SELECT 1 FROM used WHERE token = ?"
_PURGE: Final = "DELETE FROM used WHERE until < ?"
_PATIENCE: Final = 0.25  # seconds to wait for another worker's statement
_PURGE_EVERY: Final = 60.0  # seconds
_BROKEN: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class SqliteReplayStore:
    """Remembers in a file that only its owner may read."""

    def __init__(self, file: Path, clock: Callable[[], datetime]) -> None:
        """Create the file and its folder where needed; SettingsError when the place cannot be used.

        What may pass, such as a full disk, stops no start.
        """
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._process = 0
        self._identity: tuple[int, int] | None = None
        self._made = 0.0
        self._inherited: list[sqlite3.Connection] = []
        self._next_purge = 0.0
        try:
            self._create_file()
        except OSError as error:
            reason = error.strerror
            raise SettingsError([f"LUMBAR_CDS_DATA_DIR: used tokens cannot be kept there ({reason})"]) from error
        with suppress(sqlite3.Error, OSError), self._lock:
            self._connection()
        self.close()  # no connection may be carried across a fork

    def first_use(self, issuer: str, jti: str, until: datetime, issued: datetime | None = None) -> bool:
        """Remember a token and return whether it is new; ReplayUnavailableError when the file cannot be used."""
        token, now = token_digest(issuer, jti), self._clock().timestamp()
        with self._lock:
            try:
                database = self._connection()
                if now >= self._next_purge:
                    database.execute(_PURGE, (now,))
                    self._next_purge = now + _PURGE_EVERY
                is_new = database.execute(_USE, (token, until.timestamp(), now)).rowcount == 1
            except (sqlite3.Error, OSError) as error:
                self._give_up(error)
                raise ReplayUnavailableError from error
            return is_new and (issued is None or issued.timestamp() >= self._made)

    def was_used(self, issuer: str, jti: str) -> bool:
        """Return whether a token is remembered; ReplayUnavailableError when the file cannot be used."""
        with self._lock:
            try:
                found = self._connection().execute(_WAS_USED, (token_digest(issuer, jti),)).fetchone()
            except (sqlite3.Error, OSError) as error:
                self._give_up(error)
                raise ReplayUnavailableError from error
        return found is not None

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            self._close()

    def _create_file(self) -> None:
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600))

    def _close(self) -> None:
        if self._database is not None and self._process == os.getpid():
            with suppress(sqlite3.Error):
                self._database.close()
            self._database = None

    def _give_up(self, error: Exception) -> None:
        """Begin anew with the next use; a file that is none, or is damaged, is of no more use to anybody."""
        self._close()
        if getattr(error, "sqlite_errorcode", None) in _BROKEN:
            with suppress(OSError):
                self._file.unlink()

    def _connection(self) -> sqlite3.Connection:
        """Return this process's connection to the file that is there now; the lock is held.

        One that was inherited by a fork is its parent's, and must be neither used nor closed here.
        """
        if self._database is not None and self._process != os.getpid():
            self._inherited.append(self._database)
            self._database = None
        if self._database is not None and self._identity != self._identity_now():
            self._close()
        if self._database is None:
            self._create_file()
            self._identity = self._identity_now()
            self._database, self._process = self._opened(), os.getpid()
        return self._database

    def _opened(self) -> sqlite3.Connection:
        address = f"{self._file.absolute().as_uri()}?mode=rw"
        database = sqlite3.connect(address, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            database.executescript(_SCHEMA)
            database.execute(_MADE, (math.floor(self._clock().timestamp()),))
            (self._made,) = database.execute("SELECT made FROM store").fetchone()
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _identity_now(self) -> tuple[int, int] | None:
        """Return what tells the file from another of its name; None where there is none."""
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino
