"""The session of a replay that was started by itself, on this machine; `spark-submit` brings its own."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Final

from cds_service.protocol.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

# What is too large for memory in one of them is sorted on disk; a task of its own costs more than that.
_PARTITIONS_A_PROCESS: Final = 4


def local_session(processes: int, memory: int, scratch: Path) -> SparkSession:
    """Return Spark on this machine; what it spills goes into a folder. SettingsError where there is no Java."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 (comes with the spark extra)

    if shutil.which("java") is None:
        raise SettingsError(["Spark needs Java, from the operating system: apt-get install default-jre-headless"])
    # Only spark-submit heeds `spark.pyspark.python`; without this, any `python3` of PATH would do the work.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(f"local[{processes}]").appName("lumbar-cds replay")
    for name, value in {
        "spark.driver.memory": f"{memory // 1024 // 1024}m",
        "spark.local.dir": str(scratch),
        "spark.sql.shuffle.partitions": str(_PARTITIONS_A_PROCESS * processes),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "true" if sys.stderr.isatty() else "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.log.level": "ERROR",
    }.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()
