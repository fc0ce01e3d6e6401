"""Hands the calls of an application to the journal, after each was answered."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import g, request

from cds_service.calls.observed import Observed
from cds_service.protocol.trace import current_trace

if TYPE_CHECKING:
    from flask import Flask, Response

    from cds_service.calls.journal import Journal
    from cds_service.calls.judged import Kind

_HOOK: Final = "hooks.call"
_FEEDBACK: Final = "hooks.report"


def watch_calls(app: Flask, journal: Journal) -> None:
    """Have the calls of an application's hooks judged."""

    @app.after_request
    def _watch(response: Response) -> Response:
        trace, status = current_trace(), response.status_code
        endpoint = trace.endpoint
        if endpoint not in (_HOOK, _FEEDBACK) or trace.method != "POST":
            return response
        kind: Kind = "assessed" if trace.orders else "unrelated"
        if status != HTTPStatus.OK:
            kind = "refused"
        elif endpoint == _FEEDBACK:
            kind = "feedback"
        if journal.wants(trace.client or "", kind):
            journal.take(
                Observed(
                    trace=trace,
                    kind=kind,
                    milliseconds=trace.milliseconds,
                    at=time.time(),
                    path=request.path,
                    status=status,
                    is_feedback=endpoint == _FEEDBACK,
                    body=g.get("body"),
                    authorization=tuple(request.headers.getlist("Authorization")),
                )
            )
        return response
