"""Writes the table of device labels: whole from a release, or changed by later files; the old one stays until then.

A table is made beside its place and put there when it is whole, so that a service or a command that reads it never
sees half of one. The rows of a release are sorted on disk, not in memory.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from cds_service.gudid.delimited import ReleaseError, Tally
from cds_service.gudid.records import DeviceRecord, key_of
from cds_service.gudid.table import APPLICATION_ID, ATTRIBUTION, LAYOUT, LAYOUT_SQL, NUMBER_OF, facts_of
from fhir_mappings.devices.labels import MrStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cds_service.gudid.release import Release
    from cds_service.gudid.table import TableFacts

_PROGRESS: Final = 1_000_000
_MOST_STRANGE: Final = 20
# Of more rows than this share a file is not what it should be, and a table of it would be full of holes.
_MOST_UNREAD: Final = 0.01

_STAGING: Final = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -32000;
CREATE TABLE rows (di PRIMARY KEY NOT NULL, status INTEGER NOT NULL, company TEXT NOT NULL, version TEXT NOT NULL)
    WITHOUT ROWID;
CREATE TABLE kinds (di PRIMARY KEY NOT NULL, implantable INTEGER NOT NULL) WITHOUT ROWID;
"""
_ROW: Final = """
INSERT INTO rows VALUES (?, ?, ?, ?) ON CONFLICT (di) DO UPDATE
    SET status = excluded.status, company = excluded.company, version = excluded.version
    WHERE excluded.status > status
"""
_KIND: Final = """
INSERT INTO kinds VALUES (?, ?) ON CONFLICT (di) DO UPDATE SET implantable = max(implantable, excluded.implantable)
"""
# As DeviceRecord.is_kept; 1 is the number of a silent label.
_SIFTED: Final = """
BEGIN;
CREATE TEMP VIEW kept AS SELECT rows.* FROM rows LEFT JOIN kinds USING (di)
    WHERE CASE status WHEN 1 THEN implantable = 1 ELSE coalesce(implantable, 1) = 1 END;
INSERT INTO made.companies (name) SELECT DISTINCT company FROM kept WHERE company <> '' ORDER BY company;
INSERT INTO made.labels
    SELECT di, status, coalesce(companies.id, 0), version
    FROM kept LEFT JOIN made.companies ON companies.name = kept.company ORDER BY di;
"""
_OTHER: Final = """
INSERT INTO made.labels SELECT ?, status, company, version FROM made.labels WHERE di = ? ON CONFLICT (di) DO UPDATE
    SET status = excluded.status, company = excluded.company, version = excluded.version
    WHERE excluded.status > status
"""


@dataclass(slots=True)
class Written:
    """What became of a file: how its rows were read, and how many labels of each status the table now holds."""

    facts: TableFacts
    devices: Tally = field(default_factory=Tally)
    beside: Tally = field(default_factory=Tally)
    strange: Counter[str] = field(default_factory=Counter)
    withdrawn: int = 0
    changed: int = 0
    deleted: int = 0
    by_status: dict[MrStatus, int] = field(default_factory=dict)
    size: int = 0


@dataclass(slots=True)
class _Seen:
    """What is counted while the devices of a release are read."""

    tally: Tally = field(default_factory=Tally)
    beside: Tally = field(default_factory=Tally)
    strange: Counter[str] = field(default_factory=Counter)
    withdrawn: int = 0
    newest: str = ""


