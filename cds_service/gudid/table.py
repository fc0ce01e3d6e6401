"""The table of device labels: an SQLite file that is written once, and looked into while hooks are answered.

One connection a process, opened where it is used: it must not be carried over a fork. The file is never changed, only
replaced by another, so what a process has opened stays what it was. A look-up that fails finds nothing, which leaves an
implant as unknown as it was without a table.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Final

from cds_service.gudid.records import key_of
from cds_service.protocol.errors import SettingsError
from fhir_mappings.devices.labels import DeviceLabel, MrStatus

if TYPE_CHECKING:
    from pathlib import Path

    from fhir_mappings.devices.labels import DeviceLabels

APPLICATION_ID: Final = 0x47554449  # "GUDI"
LAYOUT: Final = 1
LAYOUT_SQL: Final = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE companies (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE labels (di PRIMARY KEY NOT NULL, status INTEGER NOT NULL, company INTEGER NOT NULL, version TEXT NOT NULL)
    WITHOUT ROWID;
"""
ATTRIBUTION: Final = (
    "From AccessGUDID (accessgudid.nlm.nih.gov), the public part of the Global Unique Device Identification Database "
    "of the U.S. Food and Drug Administration, distributed by the National Library of Medicine; a work of the United "
    "States government, in the public domain. Neither endorses this software."
)
# By danger: where an identifier stands twice, the larger number counts.
STATUS_OF: Final = dict(enumerate((MrStatus.SAFE, MrStatus.SILENT, MrStatus.CONDITIONAL, MrStatus.UNSAFE)))
NUMBER_OF: Final = {status: number for number, status in STATUS_OF.items()}
_STALE: Final = timedelta(days=365)
_LOOK_UP: Final = (
    "SELECT status, companies.name, version FROM labels LEFT JOIN companies ON companies.id = company WHERE di = ?"
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TableFacts:
    """What a table says of itself: the day it tells of, that of its release, whether kinds were known, its rows."""

    released: date
    base: date
    with_kinds: bool
    rows: int


class GudidTable:
    """Looks device identifiers up; safe to share between threads, and over a fork."""

    def __init__(self, file: Path) -> None:
        """Open a table; SettingsError when it is not there, is none, is damaged, or is of another version."""
        self.file = file
        self._lock = Lock()
        self._process = os.getpid()
        self._connection, self.facts = _opened(file, thorough=True)
        self._failed = False

    @property
    def released(self) -> date:
        """The day that the table tells of."""
        return self.facts.released

    def label_of(self, device_identifier: str) -> DeviceLabel | None:
        """Return what is known of a model; None where nothing is, or the table can no longer be read."""
        try:
            key = key_of(device_identifier)
            with self._lock:
                self._reopened()
                found = self._connection.execute(_LOOK_UP, (key,)).fetchone()
        except (sqlite3.Error, SettingsError, ValueError) as error:  # ValueError: a text that is no Unicode
            self._complain(error)
            return None
        if found is None:
            return None
        status, company, version = found
        return DeviceLabel(f"{key:014}" if isinstance(key, int) else key, STATUS_OF[status], company or "", version)

    def _reopened(self) -> None:
        if self._process != os.getpid():
            self._connection, self.facts = _opened(self.file)
            self._process = os.getpid()

    def _complain(self, error: Exception) -> None:
        """Say once that look-ups fail; never what was looked up, which belongs to a patient."""
        if not self._failed and not isinstance(error, ValueError):
            self._failed = True
            _log.warning("the table of device labels can no longer be read (%s)", type(error).__name__)


def _opened(file: Path, *, thorough: bool = False) -> tuple[sqlite3.Connection, TableFacts]:
    if not file.is_file():
        raise SettingsError([f"LUMBAR_CDS_GUDID: {file}: there is no such file; `lumbar-cds gudid import` writes one"])
    try:
        connection = sqlite3.connect(
            f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        connection.execute(f"PRAGMA mmap_size = {256 * 1024 * 1024}")
        return connection, _checked(connection, file, thorough=thorough)
    except (sqlite3.Error, KeyError, ValueError):
        raise SettingsError([f"LUMBAR_CDS_GUDID: {file}: is no table of labels, or damaged; import it again"]) from None


def _checked(connection: sqlite3.Connection, file: Path, *, thorough: bool) -> TableFacts:
    """Return what a table says of itself, where it is one of ours and whole."""
    (kind,), (layout,) = (
        connection.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
    )
    if kind != APPLICATION_ID:
        raise ValueError("not a table of labels")
    if layout != LAYOUT:
        raise SettingsError(
            [f"LUMBAR_CDS_GUDID: {file}: was written by another version of this software; import the release again"]
        )
    if thorough and connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise ValueError("damaged")
    return facts_of(connection)


def facts_of(connection: sqlite3.Connection) -> TableFacts:
    """Return what a table says of itself."""
    found = dict(connection.execute("SELECT name, value FROM facts").fetchall())
    return TableFacts(
        date.fromisoformat(found["released"]),
        date.fromisoformat(found["base"]),
        found["kinds"] == "1",
        int(found["rows"]),
    )


def label_state(labels: DeviceLabels, today: date) -> dict[str, object]:
    """Return of which day the labels in force are, and whether that is too long ago; nothing where there are none."""
    if labels.released is None:
        return {}
    return {"released": labels.released.isoformat(), "stale": is_stale(labels.released, today)}


def is_stale(released: date, today: date) -> bool:
    """Whether a table is so old that many implants of today are not in it."""
    return today - released > _STALE


def read_facts(file: Path) -> TableFacts:
    """Return what a table says of itself; SettingsError as for opening it."""
    connection, facts = _opened(file)
    with closing(connection):
        return facts
