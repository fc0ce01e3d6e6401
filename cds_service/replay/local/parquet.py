"""Parquet files written row by row, in batches that bound what is held."""

from __future__ import annotations

import itertools
from array import array
from typing import TYPE_CHECKING, Any, Final, Self

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
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
            columns = zip(*self._rows, strict=True)
            arrays = [_column(field.type, column) for column, field in zip(columns, self._schema, strict=True)]
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
            self._rows.clear()
            self._held = 0

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Write what is held, and end the file."""
        self.flush()
        self._writer.close()


# How `array` writes the integers of a type.
_CODES: Final = {pa.uint8(): "B", pa.int32(): "i", pa.int64(): "q"}


def _column(kind: pa.DataType, values: tuple[Any, ...]) -> pa.Array:
    """Return a column made of its bytes: item by item Arrow takes ten times as long."""
    if kind in _CODES:
        return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(array(_CODES[kind], values))])
    texts = [value.encode() for value in values] if kind == pa.string() else values
    offsets = array("i", itertools.accumulate(map(len, texts), initial=0))
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(texts))])
