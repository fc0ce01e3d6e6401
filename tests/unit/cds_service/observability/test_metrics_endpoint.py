"""Who may read the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import Flask

from cds_service.observability.metrics import Metrics
from cds_service.observability.metrics_endpoint import MetricsEndpoint

if TYPE_CHECKING:
    from flask.testing import FlaskClient


def client(token: str | None) -> FlaskClient:
    """Return a client of the address."""
    app = Flask("x")
    app.register_blueprint(MetricsEndpoint(Metrics(), token).blueprint())
    return app.test_client()


@pytest.mark.parametrize("token", [None, ""])
def test_open_without_a_token(token: str | None) -> None:
    """Without a token in the configuration, Prometheus needs none; nothing between keeps the answer."""
    response = client(token).get("/metrics")
    assert response.status_code == 200
    assert response.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("header", ["Bearer s3cret", "bearer  s3cret "])
def test_token_opens(header: str) -> None:
    """Prometheus sends the token as RFC 6750 says."""
    assert client("s3cret").get("/metrics", headers={"Authorization": header}).status_code == 200


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer s3cre", "Bearer s3crets", "Basic s3cret", "s3cret", "Bearer \xe9"]
)
def test_anything_else_is_refused_without_a_word(header: str | None) -> None:
    """Neither the numbers nor the reason are told."""
    response = client("s3cret").get("/metrics", headers={"Authorization": header} if header is not None else {})
    assert (response.status_code, response.data) == (401, b"")
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_repr_shows_no_token() -> None:
    """A token does not end up in a message by mistake."""
    assert "s3cret" not in repr(MetricsEndpoint(Metrics(), "s3cret"))
