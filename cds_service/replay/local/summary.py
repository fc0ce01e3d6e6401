"""What a replay has read and left out, told once it is finished: the summary, and the file of rejects."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from cds_service.replay.local.indexing import COUNTS, REJECTS, Counts
from cds_service.replay.local.scratch import whole_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cds_service.replay.export.files import Export
    from cds_service.replay.local.plan import Part, Work
    from cds_service.replay.orders import Kind
    from cds_service.replay.surviving import Told

_MOST_CODES: Final = 100


@dataclass(slots=True)
class Read:
    """What the first reading found in all parts together."""

    types: Counter[str] = field(default_factory=Counter)
    rejects: Counter[str] = field(default_factory=Counter)
    marks: Counter[str] = field(default_factory=Counter)
    unrecognised: Counter[str] = field(default_factory=Counter)
    deleted: set[str] = field(default_factory=set)
    lines: dict[int, list[int]] = field(default_factory=dict)


def read_counts(parts: Sequence[Part], work: Work) -> Read:
    """Return what the first reading found."""
    total = Read()
    for part in parts:
        counts = msgspec.json.decode((work.index / part.name / COUNTS).read_bytes(), type=Counts)
        total.types.update(counts.types)
        total.rejects.update(counts.rejects)
        total.marks.update(counts.marks)
        total.unrecognised.update(counts.unrecognised)
        total.deleted.update(counts.deleted)
        total.lines[part.number] = counts.lines
    return total


def write_rejects(work: Work, export: Export, parts: Sequence[Part], read: Read, counts: Told) -> None:
    """Write what could not be read, a line each with file, line, byte offset and reason; nothing of its content."""
    before = _lines_before(parts, read)
    with whole_file(work.rejects) as draft, draft.open("wb") as stream:
        for part in parts:
            with (work.index / part.name / REJECTS).open("rb") as found:
                for line in found:
                    reject = msgspec.json.decode(line)
                    stream.write(_written(reject, export, before[part.number][reject["segment"]]))
        for reject in counts.rejects:
            if "file" in reject:
                stream.write(_written(reject, export, _before(reject, parts, before)))
            else:
                stream.write(msgspec.json.encode(reject) + b"\n")


def _written(reject: dict[str, Any], export: Export, before: int) -> bytes:
    name = export.files[reject["file"]].name
    told = {"file": name, "line": reject["line"] + before, "offset": reject["offset"], "reason": reject["reason"]}
    return msgspec.json.encode(told) + b"\n"


def _lines_before(parts: Sequence[Part], read: Read) -> dict[int, list[int]]:
    """Return for each stretch of each part how many lines its file has before it."""
    seen: Counter[int] = Counter()
    found: dict[int, list[int]] = {}
    for part in parts:
        found[part.number] = []
        for segment, lines in zip(part.segments, read.lines[part.number], strict=True):
            found[part.number].append(seen[segment.file])
            seen[segment.file] += lines
    return found


def _before(reject: dict[str, Any], parts: Sequence[Part], before: dict[int, list[int]]) -> int:
    """Return how many lines stand before the stretch that a place lies in."""
    for part in parts:
        for place, segment in enumerate(part.segments):
            is_inside = segment.start <= reject["offset"] and (segment.end is None or reject["offset"] < segment.end)
            if segment.file == reject["file"] and is_inside:
                return before[part.number][place]
    return 0


def written_summary(read: Read, counts: Told, kind: Kind, export: Export, described: dict[str, Any]) -> dict[str, Any]:
    """Return the summary of a finished replay."""
    rejects = Counter(read.rejects)
    rejects.update(reject["reason"] for reject in counts.rejects)
    return {
        "replayed": kind.value,
        "patients": counts.patients,
        "left_out": dict(Counter(counts.left_out).most_common()),
        "resources": dict(read.types.most_common()),
        "rejects": dict(rejects.most_common()),
        "unrecognised_orders": list(_ranked(read.unrecognised)),
        "deleted": len(read.deleted),
        "files": len(export.files),
        "ignored_files": list(export.ignored),
        "absent_files": list(export.absent),
        "replay": described,
    }


def _ranked(counter: Counter[str]) -> Iterator[dict[str, Any]]:
    for name, count in sorted(counter.items(), key=lambda item: (-item[1], item[0]))[:_MOST_CODES]:
        yield {"name": name, "count": count}
