"""What the executors do with charts: a partition is sorted by patient, so one patient after another is assessed.

Only the chart at hand is held, whatever the partition holds, and no group is ever built by Spark itself.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pyarrow as pa

from cds_service.replay.rows import OrderRow, schema
from cds_service.replay.spark.workers import assessor_of
from cds_service.replay.surviving import Placed, Told, assessed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cds_service.replay.setup import ReplaySetup
    from cds_service.replay.spark.reading import Batches

_AT_ONCE: Final = 1_000
# Beside the columns of a row, what is told of the patients of a partition; one of the two is empty.
TOLD: Final = "told"
ASSESSED: Final = schema().append(pa.field(TOLD, pa.binary()))


@dataclass(frozen=True, slots=True)
class Assessing:
    """Assesses the patients of a partition, on an executor."""

    setup: ReplaySetup

    def rows(self, batches: Batches) -> Batches:
        """Yield the rows of the patients, and at the end what is told beside them."""
        assessor = assessor_of(self.setup)
        told = Told()
        held: list[dict[str, Any]] = []
        for patient, lines, shared in _patients(batches):
            found = assessed(patient, lines, shared, assessor, told)
            told.patients += 1
            if found is not None:
                held += map(_as_dict, found.rows)
                told.leave_out(found.left_out)
            if len(held) >= _AT_ONCE:
                yield pa.RecordBatch.from_pylist(held, schema=ASSESSED)
                held = []
        held.append({TOLD: msgspec.json.encode(told)})
        yield pa.RecordBatch.from_pylist(held, schema=ASSESSED)


def _as_dict(row: OrderRow) -> dict[str, Any]:
    return asdict(row)


def _patients(batches: Batches) -> Iterator[tuple[str, list[Placed], dict[str, bytes]]]:
    """Yield patients with their resources and the resources that these refer to."""
    for patient, rows in groupby(_rows(batches), key=lambda row: row[0]):
        lines: list[Placed] = []
        shared: dict[str, bytes] = {}
        for _, key, file, block, number, line in rows:
            if key:
                shared[key] = line
            else:
                lines.append((file, block, number, 0, line))
        if lines:
            yield patient, lines, shared


def _rows(batches: Batches) -> Iterator[tuple[Any, ...]]:
    for batch in batches:
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
