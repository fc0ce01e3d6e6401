"""What an HTTP request brings to prove who sends it."""

from __future__ import annotations

from flask import Request

from cds_service.auth.verifiers.callers import Credentials


def credentials_of(request: Request) -> Credentials:
    """Return the credentials of a request.

    The remote address is that of the connection, also where a middleware has put one from `X-Forwarded-For` in its
    place: whether a proxy's headers are believed must not depend on what a caller writes into another header.
    """
    headers = request.headers
    before_proxies = request.environ.get("werkzeug.proxy_fix.orig", {})
    return Credentials(
        endpoint=request.path,
        authorization=tuple(headers.getlist("Authorization")),
        headers={name.lower(): value for name, value in headers.items()},
        remote_address=before_proxies.get("REMOTE_ADDR", request.remote_addr) or "",
        origin=headers.get("Origin", ""),
    )
