"""Metrics of a service with several worker processes."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest
import requests

from tests.protocol.builders import SIGN, feedback_entry, hook_request
from tests.service import PATIENCE, Running
from tests.unit.cds_service.observability.test_metrics import value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

CALLS: Final = 40


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A running service with two workers, whose metrics are kept in a folder of this test."""
    folder = tmp_path / "metrics"
    folder.mkdir()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(folder))
    running = Running(tmp_path)
    yield running
    assert running.stop() == 0
    assert list(folder.iterdir()) == []


def place(service: Running) -> Path:
    """Return where the fixture's service keeps its metrics."""
    return service.output.parent / "metrics"


def fetch(service: Running, method: str, path: str, **options: object) -> requests.Response:
    """Send a request on a connection of its own, which any worker may take."""
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, f"{service.url}{path}", timeout=PATIENCE, **options)  # type: ignore[arg-type]


def told(running: Running, name: str, **labels: str) -> float:
    """Return a number that one worker, whichever it is, tells."""
    return value(fetch(running, "GET", "/metrics").text, name, **labels)


def calls(service: Running) -> float:
    """Return how many hook calls were counted."""
    return told(service, "hook_calls_total", service=SIGN, status="200")


def files(service: Running) -> Counter[str]:
    """Return the process ids in the names of the files, each with how many files it has."""
    return Counter(file.stem.rpartition("_")[2] for file in place(service).glob("*/*.db"))


def test_any_worker_tells_the_numbers_of_all(service: Running) -> None:
    """After N calls spread over the workers N calls are told, whoever is asked; a killed worker's calls stay told."""
    for _ in range(CALLS):
        assert fetch(service, "POST", f"/cds-services/{SIGN}", json=hook_request(SIGN)).status_code == 200
    assert fetch(service, "POST", f"/cds-services/{SIGN}/feedback", json={"feedback": [feedback_entry()]}).ok
    assert {calls(service) for _ in range(12)} == {CALLS}
    assert len([file for file in place(service).glob("*/counter_*.db") if b"hook_calls" in file.read_bytes()]) == 2
    assert told(service, "feedback_total", outcome="overridden") == 1

    victim = max(service.workers(), key=lambda pid: files(service)[str(pid)])
    assert files(service)[str(victim)]
    assert list(place(service).glob(f"*/gauge_live*_{victim}.db"))
    os.kill(victim, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    while list(place(service).glob(f"*/gauge_live*_{victim}.db")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not list(place(service).glob(f"*/gauge_live*_{victim}.db"))
    assert list(place(service).glob(f"*/counter_{victim}.db"))
    assert calls(service) == CALLS


def test_build_is_told_once(service: Running) -> None:
    """A gauge that says what is running does not add up over the workers."""
    assert told(service, "build_info") == 1
