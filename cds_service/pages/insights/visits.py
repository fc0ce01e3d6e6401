"""A visit of the insights in a browser: Flask's signed session, and a note of the visits that were ended.

A signed cookie alone opens the page to whoever copied it, until it expires. So each visit has an id, and one that was
ended by signing out is remembered where every worker sees it, as a used token is.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from flask import Flask, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.wrappers import Request
from flask_wtf.csrf import generate_csrf, validate_csrf  # type: ignore[import-untyped] # ships no types
from wtforms import ValidationError  # type: ignore[import-untyped] # ships no types

from cds_service.auth.replay.store import UsedTokens

PATH: Final = "/insights"
# The other pages that the same visit opens.
PAGES: Final = (PATH, "/calls")
COOKIE: Final = "lumbar-cds-insights"
VISIT: Final = timedelta(hours=2)
CSRF_FIELD: Final = "csrf_token"

_ISSUER: Final = "insights"


class InsightsSessions(SecureCookieSessionInterface):
    """Sessions of these pages only: whoever calls a hook waits for no cookie to be read."""

    def __init__(self, is_https: Callable[[], bool]) -> None:
        """Take what tells whether the request in hand came by https."""
        self._is_https = is_https

    def install(self, app: Flask, key: bytes) -> None:
        """Give an application these sessions, signed with a key."""
        app.secret_key = key
        app.session_interface = self
        app.config |= {
            "PERMANENT_SESSION_LIFETIME": VISIT,
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_NAME": COOKIE,
            "SESSION_COOKIE_PATH": "/",  # a cookie has one path, and a visit opens several pages
            # Not "Strict": the form that a link from elsewhere then leads to would take the place of a visit under way.
            "SESSION_COOKIE_SAMESITE": "Lax",
            "SESSION_REFRESH_EACH_REQUEST": False,  # a visit ends two hours after it began
        }

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return the session of a request to one of the pages that a visit opens."""
        return super().open_session(app, request) if request.path.startswith(PAGES) else None

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - of Flask's interface
        """Whether browsers send the cookie by https only."""
        return self._is_https()


@dataclass(frozen=True, slots=True)
class Visits:
    """Begins and ends visits; ReplayUnavailableError when it cannot be told which were ended."""

    ended: UsedTokens
    clock: Callable[[], datetime]

    def begin(self) -> None:
        """Begin a visit in a session that holds nothing of before."""
        session.clear()
        session.permanent = True
        session["visit"] = secrets.token_urlsafe(16)
        session["until"] = math.floor((self.clock() + VISIT).timestamp())

    def is_under_way(self) -> bool:
        """Whether the session in hand is of a visit that has not ended."""
        if "visit" not in session or self.clock().timestamp() >= session["until"]:
            return False
        return not self.ended.was_used(_ISSUER, session["visit"])

    def end(self) -> None:
        """End the visit of the session in hand for every copy of the session."""
        if "visit" in session:
            self.ended.first_use(_ISSUER, session["visit"], datetime.fromtimestamp(session["until"], UTC))
        session.clear()


def form_token() -> str:
    """Return what a form of these pages carries, so that no other site can send it."""
    return str(generate_csrf())


def is_own_form(sent: str | None) -> bool:
    """Whether a form carried what was given to this session."""
    try:
        validate_csrf(sent, time_limit=int(VISIT.total_seconds()))
    except ValidationError:
        return False
    return True
