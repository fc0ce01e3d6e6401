"""Whether a text says that six weeks of conservative care were tried without success."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from fhir_mappings.words.datings import headings_of
from fhir_mappings.words.matcher import load_table
from fhir_mappings.words.phrases import Span
from fhir_mappings.words.tokens import Words, read

_TABLE = load_table("therapy.tsv")
_ENOUGH = 42  # days of care
_NEAR = 7  # words between a treatment and its length
_DAYS = {"d": 1.0, "day": 1.0, "week": 7.0, "wk": 7.0, "w": 7.0, "month": 30.5, "mo": 30.5, "mth": 30.5, "mos": 30.5}
_DAYS |= {"year": 365.0, "yr": 365.0}
_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMBERS = {word: float(number) for number, word in enumerate(_NAMES)}
_NUMBER = re.compile(r"x?(\d{1,3}(?:\.\d)?)")
_BETWEEN = frozenset({"to", "plus", "full", "or", "consecutive", "x"})
_BEHIND = 3  # words from a complaint to its length
# What a patient does, and a treatment ("PT") does not.
_DOES = frozenset(["has", "is", "was", "reports", "complains", "denies", "states", "presents", "had", "c"])


def stated_therapy(text: str) -> bool:
    """Whether a text says of now that six weeks of care did not help; what was copied forward says it of then."""
    words = read(text)
    spans = _TABLE.find(words)
    headings = headings_of(words)
    starts = [at for at in range(len(words)) if words.begins[at]]
    place = 0
    for low, high in pairwise([*starts, len(words)]):
        first = place
        while place < len(spans) and spans[place].start < high:
            place += 1
        heading = headings[low]
        if not (heading and heading.is_copy) and _has_failed(words, spans[first:place], low, high):
            return True
    return False


def _has_failed(words: Words, spans: Sequence[Span], low: int, high: int) -> bool:
    """Whether one statement says so: a treatment, its length, no success, and no plan."""
    kinds: dict[str, list[Span]] = {}
    for span in spans:
        kinds.setdefault(span.kind, []).append(span)
    treatments = [span for span in kinds.get("treatment", []) if not _is_patient(words, span, high)]
    if not treatments or not kinds.get("failed") or kinds.get("planned"):
        return False
    return any(_is_length_of(treatments, kinds, words, *each) for each in _lengths(words, low, high))


def _is_patient(words: Words, span: Span, high: int) -> bool:
    """Whether "pt" is the patient: at the beginning of a statement, or before a verb."""
    if words.folded[span.start] != "pt" or span.end - span.start > 1:
        return False
    after = words.folded[span.end] if span.end < high else ""
    if words.begins[span.start]:
        return after in _DOES or after in ("with", "c") or words.raw(span.start) == "pt"
    return after in _DOES


def _lengths(words: Words, low: int, high: int) -> Iterator[tuple[int, int]]:
    """Yield where a statement tells of six weeks or more, its first word and the word after it."""
    for at in range(low, high):
        unit = _DAYS.get(words.folded[at].removesuffix("s")) or _DAYS.get(words.folded[at])
        if unit is None or at == low:
            continue
        first, number = _number_before(words, low, at)
        if number is not None and number * unit >= _ENOUGH and not _is_below(words, low, first):
            yield first, at + 1


def _number_before(words: Words, low: int, at: int) -> tuple[int, float | None]:
    """Return the number before a unit of time; of a range its lower end."""
    place = at - 1
    while place > low and words.folded[place] in _BETWEEN:
        place -= 1
    number = _value(words.folded[place])
    if number is None:
        return place, None
    lower = place - 2 if place - 1 > low and words.folded[place - 1] in ("to", "or") else place - 1
    if lower >= low and (lower == place - 2 or words.gaps[place].strip() in ("-", "–")):
        other = _value(words.folded[lower])
        if other is not None:
            return lower, min(other, number)
    return place, number


def _value(word: str) -> float | None:
    found = _NUMBER.fullmatch(word)
    return float(found.group(1)) if found else _NUMBERS.get(word)


def _is_below(words: Words, low: int, first: int) -> bool:
    """Whether a length is said to be less than its number."""
    before = words.folded[max(low, first - 2) : first]
    if "<" in words.gaps[first]:
        return True
    return ("than" in before and "less" in before) or bool({"under", "almost", "nearly"} & set(before))


def _is_length_of(treatments: Sequence[Span], kinds: dict[str, list[Span]], words: Words, start: int, end: int) -> bool:
    """Whether a length is that of a treatment: near it, not how long ago, and not how long the pain lasts."""
    if end in {span.start for span in kinds.get("ago", [])}:
        return False
    complaints = {span.start for span in kinds.get("complaint", [])}
    others = {span.start for kind in ("failed", "treatment") for span in kinds.get(kind, [])}
    # "6 weeks of pain", "pain for 6 weeks": the nearest thing before or after decides whose length it is.
    if complaints & {end, end + 1} and not others & {end}:
        return False
    for at in range(start - 1, max(-1, start - _BEHIND - 1), -1):
        if at in others or words.commas[at + 1]:
            break
        if at in complaints:
            return False
    return any(
        0 <= (span.start - end if span.start >= end else start - span.end) <= _NEAR
        and not any(min(end, span.end) <= at < max(start, span.start) for at in complaints)
        for span in treatments
    )
