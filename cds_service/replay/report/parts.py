"""What a report is made of: sections with plots and tables, the same for the page and for the JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cds_service.pages.plots.bars import BarPlot
from cds_service.pages.plots.trend import TrendPlot
from cds_service.replay.report.cells import Cell


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in the JSON, its heading on the page, and whether it holds numbers."""

    name: str
    heading: str
    numeric: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption; the first cell of a row is its heading. `folded` where few will read it."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    folded: bool = False

    def document(self) -> list[dict[str, Cell]]:
        """Return the rows as JSON has them."""
        return [{column.name: cell for column, cell in zip(self.columns, row, strict=True)} for row in self.rows]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report: its question, plots, tables, and notes; `absent` says why there is nothing in it."""

    ident: str
    title: str
    about: str
    plots: tuple[BarPlot | TrendPlot, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    absent: str = ""

    def document(self) -> dict[str, Any]:
        """Return the section as JSON has it."""
        if self.absent:
            return {"absent": self.absent}
        return {table.name: table.document() for table in self.tables}


def words(name: str, heading: str) -> Column:
    """Return a column of words."""
    return Column(name, heading, numeric=False)


def written(cell: Cell) -> str:
    """Return a cell as the page shows it: thousands apart, a dash where nothing is said."""
    if cell is None:
        return "–"
    if isinstance(cell, str):
        return cell
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:,.1f}"


def table(
    name: str, caption: str, first: Column, *columns: Column, rows: Sequence[Sequence[Cell]], folded: bool = False
) -> Table:
    """Return a table."""
    return Table(name, caption, (first, *columns), tuple(map(tuple, rows)), folded)
