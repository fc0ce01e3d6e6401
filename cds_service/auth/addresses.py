"""Which addresses of keys, and of this service, a configuration may name."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from cds_service.clients.addresses import is_loopback
from cds_service.egress.network import Network

# Visible ASCII without a backslash or a quote: readers of addresses disagree on everything else.
_PLAIN: Final = re.compile(r"[!#-;=?-\[\]^-~]+")


def jku_problem(jku: str, network: Network) -> str | None:
    """Return what is wrong with the address of an issuer's keys; None when nothing is."""
    parts = _split(jku)
    if parts is None or parts.fragment or "#" in jku:
        return "jku must be an absolute https address without user information and fragment"
    if parts.scheme == "https" or (network.loopback and is_loopback(parts.hostname or "")):
        return None
    return "jku must be https; plain http is for this machine only, where the client's network allows loopback"


def public_url_problem(url: str) -> str | None:
    """Return what is wrong with the public address of this service; None when nothing is."""
    parts = _split(url)
    if parts is None or "?" in url or "#" in url:
        return "must be an absolute address without user information, query and fragment"
    if parts.scheme == "https" or is_loopback(parts.hostname or ""):
        return None
    return "must be https; plain http is for this machine only"


def _split(url: str) -> SplitResult | None:
    """Return the parts of an absolute http or https address; None when it is none or has user information."""
    if not _PLAIN.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if sound and "@" not in parts.netloc else None
