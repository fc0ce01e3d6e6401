"""What a replay costs, against reading the same files with `orjson.loads` line by line; how it shares its work; memory.

    python -m benchmarks.replaying [--large]

The populations are those of `lumbar-cds replay-data`, unpacked. Commands that are compared alternate. Processor time is
that of a command with one process, from its start to its report. What a second process gains is told by the time that
the assessing took, as the command's own progress marks it; and, where neighbours take the processors, by the processor
time of the process that did most of it. Memory is the most that all processes of a command held at once, pages that
they share counted once. `--large` compares the memory for 10,000 and for 100,000 patients with short
charts (1.7 GB of disk, some ten minutes).
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

_READ: Final = """
import sys, orjson
for name in sys.argv[1:]:
    with open(name, "rb") as lines:
        for line in lines:
            orjson.loads(line)
"""
_MEGABYTE: Final = 1024  # of kB
_SAMPLED: Final = 0.1  # seconds
_LARGE: Final = (10_000, 100_000)


@dataclass(frozen=True, slots=True)
class Population:
    """Invented patients: how many, the share of them with an order, and how many visits each has had."""

    patients: int
    share: float
    visits: int

    def written(self, folder: Path) -> Path:
        """Write their export into a folder."""
        size = ("--patients", str(self.patients), "--visits", str(self.visits), "--orders-share", str(self.share))
        _run([*_OURS, "replay-data", *size, "--compress", "none", "--out", str(folder)])
        return folder


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took: seconds of processor time, seconds in all, and megabytes at the most.

    Of assessing alone: the seconds, and the seconds of processor time of the process that was the busiest.
    """

    cpu: float
    seconds: float
    memory: float
    assessing: float
    busiest: float


_OURS: Final = (sys.executable, "-m", "cds_service")
POPULATIONS: Final = {
    "few": Population(10_000, 0.02, 80),
    "long": Population(150, 1.0, 320),
    "short": Population(2_000, 1.0, 3),
}
QUICK: Final = {
    "few": Population(1_000, 0.02, 80),
    "long": Population(20, 1.0, 320),
    "short": Population(200, 1.0, 3),
}


def measure(populations: dict[str, Population], rounds: int) -> dict[str, float]:
    """Return ratios, rates and megabytes for some populations; the last is shared between two processes as well."""
    found: dict[str, float] = {}
    with TemporaryDirectory(prefix="lumbar-cds-bench-") as folder:
        root = Path(folder)
        for name, population in populations.items():
            data = population.written(root / name)
            files = list(map(str, sorted(data.glob("*.ndjson"))))
            pairs = [
                (_run([sys.executable, "-c", _READ, *files]), _replay(data, root / "out", 1)) for _ in range(rounds)
            ]
            found[f"cpu {name}"] = median(replayed.cpu / read.cpu for read, replayed in pairs)
            found[f"rate {name}"] = population.patients / median(replayed.seconds for _, replayed in pairs)
            found[f"memory {name}"] = max(replayed.memory for _, replayed in pairs)
            if name == [*populations][-1]:
                both = [[_replay(data, root / "out", number) for number in (1, 2)] for _ in range(rounds)]
                found["two processes"] = median(one.assessing / two.assessing for one, two in both)
                found["two processes, cpu"] = median(one.busiest / two.busiest for one, two in both)
            rmtree(data)
    return found


def memory(sizes: Sequence[int] = _LARGE) -> Iterator[tuple[int, Cost]]:
    """Yield what a replay in two processes takes for so many patients, a tenth of them with an order."""
    with TemporaryDirectory(prefix="lumbar-cds-bench-") as folder:
        for patients in sizes:
            data = Population(patients, 0.1, 3).written(Path(folder) / "data")
            yield patients, _replay(data, Path(folder) / "out", 2)
            rmtree(data)


def _replay(data: Path, out: Path, processes: int) -> Cost:
    cost = _run([*_OURS, "replay", str(data), "--out", str(out), "--processes", str(processes)])
    rmtree(out)
    return cost


def _run(command: Sequence[str]) -> Cost:
    """Run a command; its processor time is that of all processes that it has waited for."""
    before, started = _cpu(), time.monotonic()
    begun = ended = started
    work: dict[int, float] = {}
    busy: dict[int, float] = {}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        sampler = _Sampler(process.pid)
        sampler.start()
        assert process.stderr is not None  # noqa: S101 - a pipe was asked for
        for line in process.stderr:
            ended, busy = time.monotonic(), dict(_busy(process.pid))
            if not line.startswith("Assessing"):
                begun, work = ended, busy
        sampler.stop()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    busiest = max((seconds - work.get(pid, 0.0) for pid, seconds in busy.items()), default=0.0)
    memory = sampler.most / _MEGABYTE
    return Cost(_cpu() - before, time.monotonic() - started, memory, ended - begun, busiest)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class _Sampler(threading.Thread):
    """Looks again and again at how much a process and all that it has started hold, in kB."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.most = 0
        self._pid = pid
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(_SAMPLED):
            self.most = max(self.most, sum(map(_held, _tree(self._pid))))

    def stop(self) -> None:
        self._ended.set()
        self.join()


def _tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        listed = [file.read_text(encoding="ascii") for file in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:  # it has ended
        return
    for child in " ".join(listed).split():
        yield from _tree(int(child))


def _busy(pid: int) -> Iterator[tuple[int, float]]:
    """Yield the seconds of processor time of a process and of all that it has started."""
    for found in _tree(pid):
        try:
            times = Path(f"/proc/{found}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        except OSError:
            continue
        yield found, (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")


def _held(pid: int) -> int:
    """Return the proportional set size of a process: of a page that several share, each holds its part."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="only the memory for many patients")
    if parser.parse_args().large:
        for patients, cost in memory():
            print(f"{patients:,} patients: {cost.memory:.0f} MB, {cost.seconds:.0f} s", flush=True)
    else:
        for name, figure in measure(POPULATIONS, rounds=2).items():
            print(f"{name}: {figure:.2f}")


if __name__ == "__main__":
    main()
