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
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cds_service.replay.export.files import Export
    from cds_service.replay.local.plan import Part
    from cds_service.replay.orders import Recogniser

INDEX: Final = "index.parquet"
SHARED: Final = "shared.parquet"
REJECTS: Final = "rejects.ndjson"
COUNTS: Final = "counts.json"
_SCHEMA: Final = pa.schema(
    [("ordinal", pa.int64()), ("patient", pa.string()), ("mark", pa.uint8()), ("size", pa.int32())]
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


def resources_in(part: Part, export: Export) -> Iterator[tuple[int, int, Found]]:
    """Yield the resources of a part in their order, each with the place of its stretch and of its file."""
    for place, segment in enumerate(part.segments):
        for found in resources_of(export.files[segment.file], segment.start, segment.end):
            yield place, segment.file, found


def index_part(  # noqa: PLR0913 - what is read, how, and whom to tell
    part: Part, export: Export, recogniser: Recogniser, folder: Path, *, what_if: bool, read: Callable[[int], None]
) -> None:
    """Index a part of an export into a folder of its own; `read` is told of the bytes that were read."""
    marker = Marker(recogniser, what_if=what_if)
    counts = Counts(lines=[0] * len(part.segments))
    with (
        whole_folder(folder / part.name) as draft,
        Rows(draft / INDEX, _SCHEMA) as index,
        Rows(draft / SHARED, _SHARED_SCHEMA) as shared,
        (draft / REJECTS).open("wb") as rejects,
    ):
        seen = 0
        for ordinal, (place, file, found) in enumerate(resources_in(part, export)):
            counts.lines[place] = found.number
            seen += len(found.line) + 1
            if seen >= _REPORTED:
                read(seen)
                seen = 0
            if not (found.type or found.fault):
                continue
            fault = found.fault or _taken(found, ordinal, marker, counts, index, shared)
            if fault:
                counts.rejects[fault] += 1
                where = {"file": file, "segment": place, "line": found.number, "offset": found.offset}
                rejects.write(msgspec.json.encode({**where, "reason": fault}) + b"\n")
        read(seen)
        counts.unrecognised = marker.unrecognised
        (draft / COUNTS).write_bytes(msgspec.json.encode(counts))


_REPORTED: Final = 4 * 1024 * 1024


def _taken(  # noqa: PLR0913, PLR0917 - all that may become of a resource
    found: Found, ordinal: int, marker: Marker, counts: Counts, index: Rows, shared: Rows
) -> str:
    """Put a resource where it belongs; return why it cannot be used, if so."""
    if found.type == "Deleted":
        counts.deleted.append("/".join(found.id.split("/")[-2:]))
        return ""
    counts.types[found.type] += 1
    if found.type in SHARED_TYPES:
        for key in shared_keys(found.line):
            shared.add((key, found.line))
        return ""
    if found.type not in READ_TYPES:
        return ""
    if not found.patient:
        return "no-patient"
    mark = marker.mark(found.line, found.type)
    if mark:
        counts.marks[mark.name or ""] += 1
    index.add((ordinal, found.patient, int(mark & ~Mark.UNRECOGNISED), len(found.line)))
    return ""
