"""How the insights write numbers, and the parts that each of their sections is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cds_service.pages.plots.bars import BarPlot
from cds_service.pages.plots.trend import TrendPlot
from cds_service.records.insights.volumes import rate

FEW: Final = 20  # below this a percentage says little, and the page says so


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading, and whether it holds numbers."""

    heading: str
    numeric: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """What a plot shows, as a table; the first cell of a row is its heading."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: a question, its plots, the same numbers as a table, and the name of their export."""

    ident: str
    title: str
    about: str
    plots: tuple[BarPlot | TrendPlot, ...]
    table: Table
    export: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Headline:
    """One of the numbers at the top: `id`, what it counts, and what there is to say of it."""

    ident: str
    label: str
    value: str
    note: str
    few: bool = False


def headings(*words: str, numbers: tuple[str, ...]) -> tuple[Column, ...]:
    """Return the columns of a table: those of words first, then those of numbers."""
    return (*(Column(heading, numeric=False) for heading in words), *(Column(heading) for heading in numbers))


def count(value: int) -> str:
    """Return a count with its thousands apart."""
    return f"{value:,}"


def counted(value: int, singular: str, plural: str = "") -> str:
    """Return a count with its noun."""
    return f"{value:,} {singular if value == 1 else plural or singular + 's'}"


def percent(part: int, whole: int) -> str:
    """Return a share of 100; a dash of nothing."""
    share = rate(part, whole)
    return "–" if share is None else f"{share}\N{NO-BREAK SPACE}%"


def per_100(part: int, whole: int) -> str:
    """Return a rate of 100 without a sign; a dash of nothing."""
    share = rate(part, whole)
    return "–" if share is None else str(share)


def milliseconds(value: float) -> str:
    """Return a time as exactly as it means something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"  # noqa: PLR2004
