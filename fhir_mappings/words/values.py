"""Values that somebody typed into a text: a residual volume, ESR, CRP, a temperature, the strength of a leg.

A number says more than a word, whatever stands around it: nobody denies "PVR 650 mL". Here it is found, with its sign
and its unit as they were written, and weighed only as far as asking needs. What counts as high is the criteria's
matter, whose limits a site may change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from fhir_mappings.words.phrases import Phrases, Span
from fhir_mappings.words.tokens import Words

# A value above this asks: those of the criteria, which a test holds them to.
ASKS_ABOVE: Mapping[str, float] = {"pvr": 200.0, "esr": 20.0, "crp": 10.0, "fever": 37.95}
_TOPICS = {"pvr": "ces", "esr": "infection", "crp": "infection", "fever": "infection"}
_REACH = 6  # words between a name and its number
_DIGITS = r"\d+(?:[.,]\d+)*"
_VALUE = re.compile(
    rf"(?P<sign>[<>≤≥]=?\s?)?(?P<low>{_DIGITS})(?:\s?[-\u2013]\s?(?P<high>{_DIGITS}))?"
    r"(?:\s?°?\s?(?P<unit>mls?|ccs?|dl|l|mm(?:/ ?h(?:ou)?r?)?|mg/d?l|c|f|deg(?:rees)?(?: [cf])?|celsius|fahrenheit)"
    r"\b)?",
    re.IGNORECASE,
)
_SCALES = {"l": 1000.0, "dl": 100.0, "mg/dl": 10.0}  # of units, to those of the limits
_VOLUMES = frozenset({"ml", "mls", "cc", "ccs"})
_SIGN = re.compile(r"[<>≤≥]=?\s?$")
_SIGN_LENGTH = 3
_WORDED = {"under": "<", "below": "<", "less": "<", "over": ">", "above": ">", "more": ">", "greater": ">"}
_DEGREES = re.compile(r"c|f|deg(?:rees)? [cf]|celsius|fahrenheit", re.IGNORECASE)
_BODY = ((33.0, 44.0), (91.0, 112.0))  # what a body temperature can be, in degrees Celsius and Fahrenheit
_FREEZING, _NINTHS = 32.0, 9 / 5
_PAIRS = (("esr", "crp"), ("esr", "and", "crp"), ("crp", "esr"), ("crp", "and", "esr"))
# A number of these is a time, an age or a count, and the value may still follow.
_COUNTED = frozenset({"d", "day", "days", "w", "wk", "wks", "week", "weeks", "mo", "month", "months"}).union(
    ("y", "yo", "yr", "yrs", "year", "years", "h", "hr", "hrs", "hour", "hours", "min", "mins", "minutes"),
    ("am", "pm", "x", "times", "st", "nd"),
)
_COUNT = re.compile(rf"x\d?|{'|'.join(sorted(_COUNTED))}")
_YEAR = re.compile(r"(?:19|20)\d\d")
_GRADE = re.compile(r"(?P<grade>[0-5])(?P<minus>-?)\+?\s?/\s?5(?![\d/.])")
_WEAK, _FULL = 3, 5  # grades of the Medical Research Council


@dataclass(frozen=True, slots=True)
class Value:
    """A value in a text: the words of its name and number, and the number as written; whether it asks."""

    span: Span
    written: str
    asks: bool


@dataclass(frozen=True, slots=True)
class _Names:
    """What the words of a text name: measurements, parts of the leg, and what may stand between name and number."""

    spans: Mapping[int, Span] = field(default_factory=dict)
    legs: Mapping[int, Span] = field(default_factory=dict)
    between: frozenset[int] = frozenset()


def values_of(words: Words, measures: Phrases) -> list[Value]:
    """Return the values of a text, in its order."""
    if not any(word[0].isdigit() for word in words.folded):
        return []
    names = _names(measures.find(words))
    found = [value for name in names.spans.values() if (value := _measured(words, name, names))]
    found += [value for at in range(len(words)) if (value := _graded(words, at, names))]
    found += [value for at in range(len(words)) if (value := _degrees(words, at))]
    return sorted(found, key=lambda value: (value.span.start, value.span.end))


def _names(spans: Iterable[Span]) -> _Names:
    named: dict[int, Span] = {}
    between: set[int] = set()
    for span in spans:
        if span.kind == "between":
            between.add(span.start)
        elif span.start not in named or span.end > named[span.start].end:
            named[span.start] = span
    legs = {at: span for span in named.values() if span.kind == "leg" for at in range(span.start, span.end)}
    return _Names({at: span for at, span in named.items() if span.kind != "leg"}, legs, frozenset(between))


def _measured(words: Words, name: Span, names: _Names) -> Value | None:
    """Return the value of a name: after it, or a volume right before it ("800 mL on bladder scan")."""
    for at in _onward(words, range(name.end, name.end + _REACH + 1)):
        if words.folded[at][0].isdigit():
            if (value := _pair(words, name, at) or _read(words, name, at)) is not None:
                return value
            if not _is_counted(words, at):
                return None
        elif (at in names.spans and names.spans[at].kind != name.kind) or (
            at not in names.between and at not in names.spans and not _COUNT.fullmatch(words.folded[at])
        ):
            break
    return _volume_before(words, name, names) if name.kind == "pvr" else None


def _pair(words: Words, name: Span, at: int) -> Value | None:
    """Return the larger value of a pair with one name ("ESR/CRP 98/120")."""
    if words.folded[name.start : name.end] not in _PAIRS or words.gaps[at + 1] != "/" or "/" in words.gaps[at + 2]:
        return None
    found = [_read(words, name, place, is_pair=True) for place in (at, at + 1)]
    return next((value for value in found if value and value.asks), found[0])


def _volume_before(words: Words, name: Span, names: _Names) -> Value | None:
    for at in _backward(words, name.start):
        if words.folded[at][0].isdigit():
            value = _read(words, name, at)
            return value if value and any(unit in value.written.casefold() for unit in ("ml", "cc")) else None
        if at not in names.between and words.folded[at] not in _VOLUMES:
            break
    return None


def _onward(words: Words, places: range) -> Iterator[int]:
    """Yield the words from a place on, to the end of their statement or a comma."""
    for at in places:
        if at >= len(words) or words.begins[at] or words.commas[at]:
            return
        yield at


def _backward(words: Words, start: int) -> Iterator[int]:
    for at in range(start - 1, max(-1, start - _REACH - 1), -1):
        if words.begins[at + 1] or words.commas[at + 1]:
            return
        yield at


def _read(words: Words, name: Span, at: int, *, is_pair: bool = False) -> Value | None:
    """Return the value whose number is at a word; None for a number that cannot be one."""
    sign = _SIGN.search(words.gaps[at][-_SIGN_LENGTH:])
    found = _VALUE.match(words.text, words.starts[at] - (len(sign.group()) if sign else 0))
    if found is None:
        return None
    end = at + 1
    while end < len(words) and words.starts[end] < found.end():
        end += 1
    unit = (found["unit"] or "").casefold()
    if _is_counted(words, at, end) and unit not in _VOLUMES and not is_pair:
        return None
    number = _number(found["high"] or found["low"]) * _SCALES.get(unit, 1.0)
    if name.kind == "fever":
        if not any(low <= number <= high for low, high in _BODY):
            return None
        number = (number - _FREEZING) / _NINTHS if number > _BODY[0][1] else number
    worded = "".join(_WORDED.get(word, "") for word in words.folded[max(name.end, at - 2) : at])
    written = f"{'' if sign else worded[:1]}{found.group().strip()}"
    span = Span(_TOPICS[name.kind], min(name.start, at), max(name.end, end), name.kind, is_measured=True)
    return Value(span, written, written.startswith((">", "≥")) or number > ASKS_ABOVE[name.kind])


def _is_counted(words: Words, at: int, end: int = 0) -> bool:
    """Whether a number counts days or times, or belongs to a date or a time of day."""
    end = end or at + 1
    after = words.folded[end] if end < len(words) and not words.begins[end] else ""
    slashed = words.gaps[at].endswith("/") or words.gaps[at + 1].startswith(("/", ":"))
    is_year = _YEAR.fullmatch(words.folded[at]) is not None
    return after in _COUNTED or (at > 0 and words.folded[at - 1] == "x") or slashed or is_year


def _number(written: str) -> float:
    """Return a number; a comma before three digits parts thousands, any other is a point."""
    whole, _, rest = re.sub(r",(?=\d{3}(?!\d))", "", written).replace(",", ".").partition(".")
    return float(f"{whole}.{rest.replace('.', '')}" if rest else whole)


def _degrees(words: Words, at: int) -> Value | None:
    """Return a fever whose unit says what was measured, whatever stands before it ("Fever: no. 39.2 C")."""
    if not words.folded[at][0].isdigit():
        return None
    found = _VALUE.match(words.text, words.starts[at])
    if found is None or not _DEGREES.fullmatch(found["unit"] or ""):
        return None
    unit = found["unit"].casefold()
    # "39 F" is a woman of 39 years.
    low, high = _BODY[0 if unit == "celsius" or unit.endswith("c") else 1]
    if not low <= _number(found["high"] or found["low"]) <= high:
        return None
    value = _read(words, Span("fever", at, at + 1), at)
    return value if value is not None and value.asks else None


def _graded(words: Words, at: int, names: _Names) -> Value | None:
    """Return the grade of strength of a leg, if it is not full: below half it states weakness, else it asks."""
    found = _GRADE.match(words.text, words.starts[at])
    if found is None or words.gaps[at].endswith("/"):
        return None
    grade, site = int(found["grade"]), _site(words, at, names)
    if site is None or (grade == _FULL and not found["minus"]):
        return None
    concept = "motor_deficit" if grade <= _WEAK else "motor_generic"
    span = Span("motor", min(site.start, at), max(site.end, at + 2), concept, is_measured=True)
    return Value(span, found.group(), asks=True)


def _site(words: Words, at: int, names: _Names) -> Span | None:
    """Return the part of the leg that a grade is of: before it, else behind it."""
    for places in (_backward(words, at), _onward(words, range(at + 2, at + 2 + _REACH))):
        for place in places:
            if place in names.legs:
                return names.legs[place]
            if place not in names.between:
                break
    return None
