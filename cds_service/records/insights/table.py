"""A table as CSV or JSON: nothing in it is computed by the spreadsheet that opens it."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

import msgspec

Cell = str | int | float | None

# A spreadsheet computes a cell that begins so: after blanks, in full-width signs, or behind what it takes for the end
# of the one before. A reason's display is whatever a client sent.
_FORMULA: Final = re.compile(r"[\s\x00-\x20;,|'\"]*[=+\-@]|[\t\r\n]")


@dataclass(frozen=True, slots=True)
class ExportTable:
    """One table: the names of its columns and its rows."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def csv(self) -> str:
        """Return the table as CSV with a heading; text that a spreadsheet would compute begins with an apostrophe."""
        stream = io.StringIO()
        writer = csv.writer(stream)
        writer.writerow(self.columns)
        writer.writerows([_harmless(cell) for cell in row] for row in self.rows)
        return stream.getvalue()

    def json(self) -> bytes:
        """Return the table as a JSON array of objects."""
        return msgspec.json.encode([dict(zip(self.columns, row, strict=True)) for row in self.rows])


def _harmless(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(unicodedata.normalize("NFKC", cell)) else cell
