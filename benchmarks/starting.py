"""What it takes until something is there: help, an answer without a server, and the first answer of a server.

Each is a process of its own, begun again and again; the shortest of some is what it takes when nobody is in the way.
Modules are compiled before, as they are where the service is installed.
"""

from __future__ import annotations

import http.client
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.bodies import body
from benchmarks.servers import free_port

_PATIENCE: Final = 60.0


def measure(rounds: int) -> dict[str, float]:
    """Return the seconds of processor time of `--help` and of `assess`, and the seconds to a server's first answer."""
    with TemporaryDirectory() as folder:
        request = Path(folder) / "request.json"
        request.write_bytes(body(10_000, ours=True))
        environment = _compiling_into(Path(folder) / "compiled")
        _first_answer(Path(folder) / "first", environment)
        return {
            "help": min(_cpu(["--help"], environment) for _ in range(rounds)),
            "assess": min(_cpu(["assess", str(request)], environment) for _ in range(rounds)),
            "first answer": min(_first_answer(Path(folder) / str(each), environment) for each in range(rounds)),
        }


def _compiling_into(folder: Path) -> dict[str, str]:
    """Return an environment in which Python keeps what it compiles, whatever the one around says."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(folder)}


def _cpu(arguments: Sequence[str], environment: Mapping[str, str]) -> float:
    command = [sys.executable, "-m", "cds_service", *arguments]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)  # noqa: S603 - our own
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _first_answer(folder: Path, environment: Mapping[str, str]) -> float:
    port = free_port()
    environment = {**environment, "LUMBAR_CDS_DATA_DIR": str(folder), "LUMBAR_CDS_PORT": str(port)}
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "cds_service", "serve"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not _answers(port):
            if process.poll() is not None or time.monotonic() - started > _PATIENCE:
                raise SystemExit("the service does not start")
            time.sleep(0.02)
        return time.monotonic() - started
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _answers(port: int) -> bool:
    with suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    return False
