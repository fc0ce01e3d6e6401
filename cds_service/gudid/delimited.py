"""Reads the delimited files of AccessGUDID: fields parted by `|`, millions of rows, and texts that people typed.

Columns are found by the names in the first line, since releases have added some. Nothing is quoted as a rule and a
description may hold a quotation mark, so a row is split as it stands; one with another number of fields is read as
quoted, or put together from the lines that a line break in a text has made of it. What cannot be read is counted.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_LONGEST_LINE: Final = 1024 * 1024
_MOST_LINES: Final = 20  # that line breaks in one row's texts may make of it
_MOST_NAMED: Final = 10
_SEPARATOR: Final = b"|"


class ReleaseError(Exception):
    """A file that cannot be read as what it should be: what is wrong with it."""


@dataclass(slots=True)
class Tally:
    """How the rows of a file were read: as they stood, mended, or not at all, and the lines of the first of those."""

    rows: int = 0
    mended: int = 0
    unread: int = 0
    unread_lines: list[int] = field(default_factory=list)

    def miss(self, line: int) -> None:
        """Count a row that could not be read."""
        self.unread += 1
        if len(self.unread_lines) < _MOST_NAMED:
            self.unread_lines.append(line)


def read_rows(
    stream: BinaryIO,
    columns: Sequence[str],
    tally: Tally,
    rescue: Callable[[Sequence[bytes]], tuple[bytes, ...] | None] = lambda _: None,
) -> Iterator[tuple[bytes, ...]]:
    """Yield the values of some columns of each row; ReleaseError where the first line does not name them.

    `rescue` returns what it can tell of the fields of a row that has too many of them.
    """
    header = stream.readline(_LONGEST_LINE).removeprefix(b"\xef\xbb\xbf")
    places = _places(header, columns)
    separators = header.count(_SEPARATOR)
    for line, row in _whole_rows(stream, separators):
        tally.rows += 1
        fields = row.rstrip(b"\r\n").split(_SEPARATOR)
        if len(fields) == separators + 1:
            yield tuple([_bare(fields[place]) for place in places])
            continue
        found = _as_quoted(row, places, separators) or rescue(fields)
        if found is None:
            tally.miss(line)
        else:
            tally.mended += 1
            yield found


def _places(header: bytes, columns: Sequence[str]) -> tuple[int, ...]:
    names = [_name(part) for part in header.decode("utf-8", "replace").split("|")]
    missing = [column for column in columns if _name(column) not in names]
    if missing:
        raise ReleaseError(f"the first line names no column {', '.join(missing)}: this is no such file of AccessGUDID")
    return tuple(names.index(_name(column)) for column in columns)


def _name(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())


def _whole_rows(stream: BinaryIO, separators: int) -> Iterator[tuple[int, bytes]]:
    """Yield each row with the number of its first line; lines with too few separators are joined."""
    held, begun = b"", 0
    for number, line in enumerate(iter(lambda: stream.readline(_LONGEST_LINE), b""), 2):
        count = line.count(_SEPARATOR)
        if held and (count >= separators or number - begun >= _MOST_LINES or len(held) > _LONGEST_LINE):
            yield begun, held
            held = b""
        if not held and (count >= separators or not line.strip()):
            if count:
                yield number, line
            continue
        begun = begun if held else number
        held += line
        if held.count(_SEPARATOR) >= separators:
            yield begun, held
            held = b""
    if held:
        yield begun, held


def _as_quoted(row: bytes, places: Sequence[int], separators: int) -> tuple[bytes, ...] | None:
    """Return the values of a row some of whose fields are in quotation marks; None where it is no such row."""
    if b'"' not in row:
        return None
    try:
        (fields,) = csv.reader([row.rstrip(b"\r\n").decode("utf-8", "surrogateescape")], delimiter="|", strict=True)
    except (csv.Error, ValueError):
        return None
    if len(fields) != separators + 1:
        return None
    return tuple(fields[place].encode("utf-8", "surrogateescape").strip() for place in places)


def _bare(value: bytes) -> bytes:
    """Return a field without the quotation marks around it."""
    value = value.strip()
    return value[1:-1].strip() if value[:1] == b'"' == value[-1:] and len(value) > 1 else value
