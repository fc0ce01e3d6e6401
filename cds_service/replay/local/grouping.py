"""Patients grouped beyond memory: who is assessed, and their resources brought together.

First who: a question to the index alone. Then the export is read a second time, and only what belongs to those patients
is written, in runs that are sorted by bucket and patient. A bucket is a fixed share of the patients by a hash, so that
the same replay always has the same ones. DuckDB sorts and joins within the memory that it is given, and spills the rest
to disk.
"""

from __future__ import annotations

import itertools
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import duckdb
import pyarrow as pa

from cds_service.replay.export.lines import Stretch, lines_in
from cds_service.replay.export.resources import in_line, resources_of
from cds_service.replay.local.indexing import INDEX
from cds_service.replay.local.parquet import Rows
from cds_service.replay.local.scratch import whole_file, whole_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from cds_service.replay.export.files import Export, ExportFile
    from cds_service.replay.local.plan import Part, Segment, Work
    from cds_service.replay.marking import Mark

BUCKET_BYTES: Final = 4 * 1024 * 1024
_FEWEST_BUCKETS: Final = 16
_MOST_BUCKETS: Final = 4096
_RUN: Final = "run"
# DuckDB sorts resources beyond memory, but not with less than this.
_LEAST_TO_SORT: Final = 192 * 1024 * 1024
_LEAST_GROUP: Final = 512 * 1024  # of bytes: a bucket of that size is read without its neighbours
_RUN_SCHEMA: Final = pa.schema(
    [
        ("bucket", pa.int32()),
        ("patient", pa.string()),
        ("file", pa.int32()),
        ("segment", pa.int32()),
        ("number", pa.int64()),
        ("offset", pa.int64()),
        ("line", pa.binary()),
    ]
)


