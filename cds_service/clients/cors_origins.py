"""The web pages that may call for a client, by their origin.

An entry of a profile is an origin as browsers send it, or `loopback`: any page served from this machine, on whatever
port, since a tool started by hand rarely has the same one twice.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cds_service.clients.profile import ClientProfile

LOOPBACK: Final = "loopback"
LOOPBACK_PAGE: Final = re.compile(r"https?://(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?")

_USUAL_PORTS: Final = {"http": ":80", "https": ":443"}


def allows_origin(profile: ClientProfile, origin: str) -> bool:
    """Whether a page of this origin may call for a client; no origin is not a page."""
    if origin == LOOPBACK:
        return False  # a word of ours, which no browser sends
    return origin in profile.origins or (LOOPBACK in profile.origins and bool(LOOPBACK_PAGE.fullmatch(origin)))


def client_of_origin(profiles: Sequence[ClientProfile], origin: str) -> ClientProfile | None:
    """Return the client for which a page of this origin calls: one that lists it, else one that takes local pages."""
    listing = (profile for profile in profiles if origin in profile.origins and origin != LOOPBACK)
    return next(listing, None) or next((profile for profile in profiles if allows_origin(profile, origin)), None)


def cors_origins(profiles: Iterable[ClientProfile]) -> list[str | re.Pattern[str]]:
    """Return the origins of all clients as flask-cors takes them, or an empty list for none."""
    entries = list(dict.fromkeys(origin for profile in profiles for origin in profile.origins))
    exact = [_exactly(entry) for entry in entries if entry != LOOPBACK]
    return [*exact, re.compile(rf"{LOOPBACK_PAGE.pattern}\Z")] if LOOPBACK in entries else exact


def _exactly(origin: str) -> str | re.Pattern[str]:
    """Return an origin so that flask-cors does not take the brackets of an IPv6 address for a pattern."""
    return re.compile(rf"{re.escape(origin)}\Z") if "[" in origin else origin


def tidy_origin(origin: str) -> str:
    """Return an origin as browsers send it: without the usual port of its scheme."""
    scheme, separator, _ = origin.partition("://")
    return origin.removesuffix(_USUAL_PORTS[scheme]) if separator else origin


def origin_problem(origin: str) -> str | None:
    """Return what is wrong with an entry of `origins`."""
    if origin == LOOPBACK or LOOPBACK_PAGE.fullmatch(origin):
        return None
    try:
        parts = urlsplit(origin)
        known = bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known:
        return "is not the origin of a web page"
    return (
        None
        if origin.startswith("https://")
        else "must begin with https://; only pages of this machine may use http://"
    )