def write_table(
    release: Release,
    into: Path,
    today: date,
    released: date | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Written:
    """Write the table of a release; ReleaseError where it cannot be read, and then the old one stays.

    `released` is the day of the release where neither its name nor its rows should tell it.
    """
    seen = _Seen()
    with _beside(into) as folder:
        made = folder / "made"
        with closing(sqlite3.connect(folder / "staging", isolation_level=None)) as staging:
            staging.executescript(_STAGING)
            staging.execute("BEGIN")
            staging.executemany(_ROW, _rows(release, seen, today, progress))
            if release.has_kinds:
                staging.executemany(_KIND, ((key_of(di), flag) for di, flag in release.kinds(seen.beside)))
            staging.execute("COMMIT")
            _refuse_holes(seen.tally)
            _create(made)
            staging.execute("ATTACH ? AS made", (str(made),))
            staging.execute("PRAGMA made.journal_mode = OFF")
            staging.executescript(_SIFTED)
            if release.has_others:
                pairs = ((key_of(other), key_of(primary)) for primary, other in release.others(seen.beside))
                staging.executemany(_OTHER, pairs)
            staging.execute("COMMIT")
        day = released or release.named or _day(seen.newest)
        if day is None:
            raise ReleaseError("no row tells of which day it is: say so with --released")
        written = _finished(
            made, {"released": day.isoformat(), "base": day.isoformat(), "kinds": str(int(release.has_kinds))}
        )
        _put(made, into)
    written.devices, written.beside, written.strange = seen.tally, seen.beside, seen.strange
    written.withdrawn = seen.withdrawn
    return written


def change_table(file: Path, records: Iterable[tuple[DeviceRecord, str]], tally: Tally, released: date) -> Written:
    """Add, change and delete what later records say; ReleaseError where they cannot be read: then nothing changes."""
    counts, strange = Counter[str](), Counter[str]()
    with _beside(file) as folder:
        made = folder / "made"
        shutil.copyfile(file, made)
        with closing(sqlite3.connect(made, isolation_level=None)) as table:
            table.execute("BEGIN")
            for record, status in records:
                if record.status is None and record.is_published:
                    _count_strange(strange, status)
                else:
                    for identifier in (record.device_identifier, *record.others):
                        counts[_change(table, key_of(identifier), record)] += 1
            table.execute("COMMIT")
        _refuse_holes(tally)
        written = _finished(made, {"released": released.isoformat()})
        _put(made, file)
    written.devices, written.strange = tally, strange
    written.changed, written.deleted = counts["changed"], counts["deleted"]
    return written


def _change(table: sqlite3.Connection, key: int | str, record: DeviceRecord) -> str:
    """Bring one identifier up to date, and return what was done."""
    known = table.execute("SELECT 1 FROM labels WHERE di = ?", (key,)).fetchone()
    # Of a model that the table holds, it is worth knowing that its label has become silent.
    if record.is_kept or (known and record.is_published and record.implantable is not False):
        status = NUMBER_OF[record.status or MrStatus.SILENT]
        table.execute("INSERT OR IGNORE INTO companies (name) VALUES (?)", (record.company,))
        (company,) = table.execute("SELECT id FROM companies WHERE name = ?", (record.company,)).fetchone()
        table.execute("INSERT OR REPLACE INTO labels VALUES (?, ?, ?, ?)", (key, status, company, record.version))
        return "changed"
    if known:
        table.execute("DELETE FROM labels WHERE di = ?", (key,))
        return "deleted"
    return ""


def _rows(
    release: Release, seen: _Seen, today: date, progress: Callable[[int], None]
) -> Iterator[tuple[int | str, int, str, str]]:
    """Yield what is worth sifting of the devices of a release."""
    latest = today.isoformat()
    for record, status in release.devices(seen.tally):
        if seen.tally.rows % _PROGRESS == 0:
            progress(seen.tally.rows)
        if seen.newest < record.version_date <= latest:
            seen.newest = record.version_date
        if not record.is_published:
            seen.withdrawn += 1
        elif record.status is None:
            _count_strange(seen.strange, status)
        elif record.device_identifier and (release.has_kinds or record.is_kept):
            yield key_of(record.device_identifier), NUMBER_OF[record.status], record.company, record.version


def _count_strange(strange: Counter[str], status: str) -> None:
    strange[status if status in strange or len(strange) < _MOST_STRANGE else "(other)"] += 1


def _refuse_holes(tally: Tally) -> None:
    if not tally.rows:
        raise ReleaseError("there is no device in it")
    if tally.unread > max(_MOST_UNREAD * tally.rows, 1):
        lines = ", ".join(map(str, tally.unread_lines))
        raise ReleaseError(f"{tally.unread} of {tally.rows} rows cannot be read (lines {lines}, …)")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _create(file: Path) -> None:
    with closing(sqlite3.connect(file)) as made:
        made.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        made.execute(f"PRAGMA user_version = {LAYOUT}")
        made.executescript(LAYOUT_SQL)


def _finished(made: Path, facts: dict[str, str]) -> Written:
    """Write what a table says of itself, and leave no gaps in it."""
    with closing(sqlite3.connect(made, isolation_level=None)) as table:
        counts = dict(table.execute("SELECT status, count(*) FROM labels GROUP BY status").fetchall())
        facts |= {"rows": str(sum(counts.values())), "attribution": ATTRIBUTION}
        table.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", facts.items())
        table.execute("VACUUM")
        found = facts_of(table)
    by_status = {status: counts.get(number, 0) for status, number in NUMBER_OF.items()}
    return Written(found, by_status=by_status, size=made.stat().st_size)


@contextmanager
def _beside(file: Path) -> Iterator[Path]:
    """Make a folder beside a file, for what is not whole yet; nothing of it is left."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".gudid-", dir=file.parent) as folder:
        yield Path(folder)


def _put(made: Path, into: Path) -> None:
    """Put a whole table in its place, at once."""
    with made.open("rb") as stream:
        os.fsync(stream.fileno())
    made.chmod(0o644)
    made.replace(into)
