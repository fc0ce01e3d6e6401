"""The database behind the records: an SQLite file in the data folder, or PostgreSQL where one is configured.

Both are met through one class, so that no statement elsewhere asks which it is. Limits are set for the day on which
the database hangs: few connections and short waits, because each thread that waits for one is a thread that answers
no hook. Messages are fixed sentences that name the setting; an address may hold a password and is never repeated.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from weakref import WeakSet

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import NullPool

from cds_service.protocol.errors import SettingsError

FILE_NAME: Final = "records.sqlite3"
URL_SETTING: Final = "LUMBAR_CDS_DATABASE_URL"
FOLDER_SETTING: Final = "LUMBAR_CDS_DATA_DIR"

_PATIENCE: Final = 3.0  # seconds to wait for another process's transaction on the file
_STATEMENT_SECONDS: Final = 10
_CONNECTIONS: Final = 4  # of each process to PostgreSQL

# What libpq is told unless the address says otherwise: notice within seconds that nobody is there any more.
_LIBPQ: Final = {
    "application_name": "lumbar-mri-cds",
    "connect_timeout": "3",
    "tcp_user_timeout": "10000",
    "keepalives_idle": "30",
}

_engines: WeakSet[Engine] = WeakSet()


def _forget_connections() -> None:
    """Leave the connections that were opened before a fork to the parent."""
    for engine in _engines:
        engine.dispose(close=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_connections)


class Database:
    """One database: transactions for reading and for writing. Safe to share between threads and across a fork."""

    def __init__(self, url: str | None, data_dir: Path) -> None:
        """Take an address, or None for a file in the data folder; SettingsError when it cannot be used.

        Nothing is opened yet but an SQLite file, which is created with its folder when it is not there.
        """
        self.setting = URL_SETTING if url else FOLDER_SETTING
        address = database_address(url) if url else None
        if address is not None and address.get_backend_name() == "postgresql":
            self._file = None
            self._engine = _postgresql(address)
        else:
            self._file = Path(str(address.database)) if address is not None else data_dir / FILE_NAME
            self._engine = _sqlite(self._file)
            self._create_file(self._file)
        _engines.add(self._engine)
        self._settling = threading.RLock()
        self._is_settling = False
        self._unsettled: Callable[[Database], None] | None = None

    def settle_later(self, bring_up_to_date: Callable[[Database], None]) -> None:
        """Have the first transaction that reaches the database do first what could not be done at the start."""
        self._unsettled = bring_up_to_date

    @property
    def is_settled(self) -> bool:
        """Whether the layout is known to be that of this version."""
        return self._unsettled is None

    def _settle(self) -> None:
        """Do what was left for later; OperationalError while it cannot be done. The others wait for who does it."""
        with self._settling:
            if self._unsettled is None or self._is_settling:
                return
            self._is_settling = True
            try:
                self._unsettled(self)
            except SettingsError as error:
                raise OperationalError(None, None, error) from error
            finally:
                self._is_settling = False
            self._unsettled = None

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file on this machine."""
        return self._file is not None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Begin a transaction in which everything read is of one moment; SQLAlchemyError when that fails."""
        if self._unsettled is not None:
            self._settle()
        with self._engine.connect() as connection:
            if not self.is_sqlite:  # SQLite reads so by itself
                connection = connection.execution_options(  # noqa: PLW2901 - the same connection, with options
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Begin a transaction that is on disk when the block is left; SQLAlchemyError when that fails.

        On SQLite the file is locked at once: a transaction that first reads could not wait for another writer.
        """
        if self._unsettled is not None:
            self._settle()
        with self._engine.connect().execution_options(begin_immediate=True) as connection, connection.begin():
            if not self.is_sqlite:
                connection.execute(_DURABLE)
            yield connection

    def problem(self, sentence: str, error: Exception | None = None) -> SettingsError:
        """Return the error that names the setting and, at most, the kind of failure."""
        kind = type(getattr(error, "orig", None) or error).__name__
        return SettingsError([f"{self.setting}: {sentence}" + (f" ({kind})" if error else "")])

    def close(self) -> None:
        """Close all connections; the database can be used again."""
        self._engine.dispose()

    def _create_file(self, file: Path) -> None:
        """Create the file, readable by its owner only, and switch it to WAL for good."""
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
            connection = _connect(file)
            try:
                _switch_to_wal(connection)
            finally:
                connection.close()
        except (OSError, sqlite3.Error) as error:
            reason = type(error).__name__ if isinstance(error, sqlite3.Error) else error.strerror
            raise SettingsError([f"{self.setting}: records cannot be stored there ({reason})"]) from error


# An administrator may have turned waiting for the disk off for everyone; feedback is confirmed, so it must wait.
_DURABLE: Final = text(
    "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'"
)


def database_address(url: str) -> URL:
    """Return a checked address, and connect to nothing; SettingsError without any part of it."""
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        address = None
    backend = address.drivername.partition("+")[0] if address is not None else ""
    if address is not None and backend in ("postgresql", "postgres"):
        return address.set(drivername="postgresql+psycopg")
    if address is not None and backend == "sqlite" and address.database not in (None, "", ":memory:"):
        return address.set(drivername="sqlite")
    raise SettingsError(
        [f"{URL_SETTING}: must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE or sqlite:////PATH/TO/FILE"]
    )


def _postgresql(address: URL) -> Engine:
    engine = create_engine(
        address,
        connect_args={name: value for name, value in _LIBPQ.items() if name not in address.query},
        pool_size=_CONNECTIONS,
        max_overflow=0,
        pool_timeout=2,
        pool_pre_ping=True,  # a connection that a firewall has dropped is replaced, not used
        pool_recycle=1800,
        hide_parameters=True,  # comments must not reach a log by way of an exception
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET TIME ZONE 'UTC'")
            cursor.execute(f"SET statement_timeout = '{_STATEMENT_SECONDS}s'")
        connection.commit()

    return engine


def _sqlite(file: Path) -> Engine:
    """Return an engine that opens the file for each transaction.

    It costs a fraction of a millisecond, no connection is carried across a fork, and a file that was removed is
    noticed, where an open connection would go on writing into nothing.
    """
    engine = create_engine("sqlite://", creator=lambda: _connect(file), poolclass=NullPool, hide_parameters=True)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("begin_immediate")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _connect(file: Path) -> sqlite3.Connection:
    """Open the existing file, with transactions under our control and a commit that waits for the disk."""
    address = f"{file.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(address, uri=True, timeout=_PATIENCE, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Set WAL, which stays set in the file; SQLite does not wait by itself for another process that does the same."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
