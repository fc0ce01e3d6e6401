"""What is no HTTP is refused before the application sees it, and is not logged either."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from tests.service import PATIENCE, Running

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

MARK = b"Zebulon"
BROKEN = {
    "version": b"GET /Patient/Zebulon HTTP/9.9\r\nHost: x\r\n\r\n",
    "method": b"Zebulon!( /x HTTP/1.1\r\nHost: x\r\n\r\n",
    "request line": b"Zebulon\r\n\r\n",
    "header": b"GET /livez HTTP/1.1\r\nHost: x\r\nZebulon\r\n\r\n",
    "header name": b"GET /livez HTTP/1.1\r\nHost: x\r\nZebu(lon): Zebulon\r\n\r\n",
    "length": b"POST /cds-services/x HTTP/1.1\r\nHost: x\r\nContent-Length: Zebulon\r\n\r\n",
    "encoding": b"POST /cds-services/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Zebulon\r\n\r\n",
    "long line": b"GET /Zebulon?" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01Zebulon\r\n\r\n",
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A running service that logs everything, for machines."""
    settings = {"LOG_LEVEL": "debug", "LOG_FORMAT": "json"}
    running = Running(tmp_path_factory.mktemp("service"), workers=1, settings=settings)
    yield running
    assert running.stop() == 0


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN.keys())
def test_broken_request_is_not_logged(service: Running, sent: bytes) -> None:
    """Gunicorn quotes what it could not read in its warning: the line is there, the quotation is not."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
    assert service.session.get(f"{service.url}/livez", timeout=PATIENCE).ok
    text = service.output.read_text()
    assert MARK.decode() not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert {"cds_service.access", "gunicorn.error"} <= {line["logger"] for line in lines}
