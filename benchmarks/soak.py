"""Keep a service busy for a long time, and watch what grows.

The service runs in processes of its own with its usual stores. Nine of ten calls are about other orders, 8 % bring a
chart with a lumbar MRI order, 100 kB each, 2 % have it fetched from a FHIR server that this script runs, and feedback
comes in between. First as much is sent as is answered, for half a minute; then calls come at a share of that rate,
whether or not the last was answered, as those of a hospital do. Every few seconds a line tells what was answered, and
how much memory, how many threads and how many descriptors the processes hold.

    python -m benchmarks.soak [--minutes 30] [--load 0.7 | --rate 20] [--workers 2]

It ends with exit status 1 when a call failed, a record was dropped, or something grew between the first third of the
time and the last.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

import requests

from benchmarks.bodies import PATIENT as CHART_OF
from benchmarks.bodies import SIZES, body
from tests.loopback_server import Received, Reply, serving
from tests.protocol.builders import PATIENT, SIGN, feedback_entry, hook_request, lumbar_mri
from tests.service import Running

LINES: Final = 30  # of the table, however long it runs
GROWTH: Final = 1.15  # between the first third and the last
MORE: Final = 20  # or this many, of threads and descriptors, which come when first needed
EVERY: Final = 50  # calls between two of feedback
CHART: Final = SIZES["100 kB"]
PATIENTS: Final = 20_000
CALLERS: Final = 16  # that find out how much is answered
TRIAL: Final = 30.0  # seconds
OTHER, PREFETCH, FETCH, FEEDBACK = "other", "prefetch", "fetch", "feedback"


@dataclass(slots=True)
class Counts:
    """What was answered since the last line; safe to use from many threads."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, status: int, seconds: float) -> None:
        """Count an answer; 0 is a call that got none."""
        with self.lock:
            self.statuses[kind, status] += 1
            self.seconds.append(seconds)

    def take(self) -> tuple[Counter[tuple[str, int]], list[float]]:
        """Return the statuses and the seconds, shortest first, that were counted, and begin anew."""
        with self.lock:
            taken = self.statuses, sorted(self.seconds)
            self.statuses, self.seconds = Counter(), []
            return taken


@dataclass(frozen=True, slots=True)
class Held:
    """What the processes of a service hold."""

    kilobytes: int
    threads: int
    descriptors: int

    @classmethod
    def by(cls, pids: list[int]) -> Held:
        """Return it, added up."""
        status = [Path(f"/proc/{pid}/status").read_text(encoding="ascii") for pid in pids]
        values = [dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line) for text in status]
        return cls(
            sum(int(found["VmRSS"].split()[0]) for found in values),
            sum(int(found["Threads"]) for found in values),
            sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids),
        )


def empty_bundle(_: Received) -> Reply:
    """Answer every search with nothing found, and a patient with one."""
    body = json.dumps({"resourceType": "Bundle", "type": "searchset", "total": 0, "entry": []}).encode()
    return Reply(200, body, {"Content-Type": "application/fhir+json"})


class Load:
    """Sends calls at a steady rate."""

    def __init__(self, url: str, base: str, counts: Counts) -> None:
        """Take the addresses of the service and of a FHIR server."""
        self._counts = counts
        self._local = threading.local()
        self._sent = 0
        address = f"{url}/cds-services/{SIGN}"
        patient = {"patient": hook_request(SIGN)["prefetch"]["patient"]}
        fetched = hook_request(SIGN, lumbar_mri(), prefetch=patient, fhirServer=base)
        self._patients = {PREFETCH: CHART_OF.encode(), FETCH: PATIENT.encode()}
        self._calls: dict[str, tuple[str, bytes]] = {
            OTHER: (address, body(CHART, ours=False)),
            PREFETCH: (address, body(CHART, ours=True)),
            FETCH: (address, json.dumps(fetched).encode()),
            FEEDBACK: (f"{address}/feedback", b""),
        }

    def send(self, kind: str) -> None:
        """Send one call and count its answer."""
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.trust_env = False
        address, sent = self._calls[kind]
        sent = sent or json.dumps({"feedback": [feedback_entry()]}).encode()
        if kind in (PREFETCH, FETCH):
            # A hospital has many patients, of whom each has few orders.
            sent = sent.replace(self._patients[kind], f"p-{random.randrange(PATIENTS):05}".encode())  # noqa: S311 - a mix
        started = time.perf_counter()
        try:
            answer = self._local.session.post(address, sent, headers={"Content-Type": "application/json"}, timeout=60)
            status = answer.status_code
        except requests.RequestException:
            status = 0
        self._counts.note(kind, status, time.perf_counter() - started)

    def run(self, pool: ThreadPoolExecutor, rate: float, seconds: float) -> None:
        """Send at a rate for some seconds."""
        began, sent = time.monotonic(), 0
        while (now := time.monotonic() - began) < seconds:
            while sent < now * rate:
                sent += 1
                self._sent += 1
                pool.submit(self.send, _any())
                if self._sent % EVERY == 0:
                    pool.submit(self.send, FEEDBACK)
            time.sleep(0.005)

    def capacity(self, seconds: float) -> float:
        """Return how many calls a second are answered when the next is sent as soon as the last is answered."""
        ends = time.monotonic() + seconds

        def send(_: int) -> None:
            while time.monotonic() < ends:
                self.send(_any())

        with ThreadPoolExecutor(CALLERS) as pool:
            list(pool.map(send, range(CALLERS)))
        statuses, _ = self._counts.take()
        return (sum(statuses.values()) - _failed(statuses)) / seconds


