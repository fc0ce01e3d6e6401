"""What can be wrong with the public address of this service, by which its clients' tokens name it."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from cds_service.clients.file.addresses import is_loopback

# Visible ASCII without a backslash or a quote: readers of addresses disagree on everything else.
_PLAIN: Final = re.compile(r"[!#-;=?-\[\]^-~]+")


def public_url_problem(url: str) -> str | None:
    """Return what is wrong with the address; None when nothing is.

    It is compared and never called, so it may be on any host that clients know, a private one too.
    """
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound, parts = False, None
    if not _PLAIN.fullmatch(url) or parts is None or not sound or "@" in parts.netloc or "?" in url or "#" in url:
        return "must be an absolute address without user information, query and fragment"
    if parts.scheme == "https" or is_loopback(parts.hostname or ""):
        return None
    return "must be https; plain http is for this machine only"
