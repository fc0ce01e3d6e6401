"""`/calls`: the last calls of each client, judged, and a report of each to hand on.

Whoever may see the insights may see this. The files hold what the page shows, so that they can be sent to the other
side: no patient data, no token and no address of a caller is in them.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, Response

from cds_service.pages.calls.report import STATE_WORDS, ClientReport, moment, reports
from cds_service.pages.rendering.assets import load_assets
from cds_service.pages.rendering.security import PAGE_HEADERS
from cds_service.protocol.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response as BaseResponse

    from cds_service.calls.journal import Journal
    from cds_service.pages.insights.login import InsightsLogin
    from cds_service.pages.rendering.renderer import Renderer

PATH: Final = "/calls"
_UNREADABLE: Final = "The calls cannot be read at this moment; please try again later."
_PATIENCE: Final = 1.0  # seconds to wait for the calls that are being judged


@dataclass(frozen=True, slots=True)
class CallsPage:
    """The page and the files of its reports."""

    renderer: Renderer
    journal: Journal
    login: InsightsLogin

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("calls", __name__)

        @routes.before_request
        def _admit() -> BaseResponse | None:
            return self.login.refusal()

        routes.get(PATH)(self.show)
        routes.get(f"{PATH}/<name>.<any(json,html):form>")(self.hand_out)
        return routes

    def show(self) -> Response:
        """Show every client that called."""
        response = self.renderer.page("calls.html", reports=self._reports(), **_WORDS)
        response.cache_control.no_store = True
        return response

    def hand_out(self, name: str, form: str) -> Response:
        """Answer with the report of one client as a file that stands on its own."""
        found = next((report for report in self._reports() if report.client == name), None)
        if found is None:
            raise ServiceError(HTTPStatus.NOT_FOUND, "not-found", "No call of this client is kept.")
        now = datetime.now(UTC)
        if form == "json":
            return _file(found.json(now), "application/json", f"calls-{name}.json")
        style = load_assets().inline_style("calls_report.css")
        made = moment(now.timestamp())
        page = self.renderer.html("calls_report.html", report=found, made=made, style=style, **_WORDS)
        return _file(page, "text/html", f"calls-{name}.html")

    def _reports(self) -> list[ClientReport]:
        self.journal.flush(_PATIENCE)
        try:
            return reports(self.journal.last())
        except sqlite3.Error:
            raise ServiceError(HTTPStatus.SERVICE_UNAVAILABLE, "transient", _UNREADABLE) from None


_WORDS: Final[Mapping[str, Any]] = {"state_words": STATE_WORDS, "moment": moment}


def _file(body: str | bytes, media_type: str, name: str) -> Response:
    response = Response(body, mimetype=media_type)
    response.headers.update(PAGE_HEADERS)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.cache_control.no_store = True
    return response