def main() -> int:
    """Run, print the table, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--load", type=float, default=0.7, help="share of the calls that can be answered")
    parser.add_argument("--rate", type=float, help="calls a second, instead of a share")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    pause = options.minutes * 60 / LINES
    held: list[Held] = []
    total: Counter[tuple[str, int]] = Counter()
    with tempfile.TemporaryDirectory() as folder, serving(empty_bundle) as fhir:
        service = Running(Path(folder), workers=options.workers, settings={"LOG_LEVEL": "warning"})
        counts = Counts()
        load = Load(service.url, f"http://127.0.0.1:{fhir.port}/fhir", counts)
        rate = options.rate or options.load * load.capacity(TRIAL)
        print(f"{rate:.0f} calls a second" + ("" if options.rate else f", {options.load:.0%} of what was answered"))
        print(f"{'minute':>7}{'calls':>8}{'p50 ms':>8}{'p99 ms':>8}{'failed':>8}{'MB':>7}{'threads':>9}{'files':>7}")
        with ThreadPoolExecutor(64) as pool:
            for line in range(LINES):
                load.run(pool, rate, pause)
                statuses, seconds = counts.take()
                fhir.received.clear()
                total += statuses
                held.append(Held.by([service.process.pid, *service.workers()]))
                print(_line((line + 1) * pause / 60, statuses, seconds, held[-1]), flush=True)
        metrics = service.session.get(f"{service.url}/metrics", timeout=60).text
        lost = _value(metrics, "lumbar_cds_records_dropped_total")
        shed = _value(metrics, "lumbar_cds_shed_calls_total")
        exit_status = service.stop()
    total += counts.statuses
    failed = _failed(total)
    print(f"{sum(total.values())} calls, {failed} failed, {shed:.0f} sent away, {lost:.0f} records dropped")
    print(f"by kind and status: {dict(sorted((f'{kind} {status}', n) for (kind, status), n in total.items()))}")
    grown = _growth(held)
    print("nothing grew" if not grown else f"grew: {grown}")
    return int(bool(failed or lost or grown or exit_status))


def _any() -> str:
    return random.choices((OTHER, PREFETCH, FETCH), (90, 8, 2))[0]  # noqa: S311 - a mix


def _line(minutes: float, statuses: Counter[tuple[str, int]], seconds: list[float], held: Held) -> str:
    p50, p99 = (seconds[int(len(seconds) * share)] * 1000 if seconds else 0.0 for share in (0.5, 0.99))
    return (
        f"{minutes:>7.1f}{sum(statuses.values()):>8}{p50:>8.0f}{p99:>8.0f}{_failed(statuses):>8}"
        f"{held.kilobytes / 1024:>7.0f}{held.threads:>9}{held.descriptors:>7}"
    )


def _failed(statuses: Counter[tuple[str, int]]) -> int:
    return sum(count for (_, status), count in statuses.items() if status != 200)  # noqa: PLR2004 - HTTP


def _value(metrics: str, name: str) -> float:
    return sum(float(line.split()[-1]) for line in metrics.splitlines() if line.startswith(name))


def _growth(held: list[Held]) -> str:
    """Return what the last third of the time holds more of than the first, beyond what varies anyway."""
    third = len(held) // 3
    early, late = held[third // 2 : third + third // 2], held[-third:]
    found = []
    for name, more in ("kilobytes", 0), ("threads", MORE), ("descriptors", MORE):
        before, after = (median(getattr(one, name) for one in part) for part in (early, late))
        if after > max(before * GROWTH, before + more):
            found.append(f"{name} from {before:.0f} to {after:.0f}")
    return ", ".join(found)


if __name__ == "__main__":
    sys.exit(main())
