"""The shapes of a drawn timeline, in the units of an SVG's view box, as the template reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TOP: Final = 46.0
BOTTOM: Final = 30.0


@dataclass(frozen=True, slots=True)
class Layout:
    """Sizes of one layout; `plot` is where the time axis begins, and labels are cut after some characters.

    `when_characters` is how much fits of the words for a date, and with `label_above` of those and the label together.
    """

    name: str
    width: float
    plot: float
    row: float
    label_above: bool
    characters: int
    when_characters: int
    ticks: int


WIDE: Final = Layout("wide", 640, 222, 38, label_above=False, characters=29, when_characters=37, ticks=7)
NARROW: Final = Layout("narrow", 340, 10, 44, label_above=True, characters=44, when_characters=50, ticks=4)


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of time: `sure` where it went on, otherwise the days that a partial date may mean."""

    x: float
    width: float
    sure: bool


@dataclass(frozen=True, slots=True)
class Point:
    """A symbol at a day; `kind` is `dot`, `undated`, `earlier` (before the picture) or `later` (after it)."""

    x: float
    kind: str
    hollow: bool


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """A row with its middle `y`; `label` and `when` are cut to fit, `full` and `full_when` say it all."""

    lane: str
    label: str
    full: str
    when: str
    full_when: str
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
    """Everything that the template draws; `has_later` tells that something is dated after the order."""

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
    has_later: bool
    top: float = TOP

    @property
    def bottom(self) -> float:
        """Where the plot ends and the calendar begins."""
        return self.height - BOTTOM
