"""Plots as geometry: what the templates draw as SVG.

Across, everything is a percentage of the plot's width, and only heights are pixels: so a plot fills any window while
its text keeps its size, without a script. Colours are classes, because the content policy allows no style attributes
and dark mode must be able to change them. Nothing here knows what is counted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_STEPS: Final = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis: where, in percent across or pixels down, and what it is labelled."""

    at: float
    label: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class LegendItem:
    """What a class of marks stands for."""

    series: str
    label: str


@dataclass(frozen=True, slots=True)
class Caption:
    """What is said around a plot: its title, what is measured, and the legend."""

    title: str
    unit: str
    legend: tuple[LegendItem, ...] = ()


def linear_ticks(most: float, count: int = 5, *, whole: bool = True) -> tuple[float, ...]:
    """Return round values from 0 to the first that is not below `most`, about so many; of a count, whole ones only."""
    if most <= 0:
        return (0.0, 1.0)
    rough = most / count
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(step * magnitude for step in _STEPS if step * magnitude >= rough * (1 - 1e-9))
    if whole:
        step = float(max(1, math.ceil(step)))
    return tuple(round(step * number, 10) for number in range(math.ceil(most / step - 1e-9) + 1))


def decades(least: float, most: float) -> tuple[float, ...]:
    """Return the powers of ten from the last that is not above `least` to the first that is not below `most`."""
    first = math.floor(math.log10(least) + 1e-9)
    last = max(math.ceil(math.log10(most) - 1e-9), first + 1)
    return tuple(10.0**power for power in range(first, last + 1))


def log_position(value: float, scale: Sequence[float]) -> float:
    """Return where a value stands on a logarithmic axis, in percent; values beyond its ends stand at the ends."""
    low, high = math.log10(scale[0]), math.log10(scale[-1])
    if value <= 0:
        return 0.0
    return round(100 * min(1.0, max(0.0, (math.log10(value) - low) / (high - low))), 3)


def number(value: float) -> str:
    """Return a number as people write it: thousands apart, no needless decimals."""
    rounded = round(value, 2)
    return f"{rounded:,.0f}" if rounded == int(rounded) else f"{rounded:,.2f}".rstrip("0")
