"""Of which day a text speaks: notes are copied forward, and what stands under the heading of an earlier day is past.

"Per note 3/2/2025: new saddle anaesthesia. Today: resolved." Such words still ask, as whatever may hold does, but they
say nothing of now.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from fhir_mappings.words.tokens import Words

_BEGAN = frozenset({"since", "from", "started", "began", "onset"})
_CENTURIES = ("19", "20")
_YEAR = 4
_BEHIND = 4  # words from a phrase to its year

_LONGEST_HEADING = 8  # words
# What makes the words under it somebody's earlier ones, and what else stands in the heading of a note.
_COPIED = frozenset({"copied", "carried", "pasted", "copy", "note", "notes", "hpi", "documentation"})
_SURELY = frozenset({"copied", "carried", "pasted"})
_HEADING = _COPIED.union(
    ("per", "from", "forward", "prior", "previous", "last", "old", "my", "dr", "the", "on", "of", "in", "at", "as"),
    ("clinic", "office", "ed", "er", "visit", "seen", "dated", "date", "progress", "consult", "neurosurgery", "pcp"),
)
_NOW = frozenset({"today", "now", "currently", "presently", "update", "interval"})
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*\.?"
_DATE = re.compile(
    r"(?P<y>(?:19|20)\d\d)-(?P<m>\d\d?)-(?P<d>\d\d?)(?!\d)"
    r"|(?P<a>\d\d?)[/.-](?P<b>\d\d?)[/.-](?P<c>(?:19|20)?\d\d)(?!\d)"
    rf"|(?:(?P<before>\d\d?) )?{_NAMED}(?: (?P<after>\d\d?)(?:st|nd|rd|th)?,?)? (?P<year>(?:19|20)\d\d)(?!\d)",
    re.IGNORECASE,
)
_CENTURY = 2000
_BLANK_LINE = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of an earlier day or note: the days that its date can mean, and whether it says that it is a copy."""

    days: frozenset[date]
    is_copy: bool

    def is_of(self, day: date | None) -> bool:
        """Whether what stands under it speaks of a day: a note of that day does, and a dated line of its year may."""
        if day is None:
            return False
        return day in self.days or (not self.is_copy and any(found.year == day.year for found in self.days))


def year_behind(words: Words, end: int, high: int) -> tuple[int | None, bool]:
    """Return the year that is written right after a phrase, and whether it is the year of a beginning."""
    is_since = False
    for at in range(end, min(end + _BEHIND, high)):
        word = words.folded[at]
        is_since |= word in _BEGAN
        if len(word) == _YEAR and word.isascii() and word.isdigit() and word.startswith(_CENTURIES):
            return int(word), is_since
    return None, False


def headings_of(words: Words) -> tuple[Heading | None, ...]:
    """Return the heading that each word of a text stands under."""
    found: list[Heading | None] = []
    current: Heading | None = None
    starts = [at for at in range(len(words)) if words.begins[at]]
    for low, high in pairwise([*starts, len(words)]):
        if _BLANK_LINE.search(words.gaps[low]):
            current = None
        current = _heading(words, low, high) or current
        for at in range(low, high):
            if words.folded[at] in _NOW:
                current = None
            found.append(current)
    return tuple(found)


def _heading(words: Words, low: int, high: int) -> Heading | None:
    """Return the heading that a statement begins with: a date with a colon, or words that say what was copied."""
    is_copy = is_sure = False
    for at in range(low, min(low + _LONGEST_HEADING, high)):
        dated = _DATE.match(words.text, words.starts[at])
        if dated is not None:
            ends = words.text[dated.end() : dated.end() + 3].lstrip(" )")[:1]
            return Heading(_days(dated), is_copy) if is_copy or ends in (":", "-", "\u2013") else None
        if words.folded[at] not in _HEADING:
            break
        is_copy |= words.folded[at] in _COPIED
        is_sure |= words.folded[at] in _SURELY
    return Heading(frozenset(), is_copy=True) if is_sure else None


def _days(found: re.Match[str]) -> frozenset[date]:
    """Return the days that a date can mean, the day or the month first."""
    if found["y"]:
        given = [(found["y"], found["m"], found["d"])]
    elif found["month"]:
        month = str(_MONTHS.index(found["month"].casefold()) + 1)
        given = [(found["year"], month, found["before"] or found["after"] or "1")]
    else:
        given = [(found["c"], found["a"], found["b"]), (found["c"], found["b"], found["a"])]
    return frozenset(day for parts in given if (day := _day(*map(int, parts))))


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year if year >= 100 else _CENTURY + year, month, day)  # noqa: PLR2004 - of two digits
    except ValueError:
        return None
