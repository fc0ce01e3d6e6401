"""The service under gunicorn, on a free loopback port."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

import pytest
import requests

from cds_service.demo.requests import load_demos
from tests.protocol.builders import SIGN, feedback_entry
from tests.service import PATIENCE, Running

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

LIMIT: Final = 50_000


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A running service that has been asked to try a demo."""
    folder = tmp_path_factory.mktemp("service")
    service = Running(folder, "--try", "acute-low-back-pain", settings={"MAX_BODY_BYTES": str(LIMIT)})
    yield service
    assert service.stop() == 0


def test_banner_and_demo_are_shown(running: Running) -> None:
    """Whoever starts the service reads where it is, sees a card, and the command that repeats it."""
    deadline = time.monotonic() + PATIENCE
    while "curl" not in running.output.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    text = running.output.read_text()
    assert f"{running.url}/cds-services" in text
    assert "WARNING" in text
    assert "curl" in text
    assert "Traceback" not in text


@pytest.mark.parametrize("demo", load_demos(), ids=lambda demo: demo.name)
def test_demos_are_answered(running: Running, demo: object) -> None:
    """Both workers answer as the application does in process."""
    assert hasattr(demo, "body")
    address = f"{running.url}//cds-services/{'lumbar-mri-' + demo.hook}/"  # type: ignore[attr-defined]
    for _ in range(3):
        response = running.session.post(address, data=demo.body(), allow_redirects=False, timeout=PATIENCE)
        assert response.status_code == 200, response.text


def test_feedback_is_stored_by_any_worker(running: Running) -> None:
    """Feedback is confirmed whichever worker takes it, and a repeat is recognised across workers."""
    address = f"{running.url}/cds-services/{SIGN}/feedback"
    for _ in range(8):
        with requests.Session() as session:
            session.trust_env = False
            response = session.post(address, json={"feedback": [feedback_entry()]}, timeout=PATIENCE)
        assert (response.status_code, response.json()) == (200, {})


def test_chunked_body_is_read_and_bounded(running: Running) -> None:
    """A body that declares no length is read, and cut off at the limit."""
    body = load_demos()[0].body()
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    for padding, expected in (0, 200), (LIMIT, 413):
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE)
        chunks = [body, b" " * padding]
        connection.request("POST", "/cds-services/lumbar-mri-order-select", iter(chunks), headers, encode_chunked=True)
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        assert response.status == expected
        assert ("cards" in answer) == (expected == 200)


def test_second_service_on_the_port_is_refused(running: Running) -> None:
    """Two services never share a port unnoticed."""
    command = [sys.executable, "-m", "cds_service", "serve", "--port", str(running.port)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert second.returncode == 1
    assert f"port {running.port}" in second.stderr
