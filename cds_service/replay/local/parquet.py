"""Rows as Arrow tables, and Parquet files written row by row, in batches that bound what is held."""

from __future__ import annotations

import itertools
from array import array
from datetime import date
from typing import TYPE_CHECKING, Any, Final, Self

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Sequence, Sized
    from pathlib import Path

_MOST_ROWS: Final = 50_000
_MOST_BYTES: Final = 16 * 1024 * 1024


class Rows:
    """A Parquet file under way; the last column, a text or bytes, counts for what is held."""

    def __init__(self, file: Path, schema: pa.Schema) -> None:
        """Open the file."""
        self._schema = schema
        self._writer = pq.ParquetWriter(file, schema, compression="lz4")
        self._rows: list[tuple[Any, ...]] = []
        self._held = 0

    def add(self, row: tuple[Any, ...]) -> None:
        """Add a row."""
        self._rows.append(row)
        self._held += len(row[-1])
        if len(self._rows) >= _MOST_ROWS or self._held >= _MOST_BYTES:
            self.flush()

    def flush(self, *, at_least: int = 0) -> None:
        """Write what is held, if it is that many bytes, as a row group of its own."""
        if self._rows and self._held >= at_least:
            self._writer.write_table(table_of(self._rows, self._schema))
            self._rows.clear()
            self._held = 0

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Write what is held, and end the file."""
        self.flush()
        self._writer.close()


def table_of(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    """Return rows as a table."""
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    arrays = [_column(field.type, column) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


# How `array` writes the integers of a type.
_CODES: Final = {pa.uint8(): "B", pa.int32(): "i", pa.int64(): "q"}
_EPOCH: Final = date(1970, 1, 1).toordinal()


def _column(kind: pa.DataType, values: Sequence[Any]) -> pa.Array:
    """Return a column made of its bytes: item by item Arrow takes ten times as long, and imports pandas for it.

    Lists hold no None; structs are dataclasses with a field of each name.
    """
    if kind in _CODES:
        return _integers(kind, values)
    if kind == pa.date32():
        days = [0 if day is None else day.toordinal() - _EPOCH for day in values]
        return pa.Array.from_buffers(kind, len(days), [_validity(values), *_integers(pa.int32(), days).buffers()[1:]])
    if isinstance(kind, pa.ListType):
        items = _column(kind.value_type, list(itertools.chain.from_iterable(values)))
        return pa.Array.from_buffers(kind, len(values), [None, _offsets(values)], children=[items])
    if isinstance(kind, pa.StructType):
        parts = [_column(part.type, [getattr(value, part.name) for value in values]) for part in kind]
        return pa.Array.from_buffers(kind, len(values), [None], children=parts)
    texts = [value.encode() for value in values] if kind == pa.string() else values
    return pa.Array.from_buffers(kind, len(values), [None, _offsets(texts), pa.py_buffer(b"".join(texts))])


def _integers(kind: pa.DataType, values: Sequence[int]) -> pa.Array:
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(array(_CODES[kind], values))])


def _offsets(values: Sequence[Sized]) -> pa.Buffer:
    return pa.py_buffer(array("i", itertools.accumulate(map(len, values), initial=0)))


def _validity(values: Sequence[object]) -> pa.Buffer | None:
    """Return the bits that tell which values there are, the first in the lowest bit; None where all are there."""
    if None not in values:
        return None
    bits = int("".join("01"[value is not None] for value in reversed(values)), 2)
    return pa.py_buffer(bits.to_bytes(-(-len(values) // 8), "little"))
