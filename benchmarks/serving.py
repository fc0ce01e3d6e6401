"""What a call costs in the server: processor time of its processes, and how long a call waits at 30 % load.

Servers alternate in short slices, so that a busy neighbour meets all of them; figures are medians of the slices.
"""

from __future__ import annotations

import http.client
import json
import random
import statistics
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from benchmarks.bodies import SIZES, body
from benchmarks.servers import Target

KINDS: Final = ("lumbar", "unrelated")
_CALLERS: Final = 4
_SLICE_SECONDS: Final = 0.5  # of processor time, about: the kernel counts it in hundredths
_LOAD: Final = 0.3

Cost = dict[str, float]  # microseconds of processor time a call, by server


def costs(targets: Sequence[Target], sizes: Iterable[str], rounds: int) -> dict[str, Cost]:
    """Return what a call costs by body (`lumbar 10 kB`) and server, and what `json.loads` costs here (`json`)."""
    return {
        f"{kind} {size}": _costs(targets, body(SIZES[size], ours=kind == "lumbar"), rounds)
        for size in sizes
        for kind in KINDS
    }


def _costs(targets: Sequence[Target], sent: bytes, rounds: int) -> Cost:
    calls = {target.name: _calls_in_a_slice(target, sent) for target in targets}
    found: dict[str, list[float]] = {name: [] for name in (*calls, "json")}
    for _ in range(rounds):
        for target in targets:
            found[target.name].append(_slice(target, sent, calls[target.name]))
        found["json"].append(_parsing(sent))
    return {name: statistics.median(taken) * 1e6 for name, taken in found.items()}


def _calls_in_a_slice(target: Target, sent: bytes) -> int:
    _slice(target, sent, 4 * _CALLERS)
    once = max(_slice(target, sent, 8 * _CALLERS), 1e-4)
    return max(4 * _CALLERS, int(_SLICE_SECONDS / once))


def _slice(target: Target, sent: bytes, calls: int) -> float:
    """Return the processor time of one call, in seconds, of many made by a few callers."""
    before = target.cpu()
    with ThreadPoolExecutor(_CALLERS) as callers:
        list(callers.map(lambda _: _many(target, sent, calls // _CALLERS), range(_CALLERS)))
    return (target.cpu() - before) / (calls // _CALLERS * _CALLERS)


def _many(target: Target, sent: bytes, calls: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", target.port)
    for _ in range(calls):
        _post(connection, target, sent)
    connection.close()


def _post(connection: http.client.HTTPConnection, target: Target, sent: bytes) -> None:
    connection.request("POST", target.path, sent, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    if answer.status != http.client.OK:
        raise SystemExit(f"{target.name} answered {answer.status}")


def _parsing(sent: bytes) -> float:
    times = max(3, int(0.05 * 1e8 / len(sent) / 10))
    started = time.process_time()
    for _ in range(times):
        json.loads(sent)
    return (time.process_time() - started) / times


def waits(target: Target, size: str, *, ours: bool, cpu: float, seconds: float) -> Mapping[str, float]:
    """Return the milliseconds below which half and 99 % of calls are answered, at 30 % of what two workers can do.

    Calls come at random moments at a fixed rate, whether or not the last was answered.
    """
    sent = body(SIZES[size], ours=ours)
    rate = _LOAD * 2 / cpu
    taken = _open_loop(lambda: http.client.HTTPConnection("127.0.0.1", target.port), target, sent, rate, seconds)
    return {"p50": statistics.median(taken) * 1000, "p99": statistics.quantiles(taken, n=100)[98] * 1000, "rate": rate}


def _open_loop(
    connect: Callable[[], http.client.HTTPConnection], target: Target, sent: bytes, rate: float, seconds: float
) -> list[float]:
    taken: list[float] = []
    local = threading.local()
    chance = random.Random(1)  # noqa: S311 - moments of calls

    def one(due: float) -> None:
        if not hasattr(local, "connection"):
            local.connection = connect()
        _post(local.connection, target, sent)
        taken.append(time.perf_counter() - due)

    with ThreadPoolExecutor(16) as callers:
        list(callers.map(lambda _: one(time.perf_counter()), range(64)))
        taken.clear()
        due = time.perf_counter()
        end = due + seconds
        while due < end:
            due += chance.expovariate(rate)
            time.sleep(max(0.0, due - time.perf_counter()))
            callers.submit(one, due)
    return taken
