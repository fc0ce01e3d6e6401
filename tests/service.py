"""The service in a process of its own, on a free loopback port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest
import requests

PATIENCE: Final = 60.0


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Running:
    """A running service; its data and its output are in a folder."""

    def __init__(
        self,
        folder: Path,
        *options: str,
        workers: int = 2,
        settings: Mapping[str, str] | None = None,
        program: Sequence[str] = ("-m", "cds_service"),
        cwd: Path | None = None,
    ) -> None:
        """Start it with options of `serve` and `LUMBAR_CDS_` settings, and wait until it answers.

        `program` is what Python runs as the command line, in the folder `cwd` if there is one.
        """
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.session = requests.Session()
        self.session.trust_env = False
        self.data = folder / "data"
        self.output = folder / "output"
        own = {"DATA_DIR": str(self.data)} | dict(settings or {})
        environment = os.environ | {f"LUMBAR_CDS_{name}": value for name, value in own.items()}
        command = [sys.executable, *program, "serve", "--port", str(self.port)]
        command += ["--workers", str(workers), *options]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment, cwd=cwd)
        self._await()

    def _await(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.session.get(f"{self.url}/readyz", timeout=PATIENCE).ok:
                    return
            except requests.ConnectionError:
                time.sleep(0.05)
        self.stop()
        pytest.fail(f"the service did not start: {self.output.read_text()}")

    def workers(self) -> list[int]:
        """Return the process ids of the workers that run at this moment."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(pid) for task in tasks for pid in task.read_text().split()]

    def stop(self) -> int:
        """Stop it as a supervisor does and return its exit status."""
        self.session.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)
