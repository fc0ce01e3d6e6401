"""The shapes of a drawn timeline, in the units of an SVG's view box, as the template reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TOP: Final = 46.0
BOTTOM: Final = 30.0


@dataclass(frozen=True, slots=True)
class Layout:
    """Sizes of one layout; `plot` is where the time axis begins, and labels are cut after some characters."""

    name: str
    width: float
    plot: float
    row: float
    label_above: bool
    characters: int
    ticks: int


WIDE: Final = Layout("wide", 640, 222, 38, label_above=False, characters=29, ticks=7)
NARROW: Final = Layout("narrow", 340, 10, 44, label_above=True, characters=44, ticks=4)


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of time: `sure` where it went on, otherwise the days that a partial date may mean."""

    x: float
    width: float
    sure: bool


@dataclass(frozen=True, slots=True)
class Point:
    """A symbol at a day; `kind` is `dot`, `earlier` (before the picture begins) or `undated`."""

    x: float
    kind: str
    hollow: bool


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """A row with its middle `y`; `label` is cut to fit, `full` says it all."""

    lane: str
    label: str
    full: str
    when: str
    y: float
    bars: tuple[Bar, ...]
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class DrawnLane:
    """The heading of a group of rows, at its baseline."""

    key: str
    title: str
    y: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the calendar with its label."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything that the template draws."""

    layout: Layout
    height: float
    lanes: tuple[DrawnLane, ...]
    rows: tuple[DrawnRow, ...]
    ticks: tuple[Tick, ...]
    care_x: float
    care_label: str
    care_before: bool
    order_x: float
    order_label: str
    top: float = TOP

    @property
    def bottom(self) -> float:
        """Where the plot ends and the calendar begins."""
        return self.height - BOTTOM
