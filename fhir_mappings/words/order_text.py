"""What the order says for its author: emergencies, implants and six weeks of care that its own words state.

Only what is present and said, or one named suspicion, is stated. Advice, answered templates, the past, denials and
lists of three or more alternatives are not: those may ask, which is the matcher's matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice

from fhir_mappings.words.datings import Heading, headings_of
from fhir_mappings.words.matcher import Mention, judged, judged_values, quote_of
from fhir_mappings.words.scope import Judged
from fhir_mappings.words.tokens import Words, read, remembered

_EMERGENCIES = frozenset(
    {
        "cauda_equina",
        "bladder_dysfunction",
        "bowel_dysfunction",
        "saddle_anaesthesia",
        "motor_deficit",
        "spinal_infection",
        "cord_compression",
    }
)
_ALTERNATIVES = 3  # so many suspicions in one list name none of them
_SEPARATORS = frozenset({"or", "vs", "versus"})
_LIST = 40  # words of a list of suspicions
_AROUND = 20  # words of a statement on either side of a phrase
_BACK = 6  # words from an implant to the word of its removal


@dataclass(frozen=True, slots=True)
class Statement:
    """What an order states: the concept, the words that say so, whether they are a suspicion, and a value as written.

    `around` is the statement of the order that it is part of.
    """

    concept: str
    quote: str
    doubt: bool = False
    value: str = ""
    around: str = ""


@remembered
def stated_emergencies(text: str, today: date | None = None) -> tuple[Statement, ...]:
    """Return the emergencies that a text states; without the day of the order, whatever bears a date is past."""
    words = read(text)
    headings = headings_of(words)
    found = {
        each.span.concept: statement_of(words, each)
        for each in reversed(judged(words))
        if each.span.concept in _EMERGENCIES
        and not each.span.is_measured
        and _is_stated(words, each, headings[each.span.start], today)
    }
    return tuple(reversed(found.values()))


@remembered
def stated_values(text: str, today: date | None = None) -> tuple[Statement, ...]:
    """Return the measured values that a text states of now: all that the criteria can weigh."""
    words = read(text)
    headings = headings_of(words)
    found = [
        replace(statement_of(words, each), value=value.written)
        for value, each in judged_values(words)
        if (value.asks or each.span.concept != "fever")
        and each.span.concept != "motor_generic"
        and each.standing == "affirmed"
        and _is_stated(words, each, headings[each.span.start], today)
    ]
    return tuple(dict.fromkeys(found))


@remembered
def stated_implants(text: str) -> tuple[Statement, ...]:
    """Return the implants that a text names as the patient's, whenever they were put in, unless they came out again."""
    words = read(text)
    found = {
        each.span.concept: statement_of(words, each)
        for each in reversed(judged(words))
        if each.span.kind == "implant"
        and each.span.concept
        and each.standing in ("affirmed", "suspected", "past")
        and not _is_removed(words, each)
    }
    return tuple(reversed(found.values()))


def statement_of(words: Words, each: Judged) -> Statement:
    """Return what is stated, with its words."""
    span = each.span
    mention = Mention(span.kind, words.starts[span.start], words.ends[span.end - 1], each.standing)
    around = _around(words, span.start, span.end)
    return Statement(span.concept, quote_of(words.text, mention), each.standing == "suspected", "", around)


def _around(words: Words, start: int, end: int) -> str:
    """Return the statement that some words are part of, as far as they may speak of one thing."""
    low, high = start, end
    while low > max(0, start - _AROUND) and not words.begins[low]:
        low -= 1
    while high < min(len(words), end + _AROUND) and not words.begins[high]:
        high += 1
    return words.text[words.starts[low] : words.ends[high - 1]]


def _is_stated(words: Words, each: Judged, heading: Heading | None, today: date | None) -> bool:
    if each.is_chronic or each.is_weak or _is_dated(each, today):
        return False
    if heading is not None and not heading.is_of(today):
        return False
    if each.standing == "affirmed":
        return True
    return each.standing == "suspected" and each.doubt is not None and _alternatives(words, each) < _ALTERNATIVES


def _is_dated(each: Judged, today: date | None) -> bool:
    """Whether a year beside a phrase makes it past; what began late last year may still be new."""
    if each.year is None:
        return False
    return today is None or each.year < (today.year - 1 if each.is_since else today.year)


def _alternatives(words: Words, each: Judged) -> int:
    """Return how many things are suspected together: those between the doubt and the end of its list."""
    return 1 + sum(1 for _ in islice(_separators(words, each.doubt or 0, each.span.end), _ALTERNATIVES))


def _separators(words: Words, start: int, least: int) -> Iterator[int]:
    for at in range(start + 1, min(start + _LIST, len(words))):
        if words.begins[at]:
            return
        separated = words.commas[at] or words.folded[at] in _SEPARATORS or "?" in words.gaps[at]
        doubled = words.folded[at - 1] in _SEPARATORS or (words.commas[at] and words.folded[at] in _SEPARATORS)
        if separated and not (doubled and words.folded[at] not in _SEPARATORS):
            if at >= least and _is_clause(words, at):
                return
            yield at


_CLAUSE = frozenset(("has", "have", "had", "with", "pt", "patient", "pain", "lbp", "now", "new", "since", "please"))


def _is_clause(words: Words, at: int) -> bool:
    """Whether something else begins here than one more alternative."""
    return any(words.folded[near] in _CLAUSE for near in range(at, min(at + 2, len(words))))


_REMOVED = frozenset({"removed", "removal", "explanted", "explant", "extracted", "extraction"})
_NOT_YET = frozenset({"not", "never", "for", "before", "upcoming", "pending", "needs", "wants", "requests"}).union(
    ("consider", "considering", "plan", "planned", "planning", "scheduled", "awaiting")
)


def _is_removed(words: Words, each: Judged) -> bool:
    """Whether an implant is said to be out of the body again; a removal to come is none."""
    span = each.span
    after = range(span.end, min(span.end + _BACK, len(words)))
    before = range(max(0, span.start - 3), span.start)
    said = [at for at in after if not any(words.begins[span.end : at + 1])]
    said += [at for at in before if not any(words.begins[at + 1 : span.start + 1])]
    around = words.folded[max(0, span.start - 3) : span.start]
    return any(
        words.folded[at] in _REMOVED
        and _NOT_YET.isdisjoint(words.folded[max(0, at - 2) : at] + words.folded[at + 1 : at + 2])
        and _NOT_YET.isdisjoint(around)
        for at in said
    )
