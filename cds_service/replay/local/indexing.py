"""The first reading of an export: whose each resource is, who is worth a second look, and what cannot be read.

Nothing of a resource is kept but its place and its patient, so that what nobody needs is written nowhere.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec
import pyarrow as pa

from cds_service.replay.assessing import READ_TYPES
from cds_service.replay.export.resources import Found, resources_of
from cds_service.replay.local.parquet import Rows
from cds_service.replay.local.scratch import whole_folder
from cds_service.replay.marking import Mark, Marker
from cds_service.replay.whence import SHARED_TYPES, shared_keys

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cds_service.replay.export.files import Export
    from cds_service.replay.local.plan import Part
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
    counts = Counts(lines=[0] * len(part.segments))
    types = counts.types
    with (
        whole_folder(folder / part.name) as draft,
        Rows(draft / INDEX, _SCHEMA) as index,
        Rows(draft / SHARED, _SHARED_SCHEMA) as shared,
        (draft / REJECTS).open("wb") as rejects,
    ):
        ordinal = seen = 0
        marked = marker.types
        for place, segment in enumerate(part.segments):
            for found in resources_of(export.files[segment.file], segment.start, segment.end):
                ordinal += 1
                seen += found.size if found.entry <= 1 else 0
                kind, fault = found.type, found.fault
                if kind in READ_TYPES and found.patient:
                    types[kind] += 1
                    mark = 0
                    if kind in marked and (told := marker.mark(found.line, kind)):
                        counts.marks[told.name or ""] += 1
                        mark = int(told & ~Mark.UNRECOGNISED)
                    index.add(
                        (ordinal, place, found.number, found.offset, found.size, found.entry, mark, found.patient)
                    )
                elif fault := fault or (_aside(found, counts, shared) if kind else ""):
                    counts.rejects[fault] += 1
                    where = {"file": segment.file, "segment": place, "line": found.number, "offset": found.offset}
                    rejects.write(msgspec.json.encode({**where, "reason": fault}) + b"\n")
                if seen >= _REPORTED:
                    read(seen)
                    seen = 0
                counts.lines[place] = found.number
        read(seen)
        counts.unrecognised = marker.unrecognised
        (draft / COUNTS).write_bytes(msgspec.json.encode(counts))


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
