"""The answer to a request for which no thread is free in time: the 503 of a hook, made without one."""

from __future__ import annotations

import uuid
from functools import cache
from http import HTTPStatus
from typing import Final

from cds_service.protocol.errors import RETRY_SECONDS, overloaded_outcome

_NO_ID: Final = str(uuid.UUID(int=0))


def overloaded_answer(origin: str = "") -> bytes:
    """Return the whole HTTP answer, with a request id of its own; a page of an allowed `origin` may read it."""
    made = _template().replace(_NO_ID.encode(), str(uuid.uuid4()).encode())
    if not origin:
        return made
    allowed = f"Access-Control-Allow-Origin: {origin}\r\nAccess-Control-Expose-Headers: X-Request-ID\r\nVary: Origin"
    return made.replace(b"Connection: close", f"{allowed}\r\nConnection: close".encode(), 1)


@cache
def _template() -> bytes:
    body = overloaded_outcome(_NO_ID).encode()
    status = HTTPStatus.SERVICE_UNAVAILABLE
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nRetry-After: {RETRY_SECONDS}\r\nX-Request-ID: {_NO_ID}\r\n"
        "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
