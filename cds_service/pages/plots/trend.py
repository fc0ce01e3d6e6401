"""Values over time: stacked columns or a line with a dot a period, and one place to point at for each period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cds_service.pages.plots.scales import Caption, Tick, linear_ticks, number

HEIGHT: Final = 150  # pixels from the axis to the highest mark
_MOST_LABELS: Final = 4
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
    """Columns or a line over time: `down` are the marks of the upright axis, `across` those of time."""

    caption: Caption
    blocks: tuple[Block, ...]
    lines: tuple[str, ...]
    dots: tuple[Dot, ...]
    places: tuple[Place, ...]
    across: tuple[Tick, ...]
    down: tuple[Tick, ...]
    height: int = HEIGHT
    kind: str = "trend"


def column_plot(caption: Caption, periods: Sequence[Period]) -> TrendPlot:
    """Return stacked columns."""
    scale = linear_ticks(max((sum(value or 0 for _, value in period.parts) for period in periods), default=0), 4)
    width = _width(periods)
    blocks = []
    for position, period in enumerate(periods):
        below = 0.0
        for series, value in period.parts:
            if value:
                y, height = HEIGHT * (1 - (below + value) / scale[-1]), HEIGHT * value / scale[-1]
                x = (position + _GAP / 2) * width
                blocks.append(Block(_r(x), _r(y), _r(width * (1 - _GAP)), _r(height), series))
                below += value
    return TrendPlot(caption, tuple(blocks), (), (), _places(periods), _labels(periods), _down(scale))


def line_plot(caption: Caption, periods: Sequence[Period], *, most: float) -> TrendPlot:
    """Return a line, from 0 to `most`, of the first part of each period; interrupted where there is no value."""
    scale, width = linear_ticks(most, 4), _width(periods)
    lines: list[list[str]] = [[]]
    dots = []
    for position, period in enumerate(periods):
        value = period.parts[0][1]
        if value is None:
            lines.append([])
            continue
        x, y = _r((position + 0.5) * width), _r(HEIGHT * (1 - value / scale[-1]))
        lines[-1].append(f"{x},{y}")
        dots.append(Dot(x, y, period.few))
    drawn = tuple(" ".join(points) for points in lines if len(points) > 1)
    return TrendPlot(caption, (), drawn, tuple(dots), _places(periods), _labels(periods), _down(scale))


def _width(periods: Sequence[Period]) -> float:
    return 100 / max(1, len(periods))


def _places(periods: Sequence[Period]) -> tuple[Place, ...]:
    width = _width(periods)
    return tuple(Place(_r(at * width), _r(width), period.tip) for at, period in enumerate(periods))


def _down(scale: Sequence[float]) -> tuple[Tick, ...]:
    return tuple(Tick(_r(HEIGHT * (1 - value / scale[-1])), number(value)) for value in scale)


def _labels(periods: Sequence[Period]) -> tuple[Tick, ...]:
    """Return labels for a few of the periods, evenly apart, so that they do not run into each other."""
    step = max(1, -(-len(periods) // _MOST_LABELS))
    width = _width(periods)
    ticks = []
    for at in range(0, len(periods), step):
        x = (at + 0.5) * width
        anchor = "start" if x < 6 else "end" if x > 94 else "middle"  # noqa: PLR2004 - percent: near an end
        ticks.append(Tick(_r(at * width if anchor == "start" else x), periods[at].label, anchor))
    return tuple(ticks)


def _r(value: float) -> float:
    return round(value, 3)
