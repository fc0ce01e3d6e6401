"""Processes and connections that end in the middle: what was not theirs goes on, and nothing of them stays."""

from __future__ import annotations

import os
import signal
import socket
import struct
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from cds_service.demo.requests import load_demos
from tests.service import PATIENCE, Running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.slow

DEMO: Final = load_demos()[0]
BODY: Final = DEMO.body()
HEAD: Final = (
    f"POST /cds-services/lumbar-mri-{DEMO.hook} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    f"Connection: close\r\nContent-Length: {len(BODY)}\r\n\r\n"
).encode()
CALLS: Final = 8
ABORTED: Final = 300


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A running service of two workers."""
    service = Running(tmp_path)
    yield service
    assert service.stop() == 0


def advice(running: Running) -> int:
    """Return the status of a hook call."""
    address = f"{running.url}/cds-services/lumbar-mri-{DEMO.hook}"
    return running.session.post(address, data=BODY, timeout=PATIENCE).status_code


def await_that(condition: Callable[[], bool]) -> None:
    """Return once something is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def rest_of(connection: socket.socket) -> bytes:
    """Return what comes until the end, whichever end that is."""
    received = b""
    try:
        while data := connection.recv(65536):
            received += data
    except ConnectionError:
        pass
    return received


def test_killed_worker_takes_only_its_own_calls_along(running: Running) -> None:
    """`kill -9` of one worker in mid-request: the other's calls are answered, and a new one comes."""
    await_that(lambda: len(running.workers()) == 2)
    with ExitStack() as opened:
        address = ("127.0.0.1", running.port)
        begun = [opened.enter_context(socket.create_connection(address, timeout=PATIENCE)) for _ in range(CALLS)]
        for connection in begun:
            connection.sendall(HEAD + BODY[:-10])
        first = running.workers()
        os.kill(first[0], signal.SIGKILL)
        answers = []
        for connection in begun:
            try:
                connection.sendall(BODY[-10:])
            except ConnectionError:  # it was the killed one's
                continue
            answers.append(rest_of(connection))
    assert {answer[:15] for answer in answers} <= {b"", b"HTTP/1.1 200 OK"}
    assert advice(running) == 200
    await_that(lambda: len(set(running.workers()) - {first[0]}) == 2)
    await_that(lambda: "SIGKILL" in running.output.read_text())
    assert [advice(running) for _ in range(CALLS)] == [200] * CALLS


def test_aborted_bodies_leave_nothing_behind(running: Running) -> None:
    """Callers that go away half-way through a body cost no descriptor, no thread and no line that looks like a bug."""

    def descriptors() -> int:
        return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in running.workers())

    assert [advice(running) for _ in range(CALLS)] == [200] * CALLS
    before = descriptors()
    for number in range(ABORTED):
        with socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE) as connection:
            connection.sendall(HEAD + BODY[: len(BODY) * (number % 10) // 10])
            if number % 2:  # without a farewell
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await_that(lambda: descriptors() <= before + CALLS)
    assert advice(running) == 200
    assert "Traceback" not in running.output.read_text()
