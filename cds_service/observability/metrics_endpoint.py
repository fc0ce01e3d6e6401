"""`GET /metrics`, for Prometheus; with a token where the network does not keep others away."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from cds_service.protocol.trace import current_trace

if TYPE_CHECKING:
    from flask import Flask

    from cds_service.observability.metrics import Metrics


@dataclass(frozen=True, slots=True)
class MetricsEndpoint:
    """The address and, where it is set, the token that must be brought."""

    metrics: Metrics
    token: str | None = field(default=None, repr=False)

    def blueprint(self) -> Blueprint:
        """Return the route."""
        blueprint = Blueprint("metrics", __name__)
        blueprint.get("/metrics")(self.scrape)
        return blueprint

    def scrape(self) -> Response:
        """Answer with the numbers, or with a bare 401."""
        if not self._allowed():
            return Response(status=HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})
        response = Response(self.metrics.render(), content_type=CONTENT_TYPE_PLAIN_0_0_4)
        response.cache_control.no_store = True
        return response

    def _allowed(self) -> bool:
        """Return whether the token is the right one, in a time that tells nothing about it."""
        if not self.token:
            return True
        scheme, _, offered = request.headers.get("Authorization", "").partition(" ")
        same = hmac.compare_digest(offered.strip().encode(), self.token.encode())
        return same and scheme.lower() == "bearer"


def count_requests(app: Flask, metrics: Metrics) -> None:
    """Count every answer of an application."""

    @app.after_request
    def _count(response: Response) -> Response:
        metrics.observe(current_trace(), response.status_code)
        return response
