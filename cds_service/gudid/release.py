"""A full release of AccessGUDID as it is downloaded: `device.txt`, or the archive with that file and others beside it.

`gmdnTerms.txt` of the archive tells which models are implants, `identifiers.txt` under which other identifiers they go.
With `device.txt` alone neither is known.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from io import BufferedReader
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from cds_service.gudid.delimited import ReleaseError, Tally, read_rows
from cds_service.gudid.records import STATUSES, DeviceRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_DEVICES: Final = "device.txt"
_KINDS: Final = "gmdnterms.txt"
_COLUMNS: Final = (
    "PrimaryDI",
    "MRISafetyStatus",
    "companyName",
    "versionModelNumber",
    "deviceRecordStatus",
    "publicVersionDate",
)
_IDENTIFIERS: Final = "identifiers.txt"
_IDENTIFIER_COLUMNS: Final = ("PrimaryDI", "deviceId", "deviceIdType")
_TRUE_FALSE: Final = (b"true", b"false")
_KIND_COLUMNS: Final = ("PrimaryDI", "implantable")
_BUFFER: Final = 1024 * 1024
_LONGEST_TEXT: Final = 60
_DAY: Final = re.compile(r"(?<![0-9])(20[0-9]{2})([01][0-9])([0-3][0-9])(?![0-9])")
_STATUS_BYTES: Final = frozenset(name.encode() for name in STATUSES)


@dataclass(frozen=True, slots=True)
class Release:
    """A release on disk; `named` is the day that its name or its folder's tells, None where they tell none."""

    file: Path
    named: date | None
    has_kinds: bool = False
    has_others: bool = False

    def devices(self, tally: Tally) -> Iterator[tuple[DeviceRecord, str]]:
        """Yield each record with the text of its MR status; ReleaseError where the file cannot be read."""
        with _member(self.file, _DEVICES) as stream:
            for row in read_rows(stream, _COLUMNS, tally, _rescued):
                identifier, status, company, version, state, day = map(_text, row)
                yield DeviceRecord(identifier, STATUSES.get(status.casefold()), company, version, state, day), status

    def kinds(self, tally: Tally) -> Iterator[tuple[str, bool]]:
        """Yield the identifier of each device of which the release tells whether it is implantable, and that."""
        with _member(self.file, _KINDS) as stream:
            for identifier, implantable in read_rows(stream, _KIND_COLUMNS, tally, _rescued_kind):
                if implantable.lower() in _TRUE_FALSE:
                    yield _text(identifier), implantable.lower() == b"true"

    def others(self, tally: Tally) -> Iterator[tuple[str, str]]:
        """Yield each further identifier of a device (of its package, of another issuer) with the primary one."""
        with _member(self.file, _IDENTIFIERS) as stream:
            for primary, other, kind in read_rows(stream, _IDENTIFIER_COLUMNS, tally):
                if kind.lower() != b"primary" and primary and other and other != primary:
                    yield _text(primary), _text(other)


def open_release(file: Path) -> Release:
    """Return a release; ReleaseError where there is no `device.txt` in an archive."""
    names: set[str] = set()
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            names = {name.rpartition("/")[2].casefold() for name in archive.namelist()}
        if _DEVICES not in names:
            raise ReleaseError(f"there is no {_DEVICES} in the archive: take the delimited release, not the one in XML")
    return Release(file, day_named(file.absolute()), _KINDS in names, _IDENTIFIERS in names)


def day_named(file: Path) -> date | None:
    """Return the day in the name of a file or else of its folder, as AccessGUDID writes it; None without one.

    Of a week, which is named by its first day and its last, it is the last.
    """
    for name in (file.name, file.parent.name):
        for found in reversed(_DAY.findall(name)):
            try:
                return date(*map(int, found))
            except ValueError:
                continue
    return None


@contextmanager
def _member(file: Path, name: str) -> Iterator[BinaryIO]:
    """Open a file of the release, from the archive where it is one."""
    try:
        if not zipfile.is_zipfile(file):
            with file.open("rb", _BUFFER) as stream:
                yield stream
            return
        with zipfile.ZipFile(file) as archive:
            inside = next(each for each in archive.namelist() if each.rpartition("/")[2].casefold() == name)
            with archive.open(inside) as packed:
                yield cast("BinaryIO", BufferedReader(packed, _BUFFER))
    except OSError as error:
        raise ReleaseError(error.strerror or "cannot be read") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ReleaseError(f"the archive is damaged or cannot be unpacked ({error})") from None


def _rescued(fields: Sequence[bytes]) -> tuple[bytes, ...] | None:
    """Return what a row tells that has a separator in one of its texts: the identifier, and the one known MR status."""
    statuses = [each.strip() for each in fields if each.strip().lower() in _STATUS_BYTES]
    identifier = fields[0].strip()
    return (identifier, statuses[0], b"", b"", b"", b"") if identifier and len(statuses) == 1 else None


def _rescued_kind(fields: Sequence[bytes]) -> tuple[bytes, ...] | None:
    """Return what a row tells that has a separator in its definition: the first field, and the last."""
    return (fields[0].strip(), fields[-1].strip()) if fields[-1].strip().lower() in _TRUE_FALSE else None


def _text(value: bytes) -> str:
    """Return a text of the release; what is no UTF-8 comes from older systems."""
    try:
        return value.decode("utf-8")[:_LONGEST_TEXT]
    except UnicodeDecodeError:
        return value.decode("latin-1")[:_LONGEST_TEXT]
