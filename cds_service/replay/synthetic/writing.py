"""A synthetic population written as a server writes a bulk export: NDJSON by type, in many files, with a manifest.

Beside it stands what a replay must find, in a table that is no part of the export. Pieces are made in parallel and
each is written as it is made, so that memory does not grow with the population.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from multiprocessing import get_context
from typing import TYPE_CHECKING, BinaryIO, Final, Self, cast

import msgspec

from cds_service.replay.synthetic.planted import EXPECTED_COLUMNS
from cds_service.replay.synthetic.population import Population, shared_resources

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from cds_service.replay.synthetic.charts import Chart, Resource
    from cds_service.replay.synthetic.planted import Expected

EXPECTED: Final = "expected.csv"
MANIFEST: Final = "manifest.json"
PIECE: Final = 5_000
_AT_ONCE: Final = 100
_URL: Final = "https://fhir.example.org/bulk/"
_ENCODER: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Written:
    """What a piece of the population has come to: resources by file, and what is expected of its orders."""

    files: dict[str, int] = field(default_factory=dict)
    expected: tuple[tuple[str, ...], ...] = ()


def write_population(population: Population, folder: Path, *, packed: bool = False, processes: int = 1) -> Written:
    """Write a population into an empty folder; return how many resources each file has."""
    folder.mkdir(parents=True, exist_ok=True)
    with _Files(folder, "0000", packed=packed) as files:
        files.write(shared_resources())
    counts = dict(files.counts)
    pieces = range(-(-population.patients // PIECE) + bool(population.giant))
    make = partial(_write_piece, population, folder, packed)
    with ExitStack() as stack:
        table = csv.writer(stack.enter_context((folder / EXPECTED).open("w", encoding="utf-8", newline="")))
        table.writerow(EXPECTED_COLUMNS)
        results: Iterable[Written] = map(make, pieces)
        if processes > 1:
            pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
            results = stack.enter_context(pool).map(make, pieces)
        for written in results:
            counts |= written.files
            table.writerows(written.expected)
    (folder / MANIFEST).write_bytes(msgspec.json.format(_ENCODER.encode(_manifest(counts))))
    return Written(counts)


def _manifest(counts: dict[str, int]) -> dict[str, object]:
    outputs = [
        {"type": name.partition(".")[0], "url": _URL + name, "count": count} for name, count in sorted(counts.items())
    ]
    return {
        "transactionTime": "2026-07-01T02:00:00Z",
        "request": f"{_URL}$export",
        "requiresAccessToken": False,
        "output": outputs,
        "error": [],
    }


def _write_piece(population: Population, folder: Path, packed: bool, piece: int) -> Written:  # noqa: FBT001 - partial
    begin, end = piece * PIECE, min((piece + 1) * PIECE, population.patients)
    charts = map(population.chart, range(begin, end)) if begin < end else population.giant_chart()
    expected: list[tuple[str, ...]] = []
    with _Files(folder, f"{piece + 1:04}", packed=packed) as files:
        for batch in _batches(charts):
            files.write(chain.from_iterable(chain.from_iterable(chart.values()) for chart, _ in batch))
            expected += (known.row for _, known in batch if known)
    return Written(dict(files.counts), tuple(expected))


_Batch = list[tuple[dict[str, list["Resource"]], "Expected | None"]]


def _batches(charts: Iterator[tuple[Chart, Expected | None]]) -> Iterator[_Batch]:
    batch: _Batch = []
    for chart, expected in charts:
        batch.append((dict(chart.records), expected))
        if len(batch) >= _AT_ONCE:
            yield batch
            batch = []
    yield batch


class _Files:
    """The files of one piece, each opened when there is something for it."""

    def __init__(self, folder: Path, name: str, *, packed: bool) -> None:
        self._folder = folder
        self._suffix = f".{name}.ndjson{'.gz' if packed else ''}"
        self._packed = packed
        self._open: dict[str, BinaryIO] = {}
        self._stack = ExitStack()
        self.counts: Counter[str] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def write(self, resources: Iterable[Resource]) -> None:
        """Write resources, each to the file of its type."""
        by_type = defaultdict[str, list["Resource"]](list)
        for resource in resources:
            by_type[resource["resourceType"]].append(resource)
        for kind, found in by_type.items():
            name = kind + self._suffix
            stream = self._open.get(name) or self._open.setdefault(name, self._opened(name))
            stream.write(_ENCODER.encode_lines(found))
            self.counts[name] += len(found)

    def _opened(self, name: str) -> BinaryIO:
        stream = self._stack.enter_context((self._folder / name).open("xb"))
        if not self._packed:
            return stream
        # Without a name and a time, so that the same population has the same bytes.
        archive = gzip.GzipFile("", "wb", compresslevel=1, fileobj=stream, mtime=0)
        return cast("BinaryIO", self._stack.enter_context(archive))
