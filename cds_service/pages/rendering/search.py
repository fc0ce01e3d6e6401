"""Searching a long page by words: the same comparison as `static/js/filter.js` makes, for browsers without scripts."""

from __future__ import annotations

import unicodedata
from typing import Final

# More would bury the list; as in filter.js.
MOST_OPENED: Final = 12


def folded(text: str) -> str:
    """Return a text in a form in which it compares: without case, and without differences of width or ligature."""
    return " ".join(unicodedata.normalize("NFKD", text.lower()).split())


def words_of(query: str) -> list[str]:
    """Return the words that are searched."""
    return folded(query).split()
