"""The replay on one machine, step by step; each step is made of pieces that are done or not, so it can be killed.

Read the export and tell whose each resource is; choose who is assessed; bring their resources together; assess bucket
by bucket; tell what was read. A step that was done is not done again.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import msgspec

from cds_service.replay.assessing import READ_TYPES, Assessor, Scope
from cds_service.replay.export.files import Export, find_export
from cds_service.replay.local import grouping, indexing
from cds_service.replay.local.bucket import all_counts, assess_bucket, file_of, write_rows
from cds_service.replay.local.plan import (
    PART_BYTES,
    Part,
    Work,
    alone,
    begin,
    fingerprint,
    missing,
    parts_of,
    write_whole,
)
from cds_service.replay.local.pool import Pool, count, made, pool_of
from cds_service.replay.local.progress import Progress
from cds_service.replay.local.scratch import clear_drafts
from cds_service.replay.local.summary import Read, read_counts, write_rejects, written_summary
from cds_service.replay.marking import WANTED, Mark
from cds_service.replay.orders import Kind
from cds_service.replay.pseudonyms import kept_key
from cds_service.replay.surviving import Told

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from cds_service.replay.setup import ReplaySetup

_MEGABYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked of a replay. `memory` is in bytes, for all processes together."""

    processes: int = 1
    memory: int = 1024 * _MEGABYTE
    sample: int | None = None
    since: date | None = None
    what_if: bool = False
    identify: bool = False
    part_bytes: int = PART_BYTES

    @property
    def share(self) -> int:
        """What one process may hold in its buffers; the rest is for Python itself."""
        return self.memory // (self.processes + 1) // 2


@dataclass(frozen=True, slots=True)
class _Job:
    """What every process of a replay needs to know."""

    work: Work
    export: Export
    parts: tuple[Part, ...]
    setup: ReplaySetup
    options: Options


@dataclass(frozen=True)
class _Worker:
    """What a process works with. What the first reading has told is asked for once that is done."""

    job: _Job
    assessor: Assessor

    @classmethod
    def of(cls, job: _Job) -> _Worker:
        """Return what a process of a replay works with."""
        return cls(job, job.setup.assessor())

    @cached_property
    def read(self) -> Read:
        return read_counts(self.job.parts, self.job.work)

    @cached_property
    def deleted(self) -> frozenset[str]:
        return frozenset(self.read.deleted)

    @cached_property
    def scoped(self) -> Assessor:
        """What assesses patients, which depends on what the export holds."""
        sources = READ_TYPES.intersection(self.read.types)
        scope = replace(self.assessor.scope, kind=_kind(self.job, self.read), sources=sources)
        return replace(self.assessor, scope=scope)


def replay(folders: Sequence[Path], out: Path, setup: ReplaySetup, options: Options) -> dict[str, Any]:
    """Replay an export into a folder, or go on where an earlier call ended; return the summary.

    SettingsError where the export, the folder or the settings cannot be used.
    """
    setup.assessor()  # what cannot be used is told before a folder is begun
    work = Work(out)
    export = find_export(folders, without=[out])
    chosen = replace(setup, key=None if options.identify else b"", scope=Scope(since=options.since))
    described = fingerprint(export, chosen, _telling(options))
    begin(work, described)
    with alone(work):
        if work.summary.exists():
            found: dict[str, Any] = msgspec.json.decode(work.summary.read_bytes())
            return found
        key = None if options.identify else kept_key(out)
        for folder in (work.index, work.runs, work.rows):
            folder.mkdir(parents=True, exist_ok=True)
            clear_drafts(folder)
        clear_drafts(work.folder)
        job = _Job(work, export, parts_of(export, options.part_bytes), replace(chosen, key=key), options)
        return _run(job, described)


def _telling(options: Options) -> dict[str, Any]:
    since = options.since.isoformat() if options.since else ""
    return {"sample": options.sample, "since": since, "what_if": options.what_if, "part_bytes": options.part_bytes}


def _run(job: _Job, described: dict[str, Any]) -> dict[str, Any]:
    work, options = job.work, job.options
    with pool_of(options.processes, _Worker.of, job) as pool:
        todo = missing(job.parts, work.index)
        _step(pool, _index, todo, "Reading", _bytes(todo, job.export), "MB")
        read = read_counts(job.parts, work)
        kind = _kind(job, read)
        if not work.candidates.exists():
            grouping.choose_candidates(work, WANTED[kind], options.sample, options.share)
        if not (work.folder / grouping.SHARED_FILE).exists():
            grouping.gather_shared(work, options.share)
        todo = missing(job.parts, work.runs)
        _step(pool, _gather, todo, "Bringing charts together", _bytes(todo, job.export), "MB")
        buckets = grouping.bucket_numbers(work, options.share)
        open_ones = [bucket for bucket in buckets if not file_of(bucket, work.rows).exists()]
        patients = grouping.patients_chosen(work, options.share) * len(open_ones) // max(len(buckets), 1)
        _step(pool, _assess, open_ones, "Assessing", patients, "patients")
    return _finished(job, read, kind, described)


def _kind(job: _Job, read: Read) -> Kind:
    """Return what is replayed: studies that were done stand for orders where there is none."""
    if job.options.what_if:
        return Kind.WHAT_IF
    return Kind.ORDERS if read.marks[Mark.ORDER.name or ""] else Kind.STAND_INS


def _finished(job: _Job, read: Read, kind: Kind, described: dict[str, Any]) -> dict[str, Any]:
    work = job.work
    if not any(work.rows.glob("part-*.parquet")):  # nobody had an order: a result without rows, not no result
        write_rows([], file_of(0, work.rows), Told())
    counts = all_counts(sorted(work.rows.glob("part-*.parquet")))
    write_rejects(work, job.export, job.parts, read, counts)
    summary = written_summary(read, counts, kind, job.export, described)
    write_whole(work.summary, msgspec.json.format(msgspec.json.encode(summary), indent=2))
    shutil.rmtree(work.folder, ignore_errors=True)
    return summary


def _step(  # noqa: PLR0913, PLR0917 - what is done, and how it is told
    pool: Pool, task: Any, items: Sequence[Any], step: str, total: int, unit: str
) -> None:
    if items:
        progress = Progress(sys.stderr, step, total, unit, _MEGABYTE if unit == "MB" else 1)
        pool.run(task, items, progress)
        progress.show(pool.done, last=True)


def _bytes(parts: Sequence[Part], export: Export) -> int:
    segments = (segment for part in parts for segment in part.segments)
    return sum((segment.end or export.files[segment.file].size) - segment.start for segment in segments)


def _index(part: Part) -> None:
    worker: _Worker = made()
    job, recogniser = worker.job, worker.assessor.recogniser
    indexing.index_part(part, job.export, recogniser, job.work.index, what_if=job.options.what_if, read=count)


def _gather(part: Part) -> None:
    job = made().job
    grouping.gather_part(part, job.export, job.work, job.options.share, count)


def _assess(bucket: int) -> None:
    worker: _Worker = made()
    job, memory = worker.job, worker.job.options.share
    assess_bucket(bucket, job.work, job.parts, worker.scoped, deleted=worker.deleted, memory=memory, done=count)
