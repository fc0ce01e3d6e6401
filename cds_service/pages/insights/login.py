"""The way in to the insights: a form for people, `Authorization: Bearer` for scripts, and the way out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from cds_service.pages.insights.access import VISIT, Attempts, InsightsAccess, Visits
from cds_service.pages.insights.filters import PARAMETERS
from cds_service.pages.rendering.renderer import Renderer
from cds_service.pages.rendering.security import PAGE_HEADERS
from cds_service.protocol.errors import ServiceError, UnauthorizedError

PATH: Final = "/insights"
COOKIE: Final = "lumbar-cds-insights"

_LONGEST_FORM: Final = 4096  # bytes
_OWN_SITE: Final = ("same-origin", "none")


@dataclass(frozen=True, slots=True)
class InsightsLogin:
    """Lets visitors in, or tells them what is missing; `monotonic` is in seconds."""

    renderer: Renderer
    access: InsightsAccess
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    _visits: Visits = field(init=False, repr=False)
    _attempts: Attempts = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Derive the key once."""
        object.__setattr__(self, "_visits", Visits(self.access, self.clock))
        object.__setattr__(self, "_attempts", Attempts(self.monotonic))

    def add_routes(self, routes: Blueprint) -> None:
        """Add the form and the way out to the routes of the insights."""
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
        if self._visits.is_under_way(request.cookies.get(COOKIE, "")):
            return None
        if not _wants_html():
            raise UnauthorizedError
        return _unkept(redirect(f"{PATH}/login{_question()}", HTTPStatus.SEE_OTHER))

    def form(self) -> BaseResponse:
        """Show the form; whoever needs none is led on."""
        if self.access.is_closed:
            return self._closed()
        if self.access.is_open or self._visits.is_under_way(request.cookies.get(COOKIE, "")):
            return _unkept(redirect(f"{PATH}{_question()}", HTTPStatus.SEE_OTHER))
        return self._show_form(HTTPStatus.OK)

    def enter(self) -> BaseResponse:
        """Let in whoever sends the token."""
        self._refuse_other_sites()
        if not self.access.token:
            return self.form()
        request.max_content_length = _LONGEST_FORM
        admitted, wait = self._judged(right=self.access.matches(request.form.get("token", "").strip()))
        if wait:
            response = self._show_form(
                HTTPStatus.TOO_MANY_REQUESTS, f"Too many wrong tokens. Try again in {wait} seconds."
            )
            response.headers["Retry-After"] = str(wait)
            return response
        if not admitted:
            return self._show_form(HTTPStatus.UNAUTHORIZED, "This is not the token.")
        entered = _unkept(redirect(f"{PATH}{_question()}", HTTPStatus.SEE_OTHER))
        entered.set_cookie(
            COOKIE,
            self._visits.begin(),
            max_age=VISIT,
            path=PATH,
            secure=self._is_https(),
            httponly=True,
            samesite="Strict",
        )
        return entered

    def leave(self) -> BaseResponse:
        """Make the browser forget the visit."""
        self._refuse_other_sites()
        response = _unkept(redirect(f"{PATH}/login", HTTPStatus.SEE_OTHER))
        response.delete_cookie(COOKIE, path=PATH, secure=self._is_https(), httponly=True, samesite="Strict")
        return response

    def _judged(self, *, right: bool) -> tuple[bool, int]:
        """Return whether a token lets in, and for a refusal how many seconds to wait, 0 for none; count a wrong one."""
        address = _address()
        if wait := self._attempts.shut(address):
            return False, wait
        if right:
            return True, 0
        slowed = self._attempts.wait(address) > 0
        self._attempts.fail(address)
        return False, self._attempts.wait(address) if slowed else 0

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
            hours=int(VISIT.total_seconds() // 3600),
        )
        response.cache_control.no_store = True
        return response

    def _refuse_other_sites(self) -> None:
        """Refuse a form that the browser says another site has sent.

        Browsers leave out Sec-Fetch-Site on plain http, and old ones everywhere; there Origin tells. A proxy may have
        taken off TLS, so schemes are not compared. Whatever sends neither header is no browser.
        """
        site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
        if site is not None:
            own = site in _OWN_SITE
        else:
            own = origin is None or _host(origin) in (_host(request.host_url), _host(self.renderer.base_url()))
        if not own:
            raise ServiceError(HTTPStatus.FORBIDDEN, "forbidden", "This form was sent by another site.")

    def _is_https(self) -> bool:
        return self.renderer.base_url().startswith("https://")


def _wants_html() -> bool:
    accepted = request.accept_mimetypes
    return accepted.provided and accepted["text/html"] > accepted["application/json"]


def _question() -> str:
    """Return the filters of the address in hand as they were given; anything else in it is not carried on."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name in PARAMETERS]
    return f"?{urlencode(kept)}" if kept else ""


def _host(url: str) -> str:
    """Return host and port of an address, without the port where it is a usual one; empty for what is no address."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    except ValueError:
        return ""
    return f"{parts.hostname or ''}{port}"


def _address() -> str:
    return request.remote_addr or "unknown"


def _unkept(response: BaseResponse) -> BaseResponse:
    """Put the headers of pages on a redirect, which no cache may keep."""
    response.headers.update(PAGE_HEADERS)
    response.cache_control.no_store = True
    return response
