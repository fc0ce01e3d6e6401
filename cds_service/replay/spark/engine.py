"""The replay as a Spark job: who is assessed, one shuffle that brings their resources together, the assessment, rows.

Spark reads lines as text and knows nothing of FHIR: what a line is, Python tells on the executors, with the code of the
local engine. The first reading tells who has an order, and the second keeps what belongs to them before anything is
shuffled. Nothing of a chart comes to the driver, only counts and the names of files.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import msgspec
from pyspark import StorageLevel
from pyspark.sql import functions as f
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.window import Window

from cds_service.replay.assessing import READ_TYPES, Scope
from cds_service.replay.local.plan import fingerprint
from cds_service.replay.local.summary import Read, written_summary
from cds_service.replay.marking import WANTED, Mark
from cds_service.replay.orders import Kind
from cds_service.replay.rows import schema
from cds_service.replay.spark.inputs import find_inputs
from cds_service.replay.spark.patients import ASSESSED, TOLD, Assessing
from cds_service.replay.spark.reading import CHARTS, INDEX, REFERENCES, Reader, references
from cds_service.replay.surviving import Told

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pyspark.sql import Column, DataFrame, SparkSession

    from cds_service.replay.setup import ReplaySetup
    from cds_service.replay.spark.inputs import Inputs

# As many patients are sent to every executor rather than have all lines shuffled to find theirs.
_SENT_TO_ALL: Final = 5_000_000
_ROWS_A_BATCH: Final = "2000"
_BYTES_A_BATCH: Final = str(64 * 1024 * 1024)
_COUNTED: Final = ("type", "reject", "mark", "unrecognised", "deleted")
_DISK: Final = StorageLevel.DISK_ONLY


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked of a replay; the key of the setup tells whether identifiers are hashed."""

    sample: int | None = None
    since: date | None = None
    what_if: bool = False

    @property
    def told(self) -> dict[str, Any]:
        """What tells it from another replay."""
        since = self.since.isoformat() if self.since else ""
        return {"engine": "spark", "sample": self.sample, "since": since, "what_if": self.what_if}


def replay(
    spark: SparkSession, sources: Sequence[str], out: str, setup: ReplaySetup, options: Options
) -> dict[str, Any]:
    """Replay what is in some folders into `out`/rows and `out`/rejects, which must not be there; return the summary.

    SettingsError where the export or the settings cannot be used.
    """
    setup = replace(setup, scope=Scope(since=options.since))
    setup.assessor()  # what is wrong with the settings is told before a cluster works
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", _ROWS_A_BATCH)
    spark.conf.set("spark.sql.execution.arrow.maxBytesPerBatch", _BYTES_A_BATCH)
    inputs = find_inputs(spark, sources)
    run = _Run(spark, inputs, setup, options, tuple(sources))
    index = run.lines().mapInArrow(run.reader().index, from_arrow_schema(INDEX)).persist(_DISK)
    read = _read(index)
    kind = Kind.WHAT_IF if options.what_if else Kind.ORDERS if read.marks[Mark.ORDER.name or ""] else Kind.STAND_INS
    scope = replace(setup.scope, kind=kind, sources=READ_TYPES.intersection(read.types))
    charts = run.charts(index, kind, deleted=bool(read.deleted)).persist(_DISK)
    together = charts.unionByName(_shared(index, charts)).repartition("patient").sortWithinPartitions("patient")
    assessing = Assessing(setup.with_scope(scope))
    assessed = together.mapInArrow(assessing.rows, from_arrow_schema(ASSESSED)).persist(_DISK)
    rows = assessed.where(f.col(TOLD).isNull()).select(*schema().names)
    rows.write.option("compression", "zstd").parquet(f"{out}/rows")
    told = _told(assessed)
    _rejects(index, assessed).write.text(f"{out}/rejects")
    described = fingerprint(inputs.export, setup, options.told)
    summary = written_summary(read, told, kind, inputs.export, described)
    for held in (assessed, charts, index):
        held.unpersist()
    return summary


