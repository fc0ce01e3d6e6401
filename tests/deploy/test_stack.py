"""The parts of the compose file that run without containers, started with the settings that it gives them."""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

import psycopg
import pytest
import requests

from tests.deploy.compose import SERVICE, compose, filled, pairs, settings
from tests.ehr import Ehr, clients_file
from tests.nginx import NGINX, proxied
from tests.postgres import PostgresServer, missing
from tests.protocol.builders import SELECT, feedback_entry, hook_request
from tests.service import PATIENCE, Running, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REDIS: Final = shutil.which("redis-server")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("stack"),
    pytest.mark.skipif(NGINX is None, reason="no nginx: apt-get install nginx-light"),
    pytest.mark.skipif(REDIS is None, reason="no redis-server: apt-get install redis-server"),
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
]

SECRETS: Final = {name: f"{number}" * 48 for number, name in enumerate(pairs(".env.example"))}
PATH: Final = f"/cds-services/{SELECT}"


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Run Redis with the command of the compose file; yield host and port."""
    program, *options = (filled(word, SECRETS) for word in compose()["services"]["redis"]["command"])
    assert program == "redis-server"
    port = free_port()
    here = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    with subprocess.Popen([str(REDIS), *options, *here], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert any("accept connections" in line for line in server.stdout)
        yield f"127.0.0.1:{port}"
        server.terminate()
        server.communicate()


class Stack:
    """Service, PostgreSQL, Redis and nginx, as an EHR and an operator see them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        """Start all of them."""
        self.database = PostgresServer()
        stack.callback(self.database.remove)
        redis_address = stack.enter_context(redis(folder))
        own = settings(SECRETS)
        self.public = own["LUMBAR_CDS_PUBLIC_URL"]
        self.ehr = Ehr("https://hospital.example", "key-1")
        issuers = [{"iss": self.ehr.iss, "keys": [self.ehr.jwk]}]
        # What a host without containers has elsewhere.
        own |= {
            "LUMBAR_CDS_HOST": "127.0.0.1",
            "LUMBAR_CDS_DATABASE_URL": self.database.url(),
            "LUMBAR_CDS_REDIS_URL": own["LUMBAR_CDS_REDIS_URL"].replace("redis:6379", redis_address),
            "LUMBAR_CDS_CLIENTS_FILE": str(clients_file(folder, {"general": {"issuers": issuers, "mode": "on"}})),
        }
        assert redis_address in own["LUMBAR_CDS_REDIS_URL"]
        self.service = Running(folder, settings={name.removeprefix("LUMBAR_CDS_"): own[name] for name in own})
        stack.callback(self.service.stop)
        self.url = stack.enter_context(proxied(folder, self.service.port))
        self.session = stack.enter_context(requests.Session())
        self.session.trust_env = False
        self.session.verify = str(folder / "tls.pem")

    def token(self, path: str) -> dict[str, str]:
        """Return the header of a signed call, for the address that EHRs call."""
        now = int(time.time())
        return self.ehr.headers(path, aud=f"{self.public}{path}", iat=now, exp=now + 60)

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> requests.Response:
        """Post through nginx."""
        return self.session.post(f"{self.url}{path}", json=body, headers=headers, timeout=PATIENCE)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack, once nginx answers."""
    with ExitStack() as stack:
        found = Stack(tmp_path_factory.mktemp("stack"), stack)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                assert found.session.get(f"{found.url}/cds-services", timeout=PATIENCE).ok
                break
            except requests.ConnectionError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield found


def test_signed_call_is_answered_once(running: Stack) -> None:
    """A call with a token for the public address gets its card through nginx; the same token is no good again."""
    proof = running.token(PATH)
    first = running.post(PATH, hook_request(SELECT), proof)
    assert (first.status_code, len(first.json()["cards"]) > 0) == (200, True)
    again = [running.post(PATH, hook_request(SELECT), proof).status_code for _ in range(4)]
    assert again == [401] * 4  # whichever worker: they remember in Redis
    assert running.post(PATH, hook_request(SELECT)).status_code == 401


def test_feedback_reaches_postgresql(running: Stack) -> None:
    """What a clinician did is in the database when it is confirmed."""
    path = f"{PATH}/feedback"
    answer = running.post(path, {"feedback": [feedback_entry()]}, running.token(path))
    assert answer.status_code == 200
    with psycopg.connect(running.database.url()) as connection:
        assert connection.execute("SELECT client, outcome FROM feedback").fetchall() == [("general", "overridden")]


def test_operators_see_it_working(running: Stack) -> None:
    """The service is ready with all its stores; its figures are for whoever has the token, and not for the outside."""
    assert running.post(PATH, hook_request(SELECT), running.token(PATH)).ok
    ready = running.service.session.get(f"{running.service.url}/readyz", timeout=PATIENCE).json()
    assert "unavailable" not in str(ready)
    metrics = f"{running.service.url}/metrics"
    assert running.service.session.get(metrics, timeout=PATIENCE).status_code == 401
    bearer = {"Authorization": f"Bearer {SECRETS['LUMBAR_CDS_METRICS_TOKEN']}"}
    text = running.service.session.get(metrics, headers=bearer, timeout=PATIENCE).text
    assert 'lumbar_cds_hook_calls_total{client="general"' in text
    assert running.session.get(f"{running.url}/demo", timeout=PATIENCE).status_code == 404


def test_names_are_those_of_the_compose_file() -> None:
    """The addresses that are replaced here are those of its containers."""
    own = settings(SECRETS)
    assert "@postgres:5432/" in own["LUMBAR_CDS_DATABASE_URL"]
    assert "@redis:6379/" in own["LUMBAR_CDS_REDIS_URL"]
    assert {SERVICE, "postgres", "redis"} <= set(compose()["services"])
