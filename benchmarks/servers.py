"""Servers to measure against each other: ours with an address that does nothing, bare Flask, and HealthChain."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.bodies import CALL, body

WORKERS: Final = 2
HEALTH_CHAIN: Final = Path(__file__).parents[1] / "build" / "healthchain"
_PATIENCE: Final = 60.0
_TICK: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Target:
    """An address of a running server."""

    name: str
    port: int
    path: str
    process: subprocess.Popen[bytes]

    def cpu(self) -> float:
        """Return the seconds of processor time that the processes of the server have taken."""
        return sum(map(_cpu_of, _family(self.process.pid)))


@contextlib.contextmanager
def running() -> Iterator[list[Target]]:
    """Start all servers that can be had here and return their addresses."""
    flask = ["-m", "gunicorn", "-k", "gthread", "-w", str(WORKERS), "--threads", "4", "--log-level", "warning"]
    flask += ["--reuse-port", "--chdir", str(Path(__file__).parent / "peers"), "bare_flask:app"]
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        port = free_port()
        ours = stack.enter_context(_started(port, [sys.executable, "-m", "benchmarks.served", str(port), folder]))
        found = [Target("ours", port, CALL, ours), Target("nothing", port, "/nothing", ours)]
        port = free_port()
        bare = stack.enter_context(_started(port, [sys.executable, *flask, "--bind", f"127.0.0.1:{port}"]))
        found.append(Target("bare Flask", port, "/call", bare))
        if (HEALTH_CHAIN / "bin" / "python").exists():
            port = free_port()
            chain = ["-m", "uvicorn", "health_chain:app", "--app-dir", str(Path(__file__).parent / "peers")]
            chain += ["--workers", str(WORKERS), "--port", str(port), "--log-level", "warning", "--no-access-log"]
            process = stack.enter_context(_started(port, [str(HEALTH_CHAIN / "bin" / "python"), *chain]))
            found.append(Target("HealthChain", port, "/cds/cds-services/call", process))
        for target in found:
            _await_answer(target)
        yield found


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def _started(port: int, command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        deadline = time.monotonic() + _PATIENCE
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"does not start: {' '.join(command)}")
            time.sleep(0.1)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _await_answer(target: Target) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=30)
            connection.request("POST", target.path, body(10_000, ours=True), {"Content-Type": "application/json"})
            if connection.getresponse().status == http.client.OK:
                return
        if time.monotonic() > deadline:
            raise SystemExit(f"does not answer: {target.name}")
        time.sleep(0.2)


def _family(pid: int) -> list[int]:
    """Return a process and all that it started."""
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread that has just ended
            children += map(int, (task / "children").read_text(encoding="ascii").split())
    return [pid, *(found for child in children for found in _family(child))]


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def memory(target: Target) -> list[tuple[float, float]]:
    """Return the resident and the private memory of each worker, in MB."""
    found = []
    for pid in _family(target.process.pid)[1:]:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        sizes = {line.split(":")[0]: int(line.split()[1]) for line in rollup.splitlines()[1:]}
        private = sizes["Private_Clean"] + sizes["Private_Dirty"]
        found.append((sizes["Rss"] / 1024, private / 1024))
    return found