@dataclass(frozen=True, slots=True)
class _Run:
    """What is read, and with what."""

    spark: SparkSession
    inputs: Inputs
    setup: ReplaySetup
    options: Options
    sources: tuple[str, ...]

    def reader(self, *, deleted: bool = False) -> Reader:
        return Reader(self.setup, self.sources, what_if=self.options.what_if, deleted=deleted)

    def lines(self) -> DataFrame:
        """Return the lines of all files, each with its file and the byte at which its stretch of it begins."""
        text = f.col("value").cast("binary").alias("value")
        file = f.col("_metadata.file_path").alias("file")
        found: list[DataFrame] = []
        if self.inputs.lines:
            lines = self.spark.read.option("lineSep", "\n").text(list(self.inputs.lines))
            found.append(lines.select(text, file, f.col("_metadata.file_block_start").alias("block")))
        if self.inputs.documents:
            documents = self.spark.read.text(list(self.inputs.documents), wholetext=True)
            found.append(documents.select(text, file, f.lit(-1).cast("long").alias("block")))
        return found[0] if len(found) == 1 else found[0].unionAll(found[1])

    def charts(self, index: DataFrame, kind: Kind, *, deleted: bool) -> DataFrame:
        """Return the resources of the patients who are assessed."""
        bits = f.col("number").bitwiseAND(int(WANTED[kind]))
        chosen = (
            index.where((f.col("kind") == "patient") & (bits > 0)).select(f.col("name").alias("patient")).distinct()
        )
        if self.options.sample is not None:
            chosen = chosen.orderBy(f.md5(f.col("patient")), "patient").limit(self.options.sample)
        chosen = chosen.persist(_DISK)
        sent = f.broadcast(chosen) if chosen.count() <= _SENT_TO_ALL else chosen
        reader = self.reader(deleted=deleted)
        charts = self.lines().mapInArrow(reader.charts, from_arrow_schema(CHARTS)).join(sent, "patient", "left_semi")
        if deleted:
            gone = index.where(f.col("kind") == "deleted").select(f.col("name").alias("key")).distinct()
            charts = charts.join(gone, "key", "left_anti")
        return charts.withColumn("key", f.lit("")).select(*CHARTS.names)


def _shared(index: DataFrame, charts: DataFrame) -> DataFrame:
    """Return what the charts refer to that belongs to nobody, for each patient who does."""
    known = index.where(f.col("kind") == "shared").groupBy(f.col("name").alias("key")).agg(f.max("line").alias("line"))
    wanted = charts.mapInArrow(references, from_arrow_schema(REFERENCES)).distinct()
    place = (f.lit("").alias("file"), f.lit(0).cast("long").alias("block"), f.lit(0).cast("long").alias("number"))
    return wanted.join(known, "key").select("patient", "key", *place, "line")


def _read(index: DataFrame) -> Read:
    """Return what the first reading found; of what is deleted only the number, as placeholders."""
    name = f.when(f.col("kind") != "deleted", f.col("name")).alias("name")
    times = f.when(f.col("kind") == "reject", 1).otherwise(f.col("number"))
    counted = index.where(f.col("kind").isin(*_COUNTED)).groupBy("kind", name).agg(f.sum(times).alias("times"))
    found: dict[str, Counter[str]] = {kind: Counter() for kind in _COUNTED}
    for row in counted.collect():
        found[row["kind"]][row["name"]] += row["times"]
    deleted = 0
    if found["deleted"]:
        deleted = index.where(f.col("kind") == "deleted").select("name").distinct().count()
    gone = set(map(str, range(deleted)))
    return Read(found["type"], found["reject"], found["mark"], found["unrecognised"], gone)


def _told(assessed: DataFrame) -> Told:
    """Return what is told beside the rows, of which there is one for each partition; the rejects by reason alone."""
    total = Told()
    for row in assessed.where(f.col(TOLD).isNotNull()).select(TOLD).toLocalIterator():
        one = msgspec.json.decode(bytes(row[TOLD]), type=Told)
        total.patients += one.patients
        total.leave_out(one.left_out)
        total.rejects += ({"reason": reject["reason"]} for reject in one.rejects)
    return total


def _rejects(index: DataFrame, assessed: DataFrame) -> DataFrame:
    """Return what could not be read or assessed, a line of JSON each, with its file and its line there."""
    read = index.where(f.col("kind") == "reject").selectExpr("file", "block", "number", "name AS reason")
    reject = "array<struct<file: string, segment: bigint, line: bigint, patient: string, reason: string>>"
    parsed = f.from_json(f.col(TOLD).cast("string"), f"struct<rejects: {reject}>")
    told = assessed.where(f.col(TOLD).isNotNull()).select(f.explode(parsed["rejects"]).alias("reject"))
    unread = told.selectExpr("reject.file", "reject.segment AS block", "reject.line AS number", "reject.reason")
    placed = _with_line(read.unionByName(unread.where("file IS NOT NULL")), index)
    failed = told.where("reject.file IS NULL").select(_json("reject.patient", "reject.reason"))
    return placed.unionAll(failed)


def _with_line(rejects: DataFrame, index: DataFrame) -> DataFrame:
    """Count lines from the beginning of a file, of which each executor saw a stretch."""
    stretches = index.where(f.col("kind") == "lines").groupBy("file", "block").agg(f.sum("number").alias("lines"))
    earlier = Window.partitionBy("file").orderBy("block").rowsBetween(Window.unboundedPreceding, -1)
    begins = stretches.select("file", "block", f.coalesce(f.sum("lines").over(earlier), f.lit(0)).alias("before"))
    joined = rejects.join(begins, ["file", "block"], "left")
    return joined.withColumn("line", f.col("number") + f.coalesce("before", f.lit(0))).select(
        _json("file", "line", "reason")
    )


def _json(*names: str) -> Column:
    return f.to_json(f.struct(*names)).alias("value")
