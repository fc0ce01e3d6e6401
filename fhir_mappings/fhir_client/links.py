"""Which links of a FHIR server are followed: those that stay on it, below its base address.

A link comes from a Bundle, so from whoever wrote it, and the token goes where it leads. Whatever two programs might
read differently (dot segments, encoded slashes, user names, odd characters) is not followed; a page that is not read
leaves its source incomplete, which harms nobody.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import urljoin, urlsplit

_LONGEST: Final = 8192
_PORTS: Final = {"http": 80, "https": 443}
_PRINTABLE = re.compile(r"[!-~]+")
_AUTHORITY = re.compile(r"[A-Za-z0-9.\-]+(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?")
# A path that every program reads alike: no backslash, and no percent sign that hides a separator, a dot, a control
# character or another percent sign.
_PLAIN_PATH = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/\-]|%(?!2[EeFf5]|5[Cc]|[01]|7[Ff])[0-9A-Fa-f]{2})*")
# Some servers drop what follows a semicolon before they look at the dots.
_DOTS = re.compile(r"\.{1,2}(?:;.*)?")


class _Place(NamedTuple):
    """Where an address leads, in the form in which two are compared."""

    scheme: str
    host: str
    port: int
    path: str


def resolve_link(link: str, page: str, base: str) -> str | None:
    """Return the absolute address of a link found on a page; None for one that leads out of the server's base.

    `link` may be relative. A fragment is dropped: it is never sent.
    """
    if len(link) > _LONGEST or not _PRINTABLE.fullmatch(link) or "\\" in link:
        return None
    try:
        # Joining resolves dot segments, so they have to be looked for before.
        target = urljoin(page, link).partition("#")[0] if _is_plain(urlsplit(link).path) else ""
    except ValueError:
        return None
    return target if is_below(target, base) else None


def is_below(url: str, base: str) -> bool:
    """Whether an absolute address is of the same origin as a FHIR server's base, and the base or a path below it."""
    place, root = _place(url), _place(base)
    if place is None or root is None or place[:3] != root[:3]:
        return False
    above = root.path.rstrip("/")
    return place.path == above or place.path.startswith(f"{above}/")


def _place(url: str) -> _Place | None:
    """Return where an address leads; None for one that may be read in more than one way."""
    if not _PRINTABLE.fullmatch(url) or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    usual = _PORTS.get(parts.scheme)
    if usual is None or not _AUTHORITY.fullmatch(parts.netloc) or not parts.hostname or not _is_plain(parts.path):
        return None
    return _Place(parts.scheme, parts.hostname, usual if port is None else port, parts.path)


def _is_plain(path: str) -> bool:
    return bool(_PLAIN_PATH.fullmatch(path)) and not any(_DOTS.fullmatch(part) for part in path.split("/"))
