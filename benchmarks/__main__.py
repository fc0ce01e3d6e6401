"""Everything that is measured of the service, in one table beside the targets.

    python -m benchmarks [--quick]

The table is printed and written, with a picture, into docs/performance.md. `--quick` takes few rounds and writes
nothing. What is missing here (valgrind, HealthChain) is left out and said so.
"""

from __future__ import annotations

import argparse
import platform
import shutil
from collections.abc import Iterator
from typing import Final

from benchmarks import fetching, instructions, replaying, report, serving, starting, tokens
from benchmarks.report import Row
from benchmarks.servers import HEALTH_CHAIN, Target, memory, running

# At most, in units of json.loads of the same body.
_INSTRUCTIONS: Final = {
    "lumbar 10 kB": 7.0,
    "lumbar 100 kB": 1.6,
    "lumbar 1 MB": 0.9,
    "unrelated 10 kB": 1.0,
    "unrelated 1 MB": 0.25,
}
_OF_HEALTH_CHAIN: Final = {"lumbar 500 kB": 0.8, "unrelated 500 kB": 0.2, "unrelated 10 kB": 1.0}
_JSON: Final = "json.loads"
_WAITED_FOR: Final = "500 kB"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few rounds, small bodies, and nothing is written")
    quick = parser.parse_args().quick
    rows = [*_in_process(quick=quick), *_served(quick=quick), *_starts(quick=quick), *_replayed(quick=quick)]
    rows.append(Row("letting a signed call in (ES384)", "bare verification", 1.4, tokens.measure(5 if quick else 40)))
    print(report.table(rows))
    if not quick:
        report.write(rows, f"Measured with Python {platform.python_version()} on {platform.machine()}, two workers.")


def _in_process(*, quick: bool) -> Iterator[Row]:
    sizes = instructions.QUICK if quick else instructions.ALL
    found = instructions.count(sizes) if shutil.which("valgrind") else {}
    for name in (f"{kind} {size}" for kind in instructions.KINDS for size in sizes):
        figure = instructions.ratio(found[name]) if name in found else None
        yield Row(f"{name}, above a no-op", f"{_JSON}, instructions", _INSTRUCTIONS.get(name), figure)


def _served(*, quick: bool) -> Iterator[Row]:
    sizes = ("10 kB",) if quick else ("10 kB", "100 kB", "500 kB", "1 MB")
    with running() as targets, fetching.fhir_server() as base:
        ours = targets[0]
        costs = serving.costs(targets, sizes, 3 if quick else 9)
        for name, cost in costs.items():
            above = (cost["ours"] - cost["nothing"]) / cost["json"]
            yield Row(f"{name} in the server, above a no-op", f"{_JSON}, CPU", None, above)
            yield Row(f"{name} in the server", "bare Flask, CPU", None, cost["ours"] / cost["bare Flask"])
            chain = cost["ours"] / cost["HealthChain"] if "HealthChain" in cost else None
            yield Row(f"{name} in the server", "HealthChain, CPU", _OF_HEALTH_CHAIN.get(name), chain)
        if not quick:
            yield from _waits(ours, costs)
        fetch = fetching.measure(ours, base, 2 if quick else 10)
        for callers in fetching.CALLERS:
            target = 1.12 if callers == 1 else None
            yield Row(f"15 searches, {callers} at once", "one search, p50", target, fetch[f"p50 {callers}"])
        yield Row("15 searches", "ms CPU", 15.0, fetch["cpu all"])
        yield Row("one search", "ms CPU", None, fetch["cpu one"])
        resident, private = (max(sizes) for sizes in zip(*memory(ours), strict=True))
        yield Row("memory of a worker after all this, resident", "MB", None, resident)
        yield Row("memory of a worker after all this, its own", "MB", None, private)


def _waits(ours: Target, costs: dict[str, serving.Cost]) -> Iterator[Row]:
    for kind in serving.KINDS:
        cpu = costs[f"{kind} {_WAITED_FOR}"]["ours"] / 1e6
        found = serving.waits(ours, _WAITED_FOR, ours=kind == "lumbar", cpu=cpu, seconds=30)
        name = f"{kind} {_WAITED_FOR} at 30 % load"
        yield Row(f"{name}, p50", "ms", None, found["p50"])
        yield Row(f"{name}, p99", "p50", 3.0, found["p99"] / found["p50"])


def _starts(*, quick: bool) -> Iterator[Row]:
    found = starting.measure(1 if quick else 5)
    yield Row("lumbar-cds --help", "s CPU", None, found["help"])
    yield Row("lumbar-cds assess, cold", "s CPU", 1.2, found["assess"])
    yield Row("lumbar-cds serve, to its first answer", "s", 1.5, found["first answer"])


def _replayed(*, quick: bool) -> Iterator[Row]:
    found = replaying.measure(replaying.QUICK if quick else replaying.POPULATIONS, 1 if quick else 2)
    loads, each = "orjson.loads, CPU", "patients a second"
    yield Row("replay, 2 % of the patients with an order", loads, None if quick else 2.0, found["cpu few"])
    yield Row("replay, all with an order and a long chart", loads, None if quick else 4.0, found["cpu long"])
    yield Row("replay, all with an order and a short chart", loads, None if quick else 4.0, found["cpu short"])
    yield Row("replay, assessing in two processes", "1.7 times as fast", 1.0, 1.7 / found["two processes"])
    gained = 1.7 / found["two processes, cpu"]
    yield Row("replay, assessing in two processes, CPU of the busier", "1.7 times as fast", 1.0, gained)
    yield Row("replay, memory", "MB", None, max(found[name] for name in found if name.startswith("memory")))
    yield Row("replay, 2 % with an order, one process", each, None, found["rate few"])
    yield Row("replay, all with a long chart, one process", each, None, found["rate long"])
    yield Row("replay, all with a short chart, one process", each, None, found["rate short"])


if __name__ == "__main__":
    if not HEALTH_CHAIN.exists():
        print("HealthChain is not compared: `make bench HEALTHCHAIN=1` installs it into an environment of its own")
    main()
