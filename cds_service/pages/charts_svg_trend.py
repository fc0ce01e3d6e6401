"""Values over time: stacked columns or a line with a dot a period, and one place to point at for each period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cds_service.pages.charts_svg import Axis, LegendItem, Tick, linear_ticks, number

HEIGHT: Final = 150  # pixels from the axis to the highest mark
_MOST_LABELS: Final = 5
_GAP: Final = 0.18  # of a period's width


@dataclass(frozen=True, slots=True)
class Period:
    """A period: its label, its parts as (class, value) from below, what is said of it; `few`: draw its dot hollow.

    A value of None is none: of nothing there is no rate, and a line is interrupted.
    """

    label: str
    parts: tuple[tuple[str, float | None], ...]
    tip: str
    few: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a column as drawn: percent across, pixels down."""

    x: float
    y: float
    width: float
    height: float
    series: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A value of a line as drawn."""

    x: float
    y: float
    few: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a period is pointed at, and what is said then."""

    x: float
    width: float
    tip: str


@dataclass(frozen=True, slots=True)
class TrendPlot:
    """Columns or a line over time."""

    label: str
    title: str
    blocks: tuple[Block, ...]
    lines: tuple[str, ...]
    dots: tuple[Dot, ...]
    places: tuple[Place, ...]
    across: tuple[Tick, ...]
    axis: Axis
    legend: tuple[LegendItem, ...]
    height: int = HEIGHT
    kind: str = "trend"


def column_plot(
    label: str, title: str, unit: str, periods: Sequence[Period], legend: Sequence[LegendItem]
) -> TrendPlot:
    """Return stacked columns."""
    most = max((sum(value or 0 for _, value in period.parts) for period in periods), default=0)
    scale = linear_ticks(most, 4)
    width = 100 / max(1, len(periods))
    blocks = []
    for position, period in enumerate(periods):
        below = 0.0
        for series, value in period.parts:
            if value:
                y, height = HEIGHT * (1 - (below + value) / scale[-1]), HEIGHT * value / scale[-1]
                x = (position + _GAP / 2) * width
                blocks.append(Block(_r(x), _r(y), _r(width * (1 - _GAP)), _r(height), series))
                below += value
    return _plot(label, title, unit, periods, scale, legend, blocks=blocks)


def line_plot(
    label: str,
    title: str,
    unit: str,
    periods: Sequence[Period],
    legend: Sequence[LegendItem],
    *,
    most: float | None = None,
) -> TrendPlot:
    """Return a line of the first part of each period, interrupted where there is no value."""
    values = [period.parts[0][1] for period in periods]
    scale = linear_ticks(most if most is not None else max((value or 0 for value in values), default=0), 4)
    width = 100 / max(1, len(periods))
    lines: list[list[str]] = [[]]
    dots = []
    for position, (period, value) in enumerate(zip(periods, values, strict=True)):
        if value is None:
            lines.append([])
            continue
        x, y = _r((position + 0.5) * width), _r(HEIGHT * (1 - value / scale[-1]))
        lines[-1].append(f"{x},{y}")
        dots.append(Dot(x, y, period.few))
    drawn = tuple(" ".join(points) for points in lines if len(points) > 1)
    return _plot(label, title, unit, periods, scale, legend, lines=drawn, dots=dots)


def _plot(  # noqa: PLR0913, PLR0917 - what both kinds of plots share
    label: str,
    title: str,
    unit: str,
    periods: Sequence[Period],
    scale: Sequence[float],
    legend: Sequence[LegendItem],
    *,
    blocks: Sequence[Block] = (),
    lines: Sequence[str] = (),
    dots: Sequence[Dot] = (),
) -> TrendPlot:
    width = 100 / max(1, len(periods))
    places = tuple(Place(_r(at * width), _r(width), period.tip) for at, period in enumerate(periods))
    ticks = tuple(Tick(_r(HEIGHT * (1 - value / scale[-1])), number(value)) for value in scale)
    return TrendPlot(
        label=label,
        title=title,
        blocks=tuple(blocks),
        lines=tuple(lines),
        dots=tuple(dots),
        places=places,
        across=_labels(periods),
        axis=Axis(unit, ticks),
        legend=tuple(legend),
    )


def _labels(periods: Sequence[Period]) -> tuple[Tick, ...]:
    """Return labels for a few of the periods, evenly apart, so that they do not run into each other."""
    step = max(1, -(-len(periods) // _MOST_LABELS))
    width = 100 / max(1, len(periods))
    ticks = []
    for at in range(0, len(periods), step):
        x = (at + 0.5) * width
        anchor = "start" if x < 6 else "end" if x > 94 else "middle"  # noqa: PLR2004 - percent: near an end
        ticks.append(Tick(_r(at * width if anchor == "start" else x), periods[at].label, anchor))
    return tuple(ticks)


def _r(value: float) -> float:
    return round(value, 3)
