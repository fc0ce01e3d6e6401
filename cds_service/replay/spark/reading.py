"""What the executors do with lines: tell whose each resource is, who is worth a second look, and what cannot be read.

A partition holds stretches of files in their order, so lines are counted there; `block` is where a stretch begins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from cds_service.replay.assessing import READ_TYPES
from cds_service.replay.export.resources import Found, in_document, in_line
from cds_service.replay.marking import Mark, Marker
from cds_service.replay.spark.batches import batches_of
from cds_service.replay.spark.inputs import name_of
from cds_service.replay.spark.workers import assessor_of
from cds_service.replay.whence import SHARED_TYPES, referred, shared_keys

if TYPE_CHECKING:
    from cds_service.replay.setup import ReplaySetup

Batches = Iterator[pa.RecordBatch]

# What the first reading yields: small rows of several kinds, of which `name` is what they are about.
INDEX: Final = pa.schema(
    [
        ("kind", pa.string()),
        ("name", pa.string()),
        ("number", pa.int64()),
        ("file", pa.string()),
        ("block", pa.int64()),
        ("line", pa.binary()),
    ]
)
# A resource of a patient, and where it stood; with a `key`, a resource without a patient that theirs refer to.
CHARTS: Final = pa.schema(
    [
        ("patient", pa.string()),
        ("key", pa.string()),
        ("file", pa.string()),
        ("block", pa.int64()),
        ("number", pa.int64()),
        ("line", pa.binary()),
    ]
)
REFERENCES: Final = pa.schema([("patient", pa.string()), ("key", pa.string())])


@dataclass(frozen=True, slots=True)
class Reader:
    """What reading needs to know, sent to the executors."""

    setup: ReplaySetup
    sources: tuple[str, ...]
    what_if: bool = False
    deleted: bool = False

    def index(self, batches: Batches) -> Batches:
        """Yield what the first reading finds."""
        return batches_of(self._indexed(batches), INDEX)

    def charts(self, batches: Batches) -> Batches:
        """Yield the resources that belong to a patient."""
        return batches_of(self._charts(batches), CHARTS)

    def _indexed(self, batches: Batches) -> Iterator[tuple[Any, ...]]:
        marker = Marker(assessor_of(self.setup).recogniser, what_if=self.what_if)
        counts: Counter[tuple[str, str]] = Counter()
        lines: Counter[tuple[str, int]] = Counter()
        for file, block, found in self._found(batches):
            if not found.entry or found.entry == 1:
                lines[file, block] = found.number
            kind, fault = found.type, found.fault
            if kind == "Deleted":
                yield ("deleted", "/".join(found.id.split("/")[-2:]), 1, None, None, None)
                continue
            if kind:
                counts["type", kind] += 1
            if kind in SHARED_TYPES:
                yield from (("shared", key, 1, None, None, found.line) for key in shared_keys(found.line))
            elif kind in READ_TYPES and not found.patient:
                fault = "no-patient"
            elif kind in READ_TYPES and kind in marker.types and (mark := marker.mark(found.line, kind)):
                counts["mark", mark.name or ""] += 1
                if mark := mark & ~Mark.UNRECOGNISED:
                    yield ("patient", found.patient, int(mark), None, None, None)
            if fault:
                yield ("reject", fault, found.number, file, block, None)
        yield from ((kind, name, count, None, None, None) for (kind, name), count in counts.items())
        yield from (("unrecognised", name, count, None, None, None) for name, count in marker.unrecognised.items())
        yield from (("lines", "", count, file, block, None) for (file, block), count in lines.items())

    def _charts(self, batches: Batches) -> Iterator[tuple[Any, ...]]:
        for file, block, found in self._found(batches):
            if found.type in READ_TYPES and found.patient:
                key = f"{found.type}/{found.id}" if self.deleted else ""
                yield found.patient, key, file, block, found.number, found.line

    def _found(self, batches: Batches) -> Iterator[tuple[str, int, Found]]:
        """Yield resources, each with its file and the stretch of it; a document is known by having no stretch."""
        uri, name, at, number = "", "", -1, 0
        for batch in batches:
            values, uris, blocks = (batch.column(place) for place in range(3))
            for value, file, block in zip(values, uris.to_pylist(), blocks.to_pylist(), strict=True):
                if (file, block) != (uri, at):
                    name = name if file == uri else name_of(file, self.sources)
                    uri, at, number = file, block, 0
                number += 1
                text = value.as_py()
                found = in_document(text) if block < 0 else in_line(_begun(text, number, block), number)
                yield from ((name, block, one) for one in found)


def _begun(text: bytes, number: int, block: int) -> bytes:
    return text.removeprefix(b"\xef\xbb\xbf") if number == 1 and not block else text


def references(batches: Batches) -> Batches:
    """Yield what the resources of patients refer to that belongs to nobody, once a batch."""
    for batch in batches:
        patients, lines = batch.column("patient").to_pylist(), batch.column("line").to_pylist()
        pairs = {(who, key) for who, line in zip(patients, lines, strict=True) for key in referred([line])}
        yield from batches_of(sorted(pairs), REFERENCES)
