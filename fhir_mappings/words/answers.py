"""The answers of templates: "saddle anaesthesia: no", "fever (-)", "[ ] weakness", "red flags (fever): none"."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fhir_mappings.words.phrases import Span
from fhir_mappings.words.tokens import Words

_LABEL = 3  # words between a phrase and the answer to it
_NEXT_LABEL = 4  # words of the next item, where no stop stands between two
_HEADING = 12  # words in parentheses before an answer to all of them, or before the first mark of a statement
_MINUS = re.compile(r"\s*(?:[-–]\s*[,;.)]|\(\s*[-–\u2212]\s*\)|[:=]?\s*[-–\u2212]ve\b|\[\s*\]|☐|❏|□)")
_BOX = re.compile(r"\s*(?:\[\s*\]|☐|❏|□)\s*")
_PLUS = re.compile(r"\s*(?:\(\s*\+\s*\)|\+(?![/\w])|[:=]?\s*\+ve\b|☑|☒|✓|✔)")
_MINUS_BEFORE = re.compile(r"(?:\(\s*[-–\u2212]\s*\)|\[\s*\]|☐|❏|□)\s*$")
_PLUS_BEFORE = re.compile(r"(?:\(\s*\+\s*\)|\+|☑|☒|✓|✔)\s*$")
_SIGNS = ("-", "\u2013", "\u2212")
_ASKS = re.compile(r"\s*\)?\s*(?:[:?=]|[-–—]+\s)\s*\[?\(?\s*$")
_ASKING = frozenset({"do", "does", "did", "has", "have", "is", "are", "any", "was", "were"})
# What may stand between a no and the yes that takes it back: "no. Since noon: yes".
_LATER = frozenset(("yes", "but", "now", "then", "later", "since", "as", "of")).union(
    ("today", "tonight", "noon", "this", "morning", "afternoon", "evening")
)
_STOPS = re.compile(r"\s*[])]?\s*(?:[.,;|/)\n\r]|$)")


def answered_no(text: Words, span: Span, nos: Mapping[int, int], low: int, high: int) -> bool:
    """Whether a template answers a phrase, or the question that it is in, with no."""
    if _mark(text, span, low, high) is False:
        return True
    if high in nos and text.folded[low] in _ASKING and text.gaps[high].startswith("?"):
        return _is_whole(text, nos[high])
    at = _answer(text, span)
    return at is not None and at in nos and _is_whole(text, nos[at])


def answered_yes(text: Words, span: Span, yeses: Mapping[int, int], low: int, high: int) -> bool:
    """Whether a template answers a phrase with yes."""
    if _mark(text, span, low, high) is True:
        return True
    at = _answer(text, span)
    return at is not None and at in yeses


def _mark(text: Words, span: Span, low: int, high: int) -> bool | None:
    """Return the sign or box that belongs to a phrase: whether it says yes.

    One between two phrases is that of the second in a statement that begins with a mark ("(+) foot drop (-) fever"),
    and of the first in one that ends with a mark. Where neither tells, a plus on either side outweighs a minus.
    """
    before, after = _mark_before(text, span.start), _mark_after(text, span.end)
    if before is None and after is None:
        return None
    leads, trails = _leads(text, low, span.start), _mark_after(text, high, at_end=True) is not None
    if leads != trails:
        return before if leads else after
    if True in (before, after):
        return True
    # "Weakness [ ] fever": the box is more often that of the next item.
    is_next = before is None and span.end < len(text) and _BOX.fullmatch(text.gaps[span.end]) is not None
    return None if is_next else False


def _leads(text: Words, low: int, start: int) -> bool:
    """Whether the first mark of a statement stands before the first of its items, behind a short heading or not."""
    first = next((at for at in range(low, min(start, low + _HEADING) + 1) if _mark_before(text, at) is not None), None)
    return first is not None and (first <= low + 1 if _is_x(text, low) else first == low or ":" in text.gaps[first])


def _mark_before(text: Words, at: int) -> bool | None:
    if _MINUS_BEFORE.search(_tail(text.gaps[at])):
        return False
    is_ticked = at > 0 and _is_x(text, at - 1)
    return True if is_ticked or _PLUS_BEFORE.search(_tail(text.gaps[at])) else None


def _mark_after(text: Words, end: int, *, at_end: bool = False) -> bool | None:
    gap = text.gaps[end][:12]
    if _MINUS.match(gap):
        return False
    is_ticked = _is_x(text, end - 1 if at_end else end)
    return True if is_ticked or _PLUS.match(gap) else None


def _is_x(text: Words, at: int) -> bool:
    """Whether a word is the x of a ticked box."""
    return (
        at < len(text)
        and text.folded[at] == "x"
        and text.gaps[at].rstrip().endswith("[")
        and text.gaps[at + 1].lstrip().startswith("]")
    )


def _tail(gap: str) -> str:
    return gap[-12:]


def _answer(text: Words, span: Span) -> int | None:
    """Return the word that answers a phrase: after a colon or question mark behind its label, or right behind it."""
    for at in range(span.end, min(span.end + _LABEL + 1, len(text))):
        gap = text.gaps[at]
        if len(gap) < 12 and _ASKS.match(gap):  # noqa: PLR2004 - no more than marks and spaces
            return at
        if "," in gap or text.begins[at]:
            break
    if span.end < len(text) and text.folded[span.end] == "ve" and text.gaps[span.end].strip() in _SIGNS:
        return span.end
    if span.end < len(text) and not text.begins[span.end] and text.folded[span.end] in ("no", "none", "neg", "n"):
        return span.end if _STOPS.match(text.gaps[span.end + 1]) and text.joined[span.end] else None
    return _heading_answer(text, span)


def _heading_answer(text: Words, span: Span) -> int | None:
    """Return the answer after a parenthesis that a phrase is in: "red flags (fever, trauma): none"."""
    for at in range(span.end, min(span.end + _HEADING, len(text))):
        gap = text.gaps[at]
        if "(" in gap and ")" not in gap:
            return None
        if ")" in gap:
            return at if len(gap) < 12 and _ASKS.match(gap) and gap.lstrip().startswith(")") else None  # noqa: PLR2004
        if text.begins[at]:
            return None
    return None


def _is_whole(text: Words, end: int) -> bool:
    """Whether an answer is all that is said: a stop follows, or the label of the next item."""
    if _is_taken_back(text, end):
        return False
    if _STOPS.match(text.gaps[end]):
        return True
    return any(
        text.gaps[at + 1].lstrip().startswith((":", "?"))
        for at in range(end, min(end + _NEXT_LABEL, len(text)))
        if not text.begins[at] or at == end
    )


def _is_taken_back(text: Words, end: int) -> bool:
    """Whether a yes follows a no and belongs to the same question: both were said."""
    for at in range(end, min(end + _NEXT_LABEL, len(text))):
        if text.folded[at] not in _LATER:
            return False
        if text.folded[at] == "yes":
            return True
    return False
