"""The rows of one bucket of patients, in one Parquet file that is there whole or not at all."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Final

import msgspec
import pyarrow.parquet as pq

from cds_service.replay.export.resources import read_head
from cds_service.replay.local.grouping import SharedResources, patients_of
from cds_service.replay.local.parquet import table_of
from cds_service.replay.local.scratch import whole_file
from cds_service.replay.rows import OrderRow, schema
from cds_service.replay.surviving import Placed, Told, assessed
from cds_service.replay.whence import referred

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from cds_service.replay.assessing import Assessor
    from cds_service.replay.local.plan import Part, Work

_Patient = tuple[str, list[Placed]]
# What the Parquet file says of the bucket beside its rows.
COUNTS: Final = b"replay"
_BATCH_BYTES: Final = 8 * 1024 * 1024
_BATCH_PATIENTS: Final = 200


def file_of(bucket: int, rows: Path) -> Path:
    """Return the file of a bucket's rows."""
    return rows / f"part-{bucket:05}.parquet"


def assess_bucket(  # noqa: PLR0913 - where from, with what, where to
    bucket: int,
    work: Work,
    parts: Sequence[Part],
    assessor: Assessor,
    *,
    deleted: frozenset[str],
    memory: int,
    done: Callable[[int], None],
) -> None:
    """Assess the patients of a bucket; `done` is told of each."""
    counts = Told()
    rows: list[OrderRow] = []
    shared = SharedResources(work, memory // 4)
    for batch in _batches(patients_of(bucket, work, parts, memory // 2)):
        named = [referred([line for *_, line in lines]) for _, lines in batch]
        found = shared.of(sorted(frozenset[str]().union(*named)))
        for (patient, lines), keys in zip(batch, named, strict=True):
            own = {key: found[key] for key in keys if key in found}
            kept = [row for row in lines if not (deleted and _is_deleted(row[-1], deleted))]
            result = assessed(patient, kept, own, assessor, counts)
            counts.patients += 1
            if result is not None:
                rows += result.rows
                counts.leave_out(result.left_out)
            done(1)
    shared.close()
    with whole_file(file_of(bucket, work.rows)) as draft:
        write_rows(rows, draft, counts)


def _batches(patients: Iterator[_Patient]) -> Iterator[list[_Patient]]:
    """Yield patients in groups, so that what they share is looked up for many at once."""
    batch: list[_Patient] = []
    size = 0
    for patient in patients:
        batch.append(patient)
        size += sum(len(row[-1]) for row in patient[1])
        if size >= _BATCH_BYTES or len(batch) >= _BATCH_PATIENTS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _is_deleted(line: bytes, deleted: frozenset[str]) -> bool:
    head = read_head(line)
    return f"{head.type}/{head.id}" in deleted


def write_rows(rows: Sequence[OrderRow], file: Path, counts: Told) -> None:
    """Write rows in a fixed order; the counts stand in the file itself, so that both are there or neither."""
    ordered = sorted(rows, key=lambda row: (row.patient, row.day, row.order))
    columns = schema().with_metadata({COUNTS: msgspec.json.encode(counts)})
    fields = attrgetter(*columns.names)
    pq.write_table(table_of(list(map(fields, ordered)), columns), file, compression="zstd")


def read_counts(file: Path) -> Told:
    """Return what a file says of its bucket."""
    metadata = pq.read_schema(file).metadata or {}
    return msgspec.json.decode(metadata[COUNTS], type=Told)


def all_counts(files: Sequence[Path]) -> Told:
    """Return what several files say together."""
    total = Told()
    for counts in map(read_counts, files):
        total.patients += counts.patients
        total.leave_out(counts.left_out)
        total.rejects += counts.rejects
    return total
