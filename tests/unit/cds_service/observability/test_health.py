"""Alive and ready: what supervisors and load balancers are told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from cds_service.observability.health import Health, Lifecycle
from cds_service.records.stores import NullFeedbackStore
from tests.ehr import PUBLIC_URL, Ehr, clients_file, hook
from tests.loopback_server import Reply, serving
from tests.protocol.builders import SIGN, HookClient, hook_request, make_app

if TYPE_CHECKING:
    from pathlib import Path

    from flask.testing import FlaskClient


def client(lifecycle: Lifecycle | None = None, **parts: Any) -> FlaskClient:
    """Return a client of both addresses, of a service that has started unless told otherwise."""
    app = Flask("x")
    app.register_blueprint(Health(lifecycle or Lifecycle(started=True), NullFeedbackStore(), **parts).blueprint())
    return app.test_client()


def test_broken_parts_do_not_make_it_unready() -> None:
    """A full disk, an open circuit or a client that is off is told, and advice goes on."""
    response = client(
        parts={"records": lambda: False, "replays": lambda: True},
        circuits=lambda: ["open", "closed", "closed"],
        modes=lambda: ["off", "on"],
        switched=lambda: ["off"],
    ).get("/readyz")
    assert response.status_code == 200
    assert response.json == {
        "status": "ready",
        "feedback": "ok",
        "records": "unavailable",
        "replays": "ok",
        "circuits": {"open": 1, "closed": 2},
        "modes": {"off": 1, "on": 1},
        "switched": {"off": 1},
    }


def test_keys_are_reported_where_any_are_fetched(tmp_path: Path) -> None:
    """Keys that cannot be had are told without naming whose they are, and without making the service unready."""
    ehr = Ehr("https://ehr.example", "key-1")
    pinned = {"a": {"issuers": [{"iss": ehr.iss, "keys": [ehr.jwk]}]}}
    without = make_app(clients_file=clients_file(tmp_path, pinned), public_url=PUBLIC_URL).test_client().get("/readyz")
    assert without.json
    assert "keys" not in without.json
    body = json.dumps({"keys": [ehr.jwk]}).encode()
    with serving(lambda _: Reply(body=body)) as keys:
        fetched = {
            "general-hospital": {
                "extends": "development",
                "authentication": "cds-hooks-jwt",
                "issuers": [{"iss": ehr.iss, "jku": f"http://127.0.0.1:{keys.port}/jwks.json"}],
            }
        }
        page = HookClient(make_app(clients_file=clients_file(tmp_path, fetched), public_url=PUBLIC_URL))
        before = page.flask.get("/readyz")
        assert page.call(SIGN, hook_request(SIGN), headers=ehr.headers(hook(SIGN))).status == 200
        after = page.flask.get("/readyz")
    assert before.json
    assert after.json
    assert (before.status_code, before.json["keys"], after.json["keys"]) == (200, "unavailable", "ok")
    assert b"general-hospital" not in before.data + after.data


@pytest.mark.parametrize(
    ("started", "stopping", "status", "word"),
    [(False, False, 503, "starting"), (True, False, 200, "ready"), (True, True, 503, "stopping")],
)
def test_unready_only_while_starting_and_stopping(started: bool, stopping: bool, status: int, word: str) -> None:
    """A load balancer sends nothing before the first answer can be given, nor after the end was announced."""
    response = client(Lifecycle(started, lambda: stopping)).get("/readyz")
    assert response.json
    assert (response.status_code, response.json["status"]) == (status, word)


def test_alive_while_stopping() -> None:
    """A supervisor does not kill a process that is finishing its last answers."""
    assert client(Lifecycle(stopping=lambda: True)).get("/livez").status_code == 200
