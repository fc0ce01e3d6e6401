"""The way in to the insights: a form for people, `Authorization: Bearer` for scripts, and the way out."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, cast
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, redirect, request
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response as BaseResponse

from cds_service.auth.replay.store import ReplayUnavailableError
from cds_service.pages.insights.access import Attempts, InsightsAccess
from cds_service.pages.insights.filters import PARAMETERS
from cds_service.pages.insights.visits import (
    CSRF_FIELD,
    PAGES,
    PATH,
    VISIT,
    InsightsSessions,
    Visits,
    form_token,
    is_own_form,
)
from cds_service.pages.rendering.renderer import Renderer
from cds_service.pages.rendering.security import PAGE_HEADERS
from cds_service.protocol.errors import ServiceError, UnauthorizedError, outcome_response

_LONGEST_FORM: Final = 4096  # bytes
_PAGE: Final = "page"
_NOT_OWN: Final = "This form was too old, or sent by another site. Please try again."
_NO_VISITS: Final = "Who is signed in cannot be told at this moment; please try again later."


@dataclass(frozen=True, slots=True)
class InsightsLogin:
    """Lets visitors in, or tells them what is missing."""

    renderer: Renderer
    access: InsightsAccess
    visits: Visits
    attempts: Attempts

    def add_routes(self, routes: Blueprint) -> None:
        """Add the form and the way out to the routes of the insights."""
        routes.record_once(self._install_sessions)
        routes.register_error_handler(ReplayUnavailableError, _no_visits)
        routes.get(f"{PATH}/login")(self.form)
        routes.post(f"{PATH}/login")(self.enter)
        routes.post(f"{PATH}/logout")(self.leave)

    def refusal(self) -> BaseResponse | None:
        """Return the answer to a visitor who may not see anything, or None for one who may.

        A browser is led to the form. A script gets UnauthorizedError (401), or ServiceError: 429 after too many wrong
        tokens, 403 where there is no way in.
        """
        if self.access.is_open:
            return None
        if self.access.is_closed:
            return self._closed()
        if "Authorization" in request.headers:
            self._check_bearer()
            return None
        if self.visits.is_under_way():
            return None
        if not _wants_html():
            raise UnauthorizedError
        return _unkept(redirect(f"{PATH}/login{_question(request.path)}", HTTPStatus.SEE_OTHER))

    def form(self) -> BaseResponse:
        """Show the form; whoever needs none is led on."""
        if self.access.is_closed:
            return self._closed()
        if self.access.is_open or self.visits.is_under_way():
            return _unkept(redirect(_asked_for(), HTTPStatus.SEE_OTHER))
        return self._show_form(HTTPStatus.OK)

    def enter(self) -> BaseResponse:
        """Let in whoever sends the token."""
        if not self.access.token:
            return self.form()
        if not _is_own_form():
            return self._show_form(HTTPStatus.BAD_REQUEST, _NOT_OWN)
        admitted, wait = self._judged(right=self.access.matches(request.form.get("token", "").strip()))
        if wait:
            response = self._show_form(
                HTTPStatus.TOO_MANY_REQUESTS, f"Too many wrong tokens. Try again in {wait} seconds."
            )
            response.headers["Retry-After"] = str(wait)
            return response
        if not admitted:
            return self._show_form(HTTPStatus.UNAUTHORIZED, "This is not the token.")
        self.visits.begin()
        return _unkept(redirect(_asked_for(), HTTPStatus.SEE_OTHER))

    def leave(self) -> BaseResponse:
        """End the visit, here and wherever its cookie was copied to."""
        if not self.access.token:
            return self.form()
        if not _is_own_form():
            return self._show_form(HTTPStatus.BAD_REQUEST, _NOT_OWN)
        self.visits.end()
        return _unkept(redirect(f"{PATH}/login", HTTPStatus.SEE_OTHER))

    def _install_sessions(self, state: BlueprintSetupState) -> None:
        if key := self.access.session_key:
            InsightsSessions(self._is_https).install(cast("Flask", state.app), key)

    def _judged(self, *, right: bool) -> tuple[bool, int]:
        """Return whether a token lets in, and for a refusal how many seconds to wait, 0 for none; count a wrong one."""
        address = _address()
        if wait := self.attempts.shut(address):
            return False, wait
        if right:
            return True, 0
        slowed = self.attempts.wait(address) > 0
        self.attempts.fail(address)
        return False, self.attempts.wait(address) if slowed else 0

    def _check_bearer(self) -> None:
        scheme, _, offered = request.headers["Authorization"].partition(" ")
        right = self.access.matches(offered.strip()) and scheme.lower() == "bearer"
        admitted, wait = self._judged(right=right)
        if wait:
            error = ServiceError(HTTPStatus.TOO_MANY_REQUESTS, "throttled", "Too many wrong tokens; try again later.")
            error.headers["Retry-After"] = str(wait)
            raise error
        if not admitted:
            raise UnauthorizedError

    def _closed(self) -> Response:
        """Explain how the page is opened, to people and to scripts."""
        if not _wants_html():
            message = "The insights are closed: no LUMBAR_CDS_ADMIN_TOKEN is set."
            raise ServiceError(HTTPStatus.FORBIDDEN, "forbidden", message)
        return self.renderer.page("insights_closed.html", status=HTTPStatus.FORBIDDEN)

    def _show_form(self, status: int, problem: str = "") -> Response:
        response = self.renderer.page(
            "insights_login.html",
            status=status,
            problem=problem,
            question=_question(),
            csrf_token=form_token(),
            hours=int(VISIT.total_seconds() // 3600),
        )
        response.cache_control.no_store = True
        return response

    def _is_https(self) -> bool:
        return self.renderer.base_url().startswith("https://")


def _wants_html() -> bool:
    accepted = request.accept_mimetypes
    return accepted.provided and accepted["text/html"] > accepted["application/json"]


def _question(page: str = "") -> str:
    """Return the filters of the address in hand, and which page is asked for; anything else is not carried on."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name in PARAMETERS]
    asked = page or request.args.get(_PAGE, "")
    kept += [(_PAGE, asked)] if asked in PAGES and asked != PATH else []
    return f"?{urlencode(kept)}" if kept else ""


def _asked_for() -> str:
    """Return the address that a visitor was on the way to: one of these pages, whatever the form says."""
    page = request.args.get(_PAGE, PATH)
    kept = [(name, value) for name, value in request.args.items(multi=True) if name in PARAMETERS]
    return (page if page in PAGES else PATH) + (f"?{urlencode(kept)}" if kept else "")


def _is_own_form() -> bool:
    request.max_content_length = _LONGEST_FORM
    return is_own_form(request.form.get(CSRF_FIELD))


def _no_visits(_: Exception) -> Response:
    return outcome_response(HTTPStatus.SERVICE_UNAVAILABLE, "transient", _NO_VISITS)


def _address() -> str:
    return request.remote_addr or "unknown"


def _unkept(response: BaseResponse) -> BaseResponse:
    """Put the headers of pages on a redirect, which no cache may keep."""
    response.headers.update(PAGE_HEADERS)
    response.cache_control.no_store = True
    return response
