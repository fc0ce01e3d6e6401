"""Horizontal bars, simple and stacked, and ranges with dots: one row a name, its figures written beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cds_service.pages.plots.scales import Caption, Tick, decades, linear_ticks, log_position, number

PITCH: Final = 24  # pixels from one bar of a row to the next


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar: its value, its class, and what is said when it is pointed at."""

    value: float
    series: str
    tip: str


@dataclass(frozen=True, slots=True)
class Bar:
    """Parts one after another, and the figures beside them; `few` says that they are too small to lean on."""

    parts: tuple[Part, ...]
    figures: str
    few: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A name, its id if it has one, what else to say of it, and its bars."""

    name: str
    ident: str
    bars: tuple[Bar, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A part of a bar as drawn: from `x` on, `width` across, in percent; `y` in pixels. A dot has no width."""

    x: float
    y: int
    width: float
    series: str
    tip: str
    dot: bool = False


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """A row as drawn."""

    row: Row
    marks: tuple[Mark, ...]
    height: int


@dataclass(frozen=True, slots=True)
class BarPlot:
    """Rows over one axis, optionally with a value to compare with."""

    caption: Caption
    rows: tuple[DrawnRow, ...]
    ticks: tuple[Tick, ...]
    reference: Tick | None = None
    kind: str = "bars"


@dataclass(frozen=True, slots=True)
class Range:
    """A name with ascending values, each with its class and what is said of it."""

    name: str
    ident: str
    values: tuple[Part, ...]
    figures: str
    few: bool = False


def bar_plot(caption: Caption, rows: Sequence[Row], *, most: float | None = None) -> BarPlot:
    """Return bars over a linear axis from 0 to a round value above the longest, or to `most`."""
    longest = max((sum(part.value for part in bar.parts) for row in rows for bar in row.bars), default=0)
    scale = linear_ticks(most if most is not None else longest)
    drawn = tuple(DrawnRow(row, tuple(_marks(row, scale[-1])), _height(len(row.bars))) for row in rows)
    return BarPlot(caption, drawn, tuple(_tick(100 * value / scale[-1], number(value)) for value in scale))


def range_plot(caption: Caption, rows: Sequence[Range], *, reference: tuple[float, str]) -> BarPlot:
    """Return ranges with a dot for each value over a logarithmic axis that has the reference on it."""
    values = [part.value for row in rows for part in row.values if part.value > 0] or [1.0]
    scale = decades(min(values), max(*values, reference[0]))
    ticks = tuple(_tick(log_position(value, scale), number(value)) for value in scale)
    mark = Tick(log_position(reference[0], scale), reference[1])
    return BarPlot(caption, tuple(_drawn_range(row, scale) for row in rows), ticks, mark)


def _marks(row: Row, most: float) -> list[Mark]:
    marks = []
    for position, bar in enumerate(row.bars):
        begun = 0.0
        for part in bar.parts:
            if part.value > 0:
                x, width = 100 * begun / most, 100 * part.value / most
                marks.append(Mark(round(x, 3), position * PITCH + 4, round(width, 3), part.series, part.tip))
            begun += part.value
    return marks


def _drawn_range(row: Range, scale: Sequence[float]) -> DrawnRow:
    places = [log_position(part.value, scale) for part in row.values]
    width = round(max(places) - min(places), 3)
    line = Mark(min(places), 4, width, "range", "; ".join(part.tip for part in row.values))
    dots = [Mark(place, 4, 0, part.series, part.tip, dot=True) for place, part in zip(places, row.values, strict=True)]
    bar = Bar(row.values, row.figures, few=row.few)
    return DrawnRow(Row(row.name, row.ident, (bar,)), (line, *dots), _height(1))


def _height(bars: int) -> int:
    return max(1, bars) * PITCH


def _tick(at: float, label: str) -> Tick:
    """Return a tick whose label stays inside the plot."""
    anchor = "start" if at < 1 else "end" if at > 99 else "middle"  # noqa: PLR2004 - percent
    return Tick(round(at, 3), label, anchor)
