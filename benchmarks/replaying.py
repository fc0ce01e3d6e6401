"""What a replay costs, against reading the same files with `orjson.loads` line by line; and how memory grows.

The populations are those of `lumbar-cds replay-data`, unpacked, with charts of about 250 resources where a few patients
have an order, and of about 1,000 where all have. Processor time is that of a command with all processes that it
starts, so what starting costs is in it; memory is that of the largest of them.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Final

_FEW: Final = 0.02
_USUAL_VISITS: Final = 80
_MANY_VISITS: Final = 320
_READ: Final = """
import sys, orjson
for name in sys.argv[1:]:
    with open(name, "rb") as lines:
        for line in lines:
            orjson.loads(line)
"""
_MEGABYTES: Final = 1 / 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took: seconds of processor time, seconds, and the megabytes of its largest process."""

    cpu: float
    seconds: float
    memory: float


def measure(patients: int) -> dict[str, float]:
    """Return ratios and rates for a population of so many, and for a tenth of it where memory is compared."""
    found: dict[str, float] = {}
    with TemporaryDirectory(prefix="lumbar-cds-bench-") as folder:
        root = Path(folder)
        for name, share, count, visits in (
            ("few", _FEW, patients, _USUAL_VISITS),
            ("all", 1.0, patients // 50, _MANY_VISITS),
        ):
            data = _population(root / name, count, share, visits)
            read = _cost([sys.executable, "-c", _READ, *map(str, sorted(data.glob("*.ndjson")))])
            one = _replay(data, root / "out", processes=1)
            found[f"cpu {name}"] = one.cpu / read.cpu
            found[f"patients a second {name}"] = count / one.seconds
            if name == "few":
                two = _replay(data, root / "out", processes=2)
                found["two processes"] = one.seconds / two.seconds
                found["hours for a million"] = two.seconds * 1_000_000 / count / 3600
                found["memory"] = one.memory
            rmtree(data)
        small = _replay(_population(root / "small", patients // 10, _FEW, _USUAL_VISITS), root / "out", processes=1)
        found["memory, ten times the patients"] = found["memory"] / small.memory
    return found


def _population(folder: Path, patients: int, share: float, visits: int) -> Path:
    size = ("--patients", str(patients), "--visits", str(visits))
    options = (*size, "--orders-share", str(share), "--compress", "none", "--out", str(folder))
    _cost([sys.executable, "-m", "cds_service", "replay-data", *options])
    return folder


def _replay(data: Path, out: Path, *, processes: int) -> Cost:
    options = ("--out", str(out), "--processes", str(processes))
    cost = _cost([sys.executable, "-m", "cds_service", "replay", str(data), *options])
    rmtree(out)
    return cost


def _cost(command: Sequence[str]) -> Cost:
    """Run a command in a process of its own, so that the largest of what it starts is known."""
    started = time.monotonic()
    measured = subprocess.run([sys.executable, __file__, *command], stdout=subprocess.PIPE, check=True)  # noqa: S603 - our own
    cpu, memory = map(float, measured.stdout.split()[-2:])
    return Cost(cpu, time.monotonic() - started, memory)


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)  # noqa: S603 - our own
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(used.ru_utime + used.ru_stime, used.ru_maxrss * _MEGABYTES)


if __name__ == "__main__":
    _run(sys.argv[1:])
