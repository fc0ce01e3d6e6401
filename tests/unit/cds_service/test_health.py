"""Alive and ready: what supervisors and load balancers are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from cds_service.health import Health, Lifecycle
from cds_service.records.feedback import NullFeedbackStore

if TYPE_CHECKING:
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
    ).get("/readyz")
    assert response.status_code == 200
    assert response.json == {
        "status": "ready",
        "feedback": "ok",
        "records": "unavailable",
        "replays": "ok",
        "circuits": {"open": 1, "closed": 2},
        "modes": {"off": 1, "on": 1},
    }


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
