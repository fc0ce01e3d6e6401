"""Reading a file of a site's orderables as spreadsheets and EHR exports write it.

Nobody exports twice the same way: with a byte order mark or in UTF-16, with semicolons or tabs, with the columns in any
order under any name, and often with the CPT code in a column of its own beside the site's code.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fhir_mappings.terminology.code_systems import CPT, LOINC, SNOMED_CT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DELIMITERS: Final = ",;\t|"
_CODE: Final = frozenset({
    "code", "id", "ordercode", "orderid", "orderable", "orderablecode", "orderableid", "procedurecode",
    "procedureid", "proccode", "procid", "itemcode", "itemid", "mnemonic", "ordermnemonic", "orderkey", "eapid",
    "catalogcode", "localcode", "examcode",
})  # fmt: skip
_DISPLAY: Final = frozenset({
    "display", "name", "description", "desc", "title", "ordername", "orderablename", "procedurename", "procname",
    "longname", "displayname", "orderdescription", "proceduredescription", "itemname", "text", "examname", "exam",
    "primarymnemonic",
})  # fmt: skip
_SYSTEM: Final = frozenset({
    "system", "codesystem", "codingsystem", "codesystemuri", "vocabulary",
})  # fmt: skip
_STANDARD: Final = {
    "cpt": CPT,
    "cptcode": CPT,
    "cpt4": CPT,
    "hcpcs": CPT,
    "cpthcpcs": CPT,
    "loinc": LOINC,
    "loinccode": LOINC,
    "snomed": SNOMED_CT,
    "snomedct": SNOMED_CT,
    "snomedcode": SNOMED_CT,
}
_NOT_A_LETTER: Final = re.compile(r"[^a-z0-9]+")
_LONGEST_CELL: Final = 2000
_LOOKED_AT: Final = 20  # lines, to find out how columns are told apart


class OrderablesError(Exception):
    """A file of orderables that cannot be read; what is wrong, and where."""


@dataclass(frozen=True, slots=True)
class Orderable:
    """One line of the file: the site's code and name, and the standard codes that stand beside it."""

    line: int
    code: str
    display: str
    system: str = ""
    standard: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Orderables:
    """The lines of a file, the numbers of those that hold neither code nor name, and what each column was taken for."""

    rows: tuple[Orderable, ...]
    empty_lines: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Columns:
    code: int | None
    display: int | None
    system: int | None = None
    standard: tuple[tuple[int, str], ...] = ()


def read_orderables(data: bytes, system: str = "") -> Orderables:
    """Return what a file lists; `system` is that of codes which name none. OrderablesError when it cannot be read."""
    lines = list(_cells(_text(data)))
    if not lines:
        raise OrderablesError("the file is empty")
    _, first = lines[0]
    columns, has_header = _columns(first)
    rows, empty = [], []
    for number, cells in lines[1:] if has_header else lines:
        row = _row(number, cells, columns, system)
        if row is None:
            empty.append(number)
        else:
            rows.append(row)
    if not rows:
        raise OrderablesError("the file holds no orderables")
    taken = tuple(f"{name}: {first[at]}" for name, at in _named(columns)) if has_header else ()
    return Orderables(tuple(rows), tuple(empty), taken)


def _text(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "cp1252", "latin-1")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise OrderablesError("the file is no text in UTF-8, UTF-16 or Windows-1252")
    if "\0" in text:
        raise OrderablesError("the file is no text: is it a spreadsheet? Save it as CSV")
    return text


def _cells(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each line that is not blank, and its cells without blanks around them."""
    told = re.match(r"sep=(.)\r?\n", text)
    delimiter = told[1] if told else _delimiter(text)
    reader = csv.reader(io.StringIO(text[told.end() :] if told else text, newline=""), delimiter=delimiter)
    before = 1 if told else 0
    number = before + 1
    try:
        for cells in reader:
            if any(len(cell) > _LONGEST_CELL for cell in cells):
                raise OrderablesError(
                    f"line {number}: a cell of thousands of characters; is a quotation mark not closed?"
                )
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                yield number, stripped
            number = before + reader.line_num + 1
    except csv.Error as error:
        raise OrderablesError(f"line {number}: {error}") from None


def _delimiter(text: str) -> str:
    """Return what parts the first lines into the same number of columns, and most of them."""
    lines = [line for line in text.splitlines()[: _LOOKED_AT * 2] if line.strip()][:_LOOKED_AT]

    def columns(delimiter: str) -> tuple[int, int]:
        counts = [len(cells) for cells in csv.reader(lines, delimiter=delimiter)]
        usual = max(counts, key=counts.count, default=0)
        return (counts.count(usual) if usual > 1 else 0, usual)

    return max(_DELIMITERS, key=columns)


def _columns(first: Sequence[str]) -> tuple[_Columns, bool]:
    """Return where what stands, and whether the first line is a header."""
    names = [_NOT_A_LETTER.sub("", cell.casefold()) for cell in first]

    def place(known: frozenset[str]) -> int | None:
        return next((at for at, name in enumerate(names) if name in known), None)

    code, display = place(_CODE), place(_DISPLAY)
    standard = tuple((at, _STANDARD[name]) for at, name in enumerate(names) if name in _STANDARD)
    if code is None and display is None and not standard:
        return (_Columns(0, 1) if len(first) > 1 else _Columns(None, 0)), False
    return _Columns(code, display, place(_SYSTEM), standard), True


def _named(columns: _Columns) -> Iterator[tuple[str, int]]:
    for name, at in (("code", columns.code), ("display", columns.display), ("system", columns.system)):
        if at is not None:
            yield name, at
    yield from ((system, at) for at, system in columns.standard)


def _row(number: int, cells: Sequence[str], columns: _Columns, system: str) -> Orderable | None:
    def cell(at: int | None) -> str:
        return cells[at] if at is not None and at < len(cells) else ""

    code, display = cell(columns.code), cell(columns.display)
    standard = tuple((known, cell(at)) for at, known in columns.standard if cell(at))
    if not code and not display and not standard:
        return None
    return Orderable(number, code, display, cell(columns.system) or (system if code else ""), standard)
