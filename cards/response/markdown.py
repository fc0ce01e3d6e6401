"""Escaping for GitHub Flavored Markdown: whatever did not come from the wording catalogue is text, never markup."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"([\\`*_\[\]|<>~@&])")
_LINK = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
_BREAKS = re.compile(r"\s+")
_PLAIN_ID = re.compile(r"[^A-Za-z0-9./-]")
_LONGEST_ID = 100


def escape(text: str) -> str:
    """Return text that renders as itself within a line: no markup, no HTML, no link, no mention.

    Signs that mean something at the start of a line only are left alone, since no line starts with such text.
    """
    escaped = _SPECIAL.sub(r"\\\1", _BREAKS.sub(" ", text).strip())
    return _LINK.sub(r"\\", escaped)


def reference(text: str) -> str:
    """Return a resource reference as a code span; characters that no FHIR id has are dropped."""
    plain = _PLAIN_ID.sub("", text)
    return f"`{plain if len(plain) <= _LONGEST_ID else plain[:_LONGEST_ID] + '…'}`"
