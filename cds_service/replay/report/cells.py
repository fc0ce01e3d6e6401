"""What a table of a report may say of few patients: nothing that tells of fewer than 11, and nothing that lets it out.

The limit is that of the US Centers for Medicare & Medicaid Services for published tables: no cell of 1 to 10, and none
that can be had by taking the others from a total. Nothing at all (0) may be said.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

SMALL: Final = 11
FEW_WORDS: Final = f"<{SMALL}"
HIDDEN_WORDS: Final = f"{SMALL}+"
_Z_95: Final = 1.959963984540054

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Interval:
    """A share with its 95 % interval, each of 100."""

    share: float
    low: float
    high: float


def is_small(count: int) -> bool:
    """Whether a count tells of so few that it is not said."""
    return 0 < count < SMALL


def told(count: int) -> Cell:
    """Return a count as it may be said."""
    return FEW_WORDS if is_small(count) else count


def part_told(part: int, whole: int) -> Cell:
    """Return a part of a count that is said, so that neither it nor what is left of it tells of few."""
    if is_small(part) or is_small(whole):
        return FEW_WORDS
    return f">{whole - SMALL:,}" if is_small(whole - part) else part


def share_told(part: int, whole: int) -> Cell:
    """Return the share of 100 that a part is, None where it is not said or there is nothing to share."""
    if not whole or isinstance(part_told(part, whole), str):
        return None
    return round(100 * part / whole, 1)


def table_told(rows: Sequence[Sequence[int]], *, rows_add_up: bool = False) -> list[list[Cell]]:
    """Return a table of counts as it may be said beside the totals of its columns (and of its rows, if they add up).

    Where one count alone is not said in a line that adds up, the smallest other one is not said either.
    """
    cells: list[list[Cell]] = [[told(count) for count in row] for row in rows]
    while any([_second_hidden(rows, cells, by_column=True), rows_add_up and _second_hidden(rows, cells)]):
        pass
    return cells


def column_told(counts: Sequence[int]) -> list[Cell]:
    """Return counts that add up to a total which is said."""
    return [row[0] for row in table_told([[count] for count in counts])]


def _second_hidden(rows: Sequence[Sequence[int]], cells: list[list[Cell]], *, by_column: bool = False) -> bool:
    """Hide one more count in each line that has only one hidden; return whether any was."""
    width = len(rows[0]) if rows else 0
    lines = [[(at, across) for at in range(len(rows))] for across in range(width)]
    if not by_column:
        lines = [[(at, across) for across in range(width)] for at in range(len(rows))]
    changed = False
    for line in lines:
        hidden = [place for place in line if isinstance(cells[place[0]][place[1]], str)]
        left = [place for place in line if place not in hidden and rows[place[0]][place[1]]]
        if len(hidden) == 1 and left:
            at, across = min(left, key=_value_in(rows))
            cells[at][across] = HIDDEN_WORDS
            changed = True
    return changed


def _value_in(rows: Sequence[Sequence[int]]) -> Callable[[tuple[int, int]], int]:
    return lambda place: rows[place[0]][place[1]]


def wilson(part: int, whole: int) -> Interval | None:
    """Return a share with Wilson's 95 % score interval, which holds for few and for none too; None of nothing."""
    if not whole:
        return None
    share, square = part / whole, _Z_95 * _Z_95
    middle = (share + square / (2 * whole)) / (1 + square / whole)
    half = _Z_95 / (1 + square / whole) * math.sqrt(share * (1 - share) / whole + square / (4 * whole * whole))
    low = 0.0 if part == 0 else max(0.0, middle - half)
    high = 1.0 if part == whole else min(1.0, middle + half)
    return Interval(round(100 * share, 1), round(100 * low, 1), round(100 * high, 1))
