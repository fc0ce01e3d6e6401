"""Clients that are slow, idle or gone: none of them keeps another from its answer."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import pytest

from cds_service.demo.requests import load_demos
from tests.service import PATIENCE, Running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.slow

THREADS: Final = 2
LIVEZ: Final = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
HOOK: Final = b"POST /cds-services/lumbar-mri-order-sign HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A running service of one worker with few threads."""
    folder = tmp_path_factory.mktemp("service")
    service = Running(folder, workers=1, settings={"THREADS": str(THREADS), "MAX_BODY_BYTES": "200000"})
    yield service
    assert service.stop() == 0


@pytest.fixture
def connected(running: Running) -> Iterator[Callable[[], socket.socket]]:
    """What makes a connection to it."""
    with ExitStack() as opened:
        yield lambda: opened.enter_context(socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE))


def answers(connection: socket.socket, ending: bytes = b"}") -> bytes:
    """Return what comes until an ending or the end."""
    received = b""
    while not received.endswith(ending) and (data := connection.recv(65536)):
        received += data
    return received


BEGUN = {
    "idle": b"",
    "in the head": b"GET /livez HTTP/1.1\r\nHos",
    "in the body": HOOK + b"Content-Length: 1000\r\n\r\n{",
    "in a chunk": HOOK + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{",
    "held back": HOOK + b"Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n",
}


@pytest.mark.parametrize("begun", BEGUN.values(), ids=BEGUN)
def test_unfinished_requests_cost_no_thread(
    running: Running, connected: Callable[[], socket.socket], begun: bytes
) -> None:
    """Many more unfinished requests than threads leave a hook call answered."""
    for _ in range(20 * THREADS):
        connected().sendall(begun)
    demo = load_demos()[0]
    address = f"{running.url}/cds-services/lumbar-mri-{demo.hook}"
    assert running.session.post(address, data=demo.body(), timeout=PATIENCE).status_code == 200
    assert running.session.get(f"{running.url}/livez", timeout=PATIENCE).ok


def test_clients_that_do_not_read_cost_no_thread(running: Running, connected: Callable[[], socket.socket]) -> None:
    """Answers that nobody takes wait in the main loop."""
    for _ in range(4 * THREADS):
        connection = connected()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 200)
    assert running.session.get(f"{running.url}/livez", timeout=PATIENCE).ok


def test_requests_behind_one_another_are_answered_in_turn(connected: Callable[[], socket.socket]) -> None:
    """A client may send several requests before it reads."""
    connection = connected()
    connection.sendall(LIVEZ + LIVEZ + LIVEZ.replace(b"Host", b"Connection: close\r\nHost"))
    assert answers(connection, b"nothing ends so").count(b"HTTP/1.1 200 OK") == 3


def test_body_that_is_held_back_is_asked_for_once(connected: Callable[[], socket.socket]) -> None:
    """A client that waits to be told to go on is told once, and answered."""
    connection = connected()
    connection.sendall(HOOK + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(b"{}")
    assert answers(connection).startswith(b"HTTP/1.1 400")


def test_rest_of_a_refused_request_is_no_request(connected: Callable[[], socket.socket]) -> None:
    """What follows a request that was refused unread is not taken for the next one."""
    connection = connected()
    connection.sendall(HOOK + b"Content-Length: 1000000\r\n\r\n" + LIVEZ)
    received = answers(connection, b"nothing ends so")
    assert received.startswith(b"HTTP/1.1 413")
    assert received.count(b"HTTP/1.1") == 1


def test_names_of_the_server_are_no_headers(running: Running) -> None:
    """A caller cannot move the root of the application by a header."""
    headers = {"SCRIPT_NAME": "/cds-services", "PATH_INFO": "/readyz", "Script-Name": "/cds-services"}
    response = running.session.get(f"{running.url}/cds-services/readyz", headers=headers, timeout=PATIENCE)
    assert response.status_code in (404, 405)


def test_stopping_answers_what_is_under_way_and_closes_the_door(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A stopping service finishes a request that has begun, and refuses a new connection at once."""
    service = Running(tmp_path_factory.mktemp("stopping"), workers=1)
    with socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE) as begun:
        begun.sendall(HOOK + b"Content-Length: 2\r\n\r\n{")
        service.process.terminate()
        deadline = time.monotonic() + PATIENCE
        while _connects(service.port):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        begun.sendall(b"}")
        assert answers(begun, b"nothing ends so").startswith(b"HTTP/1.1 400")
    assert service.stop() == 0


def _connects(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE):
            return True
    except ConnectionRefusedError:
        return False
