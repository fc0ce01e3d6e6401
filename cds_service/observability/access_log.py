"""The line of each request, and the id by which it is found."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from flask import request

from cds_service.observability.logs import ACCESS, ACCESS_SENTENCE
from cds_service.protocol.trace import current_trace

if TYPE_CHECKING:
    from flask import Flask, Response

# Supervisors ask every few seconds; their lines would bury the others.
_QUIET_ENDPOINTS: Final = frozenset({"health.live", "health.ready", "metrics.scrape"})


def log_requests(app: Flask) -> None:
    """Give every answer of an application its request id, and every request its line."""
    access = logging.getLogger(ACCESS)

    @app.before_request
    def _begin() -> None:
        current_trace()

    @app.after_request
    def _finish(response: Response) -> Response:
        trace = current_trace()
        response.headers["X-Request-ID"] = trace.request_id
        level = logging.DEBUG if request.endpoint in _QUIET_ENDPOINTS else logging.INFO
        if access.isEnabledFor(level):
            fields = trace.line(response.status_code)
            # Made and handed on without asking where in the code that was, which takes longer than the line.
            access.handle(access.makeRecord(ACCESS, level, "", 0, ACCESS_SENTENCE, (), None, extra=fields))
        return response
