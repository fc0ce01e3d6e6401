"""The table of figures beside their targets, and its picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

_DOCS: Final = Path(__file__).parents[1] / "docs"
_PAGE: Final = _DOCS / "performance.md"
_PICTURE: Final = _DOCS / "pictures" / "performance.svg"
_BEGIN: Final = "<!-- figures: written by make bench -->\n"
_END: Final = "<!-- end of figures -->\n"

# The picture: a bar a figure, as a multiple of its target on a scale of powers of two.
_LABEL_WIDTH: Final = 330
_STEP: Final = 70  # pixels for a factor of two
_LOW: Final = 0.25
_ROW: Final = 22


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: what it is, its unit, where it should be at most, and where it is; None where it was not measured."""

    what: str
    unit: str
    target: float | None
    figure: float | None

    @property
    def verdict(self) -> str:
        """Whether the target is met."""
        if self.figure is None:
            return "not measured"
        if self.target is None:
            return ""
        return "met" if self.figure <= self.target else "missed"


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table in Markdown."""
    lines = ["| what | unit | target | figure | |", "|---|---|---:|---:|---|"]
    lines += [
        f"| {row.what} | {row.unit} | {_number(row.target, '≤ ')} | {_number(row.figure)} | {row.verdict} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def write(rows: Sequence[Row], setting: str) -> None:
    """Put the table into the page, with a sentence on how it was measured, and draw the picture."""
    page = _PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    figures = f"\n{setting}\n\n{table(rows)}\n![Each figure as a multiple of its target](pictures/{_PICTURE.name})\n\n"
    _PAGE.write_text(before + _BEGIN + figures + _END + after, encoding="utf-8")
    _PICTURE.write_text(picture(rows), encoding="utf-8")


def picture(rows: Sequence[Row]) -> str:
    """Return an SVG with a bar for each figure that has a target: as far as the line is as much as it may be."""
    shown = [(row, row.figure / row.target) for row in rows if row.target and row.figure is not None]
    high = max([2.0, *(share for _, share in shown)])
    width = _at(2 ** math.ceil(math.log2(high))) + 60
    height = _ROW * len(shown) + 50
    box = f'viewBox="0 0 {width:.0f} {height}" font-family="sans-serif" font-size="12"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {box}>',
        "<title>Each figure as a multiple of its target</title>",
        f'<rect width="{width:.0f}" height="{height}" fill="#fff"/>',
    ]
    for at, (row, share) in enumerate(shown):
        top = 10 + _ROW * at
        colour = "#2e7d32" if share <= 1 else "#c62828"
        length = max(2.0, _at(share) - _LABEL_WIDTH)
        parts += [
            f'<text x="{_LABEL_WIDTH - 8}" y="{top + 13}" text-anchor="end">{escape(row.what)}</text>',
            f'<rect x="{_LABEL_WIDTH}" y="{top + 2}" width="{length:.1f}" height="{_ROW - 8}" fill="{colour}"/>',
            f'<text x="{_LABEL_WIDTH + length + 6:.1f}" y="{top + 13}">{_number(share)}</text>',
        ]
    bottom = height - 34
    parts += [
        f'<line x1="{_at(1):.0f}" x2="{_at(1):.0f}" y1="4" y2="{bottom}" stroke="#333" stroke-dasharray="4 3"/>',
        f'<text x="{_at(1):.0f}" y="{bottom + 18}" text-anchor="middle">target</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _at(share: float) -> float:
    return _LABEL_WIDTH + _STEP * math.log2(max(share, _LOW) / _LOW)


def _number(value: float | None, before: str = "") -> str:
    if value is None:
        return ""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2  # noqa: PLR2004 - two or three digits that count
    return f"{before}{value:.{digits}f}"
