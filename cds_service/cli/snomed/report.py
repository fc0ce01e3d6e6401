"""What an expansion found: counts by concept and by the widest codes, and what a person has to look at."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from cds_service.cli.snomed.descent import TAKES_BACK, WIDE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cds_service.cli.snomed.descent import Conflict
    from cds_service.cli.snomed.expanding import Expansion

_MOST: Final = 20
_WIDEST: Final = 5


def report_lines(found: Expansion) -> Iterator[str]:
    """Yield the report for people."""
    descent = found.descent
    added = sum(map(len, descent.added.values()))
    yield f"SNOMED CT, {found.source}: {added} codes for {len(descent.added)} concepts"
    widest = _widest(found)
    for concept, codes in descent.added.items():
        below = ", ".join(f"{root} ({size})" for root, size in widest[concept][:_WIDEST])
        yield f"{len(codes):7}  {concept}, below {below}"
    if descent.conflicts:
        yield ""
        yield f"Left out, for a person to decide: {len(descent.conflicts)}"
        yield from (f"  {_line(found, conflict)}" for conflict in descent.conflicts[:_MOST])
        if len(descent.conflicts) > _MOST:
            yield "  … --json lists all of them"
    if descent.skipped:
        yield ""
        yield "Not expanded, because the concept is wide, takes something back, or is of drugs:"
        yield from (f"{number:7}  {concept}" for concept, number in descent.skipped.items())
    if found.absent:
        yield ""
        yield f"Codes of ours that are not in use there: {len(found.absent)} ({', '.join(found.absent[:_MOST])}, …)"


def _widest(found: Expansion) -> dict[str, list[tuple[str, int]]]:
    """Return the codes of each concept with the most below them."""
    widest: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for root, size in sorted(found.sizes.items(), key=lambda item: (-item[1], item[0])):
        for concept in found.roots[root]:
            widest[concept].append((root, size))
    return widest


def _line(found: Expansion, conflict: Conflict) -> str:
    name = found.names.get(conflict.code, "(no name)")
    return f"{conflict.code} {name}: {conflict.why}: {', '.join(conflict.concepts)}"


def as_json(found: Expansion) -> dict[str, Any]:
    """Return the report for programs."""
    descent = found.descent
    return {
        "source": found.source,
        "added": {concept: len(codes) for concept, codes in descent.added.items()},
        "conflicts": [
            {
                "code": conflict.code,
                "display": found.names.get(conflict.code, ""),
                "concepts": list(conflict.concepts),
                "leftOut": list(conflict.left_out),
                "why": conflict.why,
            }
            for conflict in descent.conflicts
        ],
        "notExpanded": dict(descent.skipped),
        "wide": sorted(WIDE),
        "takesBack": sorted(TAKES_BACK),
        "notInUse": list(found.absent),
    }
