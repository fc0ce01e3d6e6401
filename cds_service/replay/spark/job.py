"""The replay as a job for `spark-submit`, over what a cluster can read.

    spark-submit job.py SOURCE... --out OUT [options]

SOURCE and OUT are any addresses that Spark knows (s3a://, abfss://, hdfs://, a folder that all machines share). The
package must be installed in the Python of driver and executors, and files that options name must be there on both. OUT
gets rows (Parquet, one an order), rejects (lines of JSON) and summary (one line of JSON); it must not hold any of them.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from pyspark.sql import SparkSession

from cds_service.config.settings import load_settings
from cds_service.protocol.errors import SettingsError
from cds_service.replay.pseudonyms import kept_key
from cds_service.replay.setup import ReplaySetup
from cds_service.replay.spark.engine import Options, replay

if TYPE_CHECKING:
    from collections.abc import Sequence

# What is written of charts and of orders is its owner's alone, where what Spark writes to knows owners.
_OTHERS: Final = 0o077


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the job."""
    asked = _parser().parse_args(arguments)
    given = {"clients_file": asked.clients_file, "site_file": asked.site_file}
    chosen = {name: value for name, value in given.items() if value}
    if "PYSPARK_GATEWAY_PORT" not in os.environ:  # spark-submit, which knows what its workers run, has set it
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.umask(_OTHERS)
    building = SparkSession.builder.appName("lumbar-cds replay")
    spark = building.config("spark.hadoop.fs.permissions.umask-mode", f"{_OTHERS:03o}").getOrCreate()
    try:
        settings = load_settings({}, profile=asked.profile, **chosen)
        key = kept_key(asked.key_folder) if asked.key_folder else None
        setup = ReplaySetup(settings, asked.client, key=key)
        options = Options(sample=asked.sample, since=asked.since, what_if=asked.what_if)
        out = asked.out.rstrip("/")
        summary = replay(spark, asked.sources, out, setup, options)
        line = spark.createDataFrame([(msgspec.json.encode(summary).decode(),)], "value string")
        line.coalesce(1).write.text(f"{out}/summary")
    except SettingsError as error:
        sys.exit("\n".join(error.problems))
    finally:
        spark.stop()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="folder of an export")
    parser.add_argument("--out", required=True, help="folder for the results")
    identifiers = parser.add_mutually_exclusive_group(required=True)
    identifiers.add_argument(
        "--key-folder", type=Path, help="hash identifiers; folder of the driver's disk that keeps the key, made if new"
    )
    identifiers.add_argument("--identify", action="store_true", help="keep identifiers as they are")
    parser.add_argument("--client", metavar="NAME", help="answer as this client is answered")
    parser.add_argument("--clients-file", help="as LUMBAR_CDS_CLIENTS_FILE")
    parser.add_argument("--site-file", help="as LUMBAR_CDS_SITE_FILE")
    parser.add_argument("--profile", choices=["production", "development"], default="production")
    parser.add_argument("--sample", type=int, metavar="N", help="only N of the patients, always the same")
    parser.add_argument("--since", type=date.fromisoformat, metavar="YYYY-MM-DD", help="only orders from that day on")
    parser.add_argument("--what-if", action="store_true", help="an MRI at each visit for back pain, not the orders")
    return parser


if __name__ == "__main__":
    main()
