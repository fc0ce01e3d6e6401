"""What a request says of itself, before anybody has checked it: enough to keep one client's flood off the others.

Where all threads are busy, requests wait by client. Checking a token takes a thread, so it is the claim that counts
here. Who claims to be another only stands in its line: an answer still takes a valid token.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

_LONGEST: Final = 16 * 1024  # bytes of a head that are looked at
_TOKEN: Final = re.compile(rb"\r\nauthorization:[ \t]*bearer[ \t]+[\w-]+\.([\w-]{1,8000})\.", re.IGNORECASE)
_ORIGIN: Final = re.compile(rb"\r\norigin:[ \t]*([!-~]{1,300})[ \t]*(?:\r\n|$)", re.IGNORECASE)


def claimed_origin(data: bytes | bytearray) -> str:
    """Return the origin of the page from which a request comes; empty where it comes from none."""
    found = _ORIGIN.search(_head(data))
    return found[1].decode("ascii") if found else ""


def claimed_client(data: bytes | bytearray, clients: Mapping[str, str]) -> str | None:
    """Return the client, by the issuer of a request's token, of those whose issuer nobody else has; None of others.

    An issuer that is not known is none of its own: whoever makes many up would get a share for each.
    """
    found = _TOKEN.search(_head(data))
    if not found:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(found[1] + b"=="))
    except (ValueError, RecursionError):
        return None
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    return clients.get(issuer) if isinstance(issuer, str) else None


def _head(data: bytes | bytearray) -> bytes:
    return bytes(memoryview(data)[:_LONGEST]).partition(b"\r\n\r\n")[0]


def clients_by_issuer(issuers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the client of each issuer that only one has, from pairs of issuer and client."""
    found: dict[str, str] = {}
    several = set()
    for issuer, client in issuers:
        if found.setdefault(issuer, client) != client:
            several.add(issuer)
    return {issuer: client for issuer, client in found.items() if issuer not in several}