def connect(work: Work, memory: int) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB that holds no more than some bytes in memory and spills the rest into the work folder."""
    work.duckdb.mkdir(parents=True, exist_ok=True)
    return _database(work.duckdb, max(memory // 1024 // 1024, 64)).cursor()


@lru_cache(maxsize=4)
def _database(folder: Path, megabytes: int) -> duckdb.DuckDBPyConnection:
    """Return a database in memory, opened once a process: opening costs as much as several patients."""
    return duckdb.connect(
        config={
            "memory_limit": f"{megabytes}MiB",
            "temp_directory": str(folder),
            "threads": 1,
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "enable_external_file_cache": False,  # of files that are read once
        }
    )


def choose_candidates(work: Work, mark: Mark, sample: int | None, memory: int) -> None:
    """Write who is assessed, each with a bucket: all with a mark, or some of them that are always the same."""
    index = str(work.index / "*" / INDEX)
    with connect(work, memory) as database, whole_file(work.candidates) as draft:
        database.execute(
            "CREATE TEMP TABLE chosen AS SELECT DISTINCT patient FROM read_parquet($index) WHERE (mark & $mark) > 0",
            {"index": index, "mark": int(mark)},
        )
        if sample is not None:
            database.execute(
                "DELETE FROM chosen WHERE patient NOT IN "
                "(SELECT patient FROM chosen ORDER BY md5(patient), patient LIMIT $sample)",
                {"sample": sample},
            )
        found = database.execute(
            "SELECT sum(size) FROM read_parquet($index) SEMI JOIN chosen USING (patient)", {"index": index}
        ).fetchall()
        size = int(found[0][0] or 0)
        buckets = min(max(-(-size // BUCKET_BYTES), _FEWEST_BUCKETS), _MOST_BUCKETS)
        bucket = duckdb.SQLExpression(f"(md5_number_lower(patient) % {buckets})::INTEGER").alias("bucket")
        database.table("chosen").select("patient", bucket).write_parquet(str(draft))


def bucket_numbers(work: Work, memory: int) -> list[int]:
    """Return the buckets that hold anybody."""
    with connect(work, memory) as database:
        found = database.execute(
            "SELECT DISTINCT bucket FROM read_parquet($file) ORDER BY bucket", {"file": str(work.candidates)}
        )
        return [row[0] for row in found.fetchall()]


def patients_chosen(work: Work, memory: int) -> int:
    """Return how many patients are assessed."""
    with connect(work, memory) as database:
        found = database.execute("SELECT count(*) FROM read_parquet($file)", {"file": str(work.candidates)}).fetchall()
        return int(found[0][0])


def gather_part(part: Part, export: Export, work: Work, memory: int, read: Callable[[int], None]) -> None:
    """Write the resources of the chosen patients in a part of the export, sorted by bucket and patient.

    Where the part holds none of them it is not read again.
    """
    with connect(work, memory // 2) as database, whole_folder(work.runs / part.name) as draft:
        wanted = database.execute(
            'SELECT ordinal, segment, number, "offset", size, entry, lines, patient, bucket '
            "FROM read_parquet($index) AS found JOIN read_parquet($chosen) AS chosen USING (patient) ORDER BY ordinal",
            {"index": str(work.index / part.name / INDEX), "chosen": str(work.candidates)},
        )
        held: list[_Row] = []
        size = runs = 0
        for row in _rows_of(part, export, map(_Wanted._make, _fetched(wanted))):
            held.append(row)
            size += len(row[-1])
            if size >= memory // 4:
                _write_run(held, draft / f"{_RUN}-{runs:06}.parquet")
                read(size)
                held, size, runs = [], 0, runs + 1
        if held:
            _write_run(held, draft / f"{_RUN}-{runs:06}.parquet")
        read(size)


class _Wanted(NamedTuple):
    """Lines that are wanted, or a resource of a Bundle, as the index tells where they stand."""

    ordinal: int
    segment: int
    number: int
    offset: int
    size: int
    entry: int
    lines: int
    patient: str
    bucket: int


_Row = tuple[int, str, int, int, int, int, bytes]
# A line that is wanted: for whom, its number, where it begins, and the resource.
_Line = tuple[_Wanted, int, int, bytes]


def _rows_of(part: Part, export: Export, wanted: Iterator[_Wanted]) -> Iterator[_Row]:
    """Yield what is wanted of a part, in its order; of a plain file only that is read again."""
    for place, group in itertools.groupby(wanted, key=lambda row: row.segment):
        segment = part.segments[place]
        file = export.files[segment.file]
        read = _lines_at if file.is_plain else _lines_among
        for row, number, offset, line in read(file, segment, group):
            yield row.bucket, row.patient, segment.file, place, number, offset, line


def _lines_at(file: ExportFile, _segment: Segment, wanted: Iterator[_Wanted]) -> Iterator[_Line]:
    with file.path.open("rb", buffering=0) as stream:
        for row in wanted:
            text = os.pread(stream.fileno(), row.size, row.offset)
            if row.entry:
                line = next(found.line for found in in_line(text) if found.entry == row.entry)
                yield row, row.number, row.offset, line
                continue
            for found in lines_in(Stretch(row.number, row.offset, text.split(b"\n"))):
                yield row, found.number, found.offset, found.text.strip()


def _lines_among(file: ExportFile, segment: Segment, wanted: Iterator[_Wanted]) -> Iterator[_Line]:
    """Yield what is wanted of a packed file, which can only be read from its beginning."""
    row = next(wanted, None)
    if row is None:
        return
    for found in resources_of(file, segment.start, segment.end):
        if not (row.number <= found.number < row.number + row.lines and found.entry == row.entry):
            continue
        yield row, found.number, found.offset, found.line
        if found.number == row.number + row.lines - 1:
            row = next(wanted, None)
            if row is None:
                return


def _fetched(result: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := result.fetchmany(10_000):
        yield from rows


def _write_run(held: list[_Row], file: Path) -> None:
    held.sort(key=lambda row: row[:2])
    with Rows(file, _RUN_SCHEMA) as rows:
        for _, group in itertools.groupby(held, key=lambda row: row[0]):
            for row in group:
                rows.add(row)
            rows.flush(at_least=_LEAST_GROUP)


def patients_of(
    bucket: int, work: Work, parts: Sequence[Part], memory: int
) -> Iterator[tuple[str, list[tuple[int, int, int, int, bytes]]]]:
    """Yield the patients of a bucket with their resources and where each stood, patient by patient."""
    files = [str(file) for part in parts for file in sorted((work.runs / part.name).glob(f"{_RUN}-*.parquet"))]
    if not files:
        return
    with connect(work, max(memory, _LEAST_TO_SORT)) as database:
        found = database.execute(
            'SELECT patient, file, segment, number, "offset", line FROM read_parquet($files) WHERE bucket = $bucket '
            'ORDER BY patient, file, segment, "offset", number',
            {"files": files, "bucket": bucket},
        )
        rows = itertools.chain.from_iterable(iter(lambda: found.fetchmany(2_000), []))
        for patient, group in itertools.groupby(rows, key=lambda row: row[0]):
            yield patient, [row[1:] for row in group]


class SharedResources:
    """Resources without a patient, looked up by reference in what the first reading has kept of them."""

    def __init__(self, work: Work, memory: int) -> None:
        """Open them."""
        self._database = connect(work, memory)
        self._file = work.folder / SHARED_FILE

    def of(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return those that there are of some, by reference."""
        if not keys:
            return {}
        found = self._database.execute(
            "SELECT key, max(line) FROM read_parquet($file) WHERE key IN (SELECT unnest($keys)) GROUP BY key",
            {"file": str(self._file), "keys": list(keys)},
        )
        return dict(found.fetchall())

    def close(self) -> None:
        """Let go of them."""
        self._database.close()


SHARED_FILE: Final = "shared.parquet"


def gather_shared(work: Work, memory: int) -> None:
    """Bring the resources without a patient together, sorted by reference, so that few are read to find one."""
    file = work.folder / SHARED_FILE
    with connect(work, memory) as database, whole_file(file) as draft:
        found = database.read_parquet(str(work.index / "*" / SHARED_FILE))
        found.order("key").write_parquet(str(draft), row_group_size=2048)
