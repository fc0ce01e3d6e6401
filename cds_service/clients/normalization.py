"""Spellings that mean the same: addresses with and without a last slash, fingerprints with and without colons."""

from __future__ import annotations


def without_slash(address: str) -> str:
    """Return an address without one slash at its end, since clients disagree on whether there is one."""
    return address.removesuffix("/")


def plain_fingerprint(fingerprint: str) -> str:
    """Return a fingerprint in lower case without colons, as tools print it with and without."""
    return fingerprint.replace(":", "").strip().lower()
