"""The headers that keep a page from doing, or being made to do, what its author did not write.

Pages show text that came from charts. The policy lets a browser run scripts and styles of this service only and send
nothing elsewhere, so that markup which slipped through would still be dead. Answers of the API are JSON: they only
need to be taken as that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask, Response

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

# Cross-Origin-Opener-Policy is not among them: browsers complain of it on plain http, and no page opens a window that
# could reach back.
PAGE_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Not "no-referrer": with that a browser hides where a form comes from even from the service it came from.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def refuse_sniffing(app: Flask) -> None:
    """Make every answer of an application be taken for the type that it declares."""

    @app.after_request
    def _nosniff(response: Response) -> Response:
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response
