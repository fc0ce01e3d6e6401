"""The reverse proxy that deploy/ proposes: nginx takes its configuration, and a call comes through over TLS."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import requests

from tests.nginx import NGINX, proxied
from tests.protocol.builders import SIGN, hook_request
from tests.service import PATIENCE, Running

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.skipif(NGINX is None, reason="no nginx: apt-get install nginx-light")]


def test_call_comes_through(tmp_path: Path) -> None:
    """Nginx takes the file as it is proposed; discovery, a call, a large chart and feedback come through over TLS."""
    running = Running(tmp_path, workers=1)
    try:
        with proxied(tmp_path, running.port) as url, requests.Session() as session:
            session.trust_env = False
            session.verify = str(tmp_path / "tls.pem")
            deadline = time.monotonic() + PATIENCE
            while True:
                try:
                    assert session.get(f"{url}/cds-services", timeout=PATIENCE).json()["services"]
                    break
                except requests.ConnectionError:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            address = f"{url}/cds-services/{SIGN}"
            answer = session.post(address, json=hook_request(SIGN), timeout=PATIENCE)
            assert answer.ok
            assert answer.json()["cards"]
            large = hook_request(SIGN) | {"extension": {"x": "y" * 3_000_000}}
            assert session.post(address, json=large, timeout=PATIENCE).ok
            # A doubled slash is the service's to tidy up: a redirect would be the end of a preflight.
            again = session.post(f"{url}/cds-services//{SIGN}", json=hook_request(SIGN), timeout=PATIENCE)
            assert (again.status_code, again.history) == (200, [])
            assert session.post(f"{address}/feedback", json={"feedback": []}, timeout=PATIENCE).json() == {}
    finally:
        running.stop()
