"""The first reading of an export: whose each resource is, who is worth a second look, and what cannot be read.

Nothing of a resource is kept but its place and its patient, so that what nobody needs is written nowhere. Lines of one
patient that follow each other share a row.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import reduce
from itertools import compress, pairwise
from operator import ne, or_
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import msgspec
import pyarrow as pa

from cds_service.replay.assessing import READ_TYPES
from cds_service.replay.export.lines import lines_in, stretches_of
from cds_service.replay.export.resources import is_document, read_usual, resources_in, resources_of
from cds_service.replay.local.parquet import Rows
from cds_service.replay.local.scratch import whole_folder
from cds_service.replay.marking import Mark, Marker
from cds_service.replay.whence import SHARED_TYPES, shared_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from cds_service.replay.export.files import Export, ExportFile
    from cds_service.replay.export.lines import Stretch
    from cds_service.replay.export.resources import Found, Usual
    from cds_service.replay.local.plan import Part, Segment
    from cds_service.replay.orders import Recogniser

INDEX: Final = "index.parquet"
SHARED: Final = "shared.parquet"
REJECTS: Final = "rejects.ndjson"
COUNTS: Final = "counts.json"
_SCHEMA: Final = pa.schema(
    [
        ("ordinal", pa.int64()),
        ("segment", pa.int32()),
        ("number", pa.int64()),
        ("offset", pa.int64()),
        ("size", pa.int32()),
        ("entry", pa.int32()),
        ("lines", pa.int32()),
        ("mark", pa.uint8()),
        ("patient", pa.string()),
    ]
)
_SHARED_SCHEMA: Final = pa.schema([("key", pa.string()), ("line", pa.binary())])


@dataclass(slots=True)
class Counts:
    """What a part held: resources by type, how many lines each stretch had, and what was left aside."""

    types: dict[str, int] = field(default_factory=Counter)
    lines: list[int] = field(default_factory=list)
    rejects: dict[str, int] = field(default_factory=Counter)
    marks: dict[str, int] = field(default_factory=Counter)
    unrecognised: dict[str, int] = field(default_factory=Counter)
    deleted: list[str] = field(default_factory=list)


def index_part(  # noqa: PLR0913 - what is read, how, and whom to tell
    part: Part, export: Export, recogniser: Recogniser, folder: Path, *, what_if: bool, read: Callable[[int], None]
) -> None:
    """Index a part of an export into a folder of its own; `read` is told of the bytes that were read."""
    marker = Marker(recogniser, what_if=what_if)
    with (
        whole_folder(folder / part.name) as draft,
        Rows(draft / INDEX, _SCHEMA) as rows,
        Rows(draft / SHARED, _SHARED_SCHEMA) as shared,
        (draft / REJECTS).open("wb") as rejects,
    ):
        index = _Index(marker, rows, shared, rejects, Counts(lines=[0] * len(part.segments)))
        seen = 0
        for place, segment in enumerate(part.segments):
            for size in index.segment(place, segment, export.files[segment.file]):
                seen += size
                if seen >= _REPORTED:
                    read(seen)
                    seen = 0
        read(seen)
        index.counts.unrecognised = marker.unrecognised
        (draft / COUNTS).write_bytes(msgspec.json.encode(index.counts))


@dataclass(slots=True)
class _Index:
    """The index of a part, under way."""

    marker: Marker
    rows: Rows
    shared: Rows
    rejects: BinaryIO
    counts: Counts
    ordinal: int = 0

    def segment(self, place: int, segment: Segment, file: ExportFile) -> Iterator[int]:
        """Index a stretch of a file; yield how many bytes were read, time and again."""
        if is_document(file):
            yield from self._one_by_one(resources_of(file), place, segment)
            return
        for stretch in stretches_of(file, segment.start, segment.end):
            usual = None if stretch.fault else read_usual(stretch.texts)
            if usual is None:
                yield from self._one_by_one(resources_in(lines_in(stretch)), place, segment)
            else:
                yield self._together(stretch, usual, place)

    def _together(self, stretch: Stretch, usual: Usual, place: int) -> int:
        """Index lines that are all of one type and of a patient, as nearly all are: those of a patient in one row."""
        kind, patients, total = usual.type, usual.patients, len(stretch.texts)
        self.counts.types[kind] += total
        self.counts.lines[place] = stretch.number + total - 1
        offsets = stretch.offsets
        if kind in READ_TYPES:
            marks = [self._mark(text, kind) for text in stretch.texts] if kind in self.marker.types else []
            begins = [0, *compress(range(1, total), map(ne, patients[1:], patients))]
            for begin, end in pairwise([*begins, total]):
                mark = reduce(or_, marks[begin:end], 0)
                offset, size = offsets[begin], offsets[end] - offsets[begin] - 1
                self._add(place, stretch.number + begin, offset, size, 0, end - begin, mark, patients[begin])
        return offsets[-1] - offsets[0]

    def _one_by_one(self, resources: Iterable[Found], place: int, segment: Segment) -> Iterator[int]:
        for found in resources:
            kind, fault = found.type, found.fault
            if kind in READ_TYPES and found.patient:
                self.counts.types[kind] += 1
                mark = self._mark(found.line, kind) if kind in self.marker.types else 0
                self._add(place, found.number, found.offset, found.size, found.entry, 1, mark, found.patient)
            elif fault := fault or (_aside(found, self.counts, self.shared) if kind else ""):
                self.counts.rejects[fault] += 1
                where = {"file": segment.file, "segment": place, "line": found.number, "offset": found.offset}
                self.rejects.write(msgspec.json.encode({**where, "reason": fault}) + b"\n")
            self.counts.lines[place] = found.number
            yield found.size if found.entry <= 1 else 0

    def _add(self, place: int, *row: Any) -> None:
        self.ordinal += 1
        self.rows.add((self.ordinal, place, *row))

    def _mark(self, line: bytes, kind: str) -> int:
        mark = self.marker.mark(line, kind)
        if mark:
            self.counts.marks[mark.name or ""] += 1
        return int(mark & ~Mark.UNRECOGNISED)


_REPORTED: Final = 4 * 1024 * 1024


def _aside(found: Found, counts: Counts, shared: Rows) -> str:
    """Put a resource aside that belongs to no patient; return why it cannot be used, if so."""
    if found.type == "Deleted":
        counts.deleted.append("/".join(found.id.split("/")[-2:]))
        return ""
    counts.types[found.type] += 1
    if found.type in SHARED_TYPES:
        for key in shared_keys(found.line):
            shared.add((key, found.line))
        return ""
    return "no-patient" if found.type in READ_TYPES else ""
