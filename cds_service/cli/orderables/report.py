"""What became of a site's orderables: for people the summary first, and as JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from cds_service.cli.orderables.mapping import needs_mapping
from cds_service.cli.orderables.taking import Taken

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cds_service.cli.orderables.reading import Orderables
    from cds_service.cli.orderables.taking import Sorted

_TITLES: Final = {
    Taken.LUMBAR_MRI: "taken for an MRI of the lumbar spine",
    Taken.LIKE_SPINE_MRI: "like an MRI of the spine, and NOT RECOGNISED: answered with silence",
    Taken.KNOWN_OTHER: "known as another study or order",
    Taken.OTHER: "anything else: let through unread",
}
_MOST: Final = 100  # lines of a section
_TOLD: Final = {"code": "its code", "column": "a standard code beside it", "name": "its name only"}
_FIELDS: Final = ("line", "code", "display", "system", "taken", "contrast", "by", "concepts", "remark")


def report_lines(read: Orderables, found: Sequence[Sorted]) -> Iterator[str]:
    """Yield the report for people."""
    counts = Counter(one.taken for one in found)
    yield f"{len(found)} orderables" + (f" ({'; '.join(read.columns)})" if read.columns else " (no header was found)")
    for taken, title in _TITLES.items():
        yield f"{counts[taken]:7}  {title}"
        if taken is Taken.LUMBAR_MRI:
            yield from _contrasts(found)
    if read.empty_lines:
        yield f"{len(read.empty_lines):7}  lines without code and name: {_numbers(read.empty_lines)}"
    by_name = sum(one.taken is Taken.LUMBAR_MRI and one.by == "name" for one in found)
    if by_name:
        yield ""
        yield f"{by_name} are recognised by their name only: a map (below) lets suggestions change their contrast."
    yield from _section("Not recognised", (one for one in found if one.taken is Taken.LIKE_SPINE_MRI))
    yield from _section("To look at", (one for one in found if one.remark))
    yield from _section("MRI of the lumbar spine", (one for one in found if one.taken is Taken.LUMBAR_MRI))


def _contrasts(found: Sequence[Sorted]) -> Iterator[str]:
    counts = Counter((str(one.contrast), one.by) for one in found if one.taken is Taken.LUMBAR_MRI)
    for (contrast, by), number in sorted(counts.items()):
        yield f"{number:15}  contrast {contrast}, by {_TOLD[by]}"


def _section(title: str, chosen: Iterator[Sorted]) -> Iterator[str]:
    lines = [_line(one) for one in chosen]
    if lines:
        yield from ("", f"{title}:", *lines[:_MOST])
    if len(lines) > _MOST:
        yield f"  … and {len(lines) - _MOST} more; --csv lists all of them"


def _line(one: Sorted) -> str:
    said = [f"contrast {one.contrast}, by {_TOLD[one.by]}"] if one.contrast else []
    said += [one.remark] if one.remark else []
    return f"  line {one.row.line}: {one.row.code or '(no code)'}  {one.row.display}" + (
        f"  [{'; '.join(said)}]" if said else ""
    )


def _numbers(lines: Sequence[int], most: int = 20) -> str:
    shown = ", ".join(map(str, lines[:most]))
    return f"{shown}, …" if len(lines) > most else shown


def as_json(read: Orderables, found: Sequence[Sorted], mapping: dict[str, Any]) -> dict[str, Any]:
    """Return the report for programs: counts, every orderable, and the map."""
    counts = Counter(one.taken.value for one in found)
    return {
        "orderables": len(found),
        "counts": {taken.value: counts[taken.value] for taken in Taken},
        "needMapping": sum(map(needs_mapping, found)),
        "emptyLines": list(read.empty_lines),
        "rows": [_fields(one) for one in found],
        "conceptMap": mapping if mapping["group"] else None,
    }


def as_csv(found: Sequence[Sorted]) -> str:
    """Return every orderable as a line of CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**fields, "concepts": " ".join(fields["concepts"])} for fields in map(_fields, found))
    return text.getvalue()


def _fields(one: Sorted) -> dict[str, Any]:
    row = one.row
    return {
        "line": row.line,
        "code": row.code,
        "display": row.display,
        "system": row.system,
        "taken": one.taken.value,
        "contrast": str(one.contrast) if one.contrast else "",
        "by": one.by,
        "concepts": list(one.concepts),
        "remark": one.remark,
    }
