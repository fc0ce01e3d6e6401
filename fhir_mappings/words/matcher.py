"""What a text raises: one walk over its words finds every phrase and every cue, and the scopes decide what counts.

Text alone never reassures. So the matcher leans one way: whatever is not clearly denied, or clearly about somebody
else, is raised.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files

from fhir_mappings.words.cues import Cues, cues_of
from fhir_mappings.words.drugs import drug_phrases
from fhir_mappings.words.phrases import Line, Phrases, Span, compiled, lines_of
from fhir_mappings.words.scope import Judged, judge
from fhir_mappings.words.tokens import Words, plain, read, remembered
from fhir_mappings.words.topics import AGENT, LASTING
from fhir_mappings.words.values import Value, values_of
from fhir_mappings.words.vocabulary import is_everyday

_WIDEST = 14  # words that a phrase may span
LONGEST_QUOTE = 60
_NO = frozenset(("no", "not", "without", "denies", "any", "little", "low"))
_WEIGHING = frozenset(("if", "whether", "may", "might", "could", "likely", "probably", "possibly", "check"))
_ASKED = 3  # words of a question that is a suspicion
_SUSPECTED = 5  # words from a doubt to what is suspected
_FAR = 240  # characters around a phrase among which its quotation is looked for


def load_table(name: str, more: Iterable[Line] = ()) -> Phrases:
    """Return one of the tables beside this module, made ready, with more lines where they are made elsewhere."""
    return compiled([*lines_of((files("fhir_mappings.words") / name).read_text(encoding="utf-8")), *more])


_PHRASES = load_table("phrases.tsv", drug_phrases())
_CUES = load_table("cues.tsv")
_ASKING = load_table("asking.tsv")
_VACCINE = re.compile(r"\b(?:vaccin|immuni[sz]ation|screening)", re.IGNORECASE)
_MEASURES = load_table("measures.tsv")
# Kinds of names that ask in a note too. "Difficulty walking" in a note about back pain is the pain.
NOTED = frozenset({"lasting", "infection", "event"})


@dataclass(frozen=True, slots=True)
class Mention:
    """A phrase of a topic in a text: where it stands, and whether it is said, doubted, denied, or another's.

    `standing` is affirmed, suspected, denied, family, advice, template_no, past or planned.
    """

    topic: str
    start: int
    end: int
    standing: str


@remembered
def mentions_in(text: str) -> tuple[Mention, ...]:
    """Return the phrases of a text with their topics, in its order."""
    words = read(text)
    return tuple(
        Mention(found.span.kind, words.starts[found.span.start], words.ends[found.span.end - 1], found.standing)
        for found in judged(words)
    )


def topics_in(text: str, about: str | None = None) -> frozenset[str]:
    """Return the topics that a text raises: said or suspected of the patient; lasting things also of the past.

    In a list of allergies (`about="allergy"`) the name of a contrast agent is an allergy.
    """
    raised = {mention.topic for mention in mentions_in(text) if is_raised(mention.topic, mention.standing)}
    if AGENT in raised and about == "allergy":
        raised.add("contrast_allergy")
    return frozenset(raised - {AGENT})


def is_raised(topic: str, standing: str) -> bool:
    """Whether a mention of a topic raises it."""
    return standing in ("affirmed", "suspected") or (standing == "past" and topic in LASTING)


def judged(words: Words) -> list[Judged]:
    """Return the phrases and the values of a text with all that is said of them."""
    spans = _kept(_PHRASES.find(words)) + [value.span for value in values_of(words, _MEASURES) if value.asks]
    return list(judge(words, spans, cues_of(_CUES.find(words))))


@remembered
def unplaced_suspicions(text: str) -> tuple[Mention, ...]:
    """Return what a text suspects and no table places: "concern for …" of what is neither a topic nor everyday.

    The topic of each is empty.
    """
    words = read(text)
    suspected = list(_suspected(words))
    if not suspected:
        return ()
    named = (span for span in _ASKING.find(words) if span.kind.removeprefix("!") in NOTED)
    found = (*_PHRASES.find(words), *named, *(value.span for value in values_of(words, _MEASURES)))
    placed = {at for span in found for at in range(span.start, span.end)}
    return tuple(
        Mention("", words.starts[at.start], words.ends[at.stop - 1], "suspected")
        for at in suspected
        if placed.isdisjoint(at) and any(_is_telling(words, one) for one in at)
    )


def _suspected(words: Words) -> Iterator[range]:
    """Yield the words behind each doubt, and each short question ("infection?")."""
    cues = cues_of(_CUES.find(words))
    begun = {end for at, end in cues.kinds.get("doubt", {}).items() if _is_aimed(words, at, end)}
    begun.update(at for at, doubted in enumerate(words.doubted) if doubted)
    for at in sorted(begun):
        yield range(at, _end_of_suspicion(words, cues, at))
    for low in range(len(words)):
        if words.begins[low] and low not in begun:
            ends = range(low + 1, min(low + _ASKED, len(words)) + 1)
            if asked := next((at for at in ends if words.gaps[at].startswith("?")), 0):
                yield range(low, asked)


def _is_aimed(words: Words, start: int, end: int) -> bool:
    """Whether a doubt is there and about a thing: "may be", "likely" and "see whether" weigh a sentence."""
    denied = start > 0 and words.joined[start] and words.folded[start - 1] in _NO
    return not denied and _WEIGHING.isdisjoint(words.folded[start:end])


def _end_of_suspicion(words: Words, cues: Cues, start: int) -> int:
    for at in range(start, min(start + _SUSPECTED, len(words))):
        if at > start and (words.begins[at] or words.commas[at] or cues.end("end", at)):
            return at
    return min(start + _SUSPECTED, len(words))


def _is_telling(words: Words, at: int) -> bool:
    """Whether a word names something that is not met with every day."""
    word = words.folded[at]
    return len(word) > 1 and word.isalpha() and not is_everyday(word)


@remembered
def asking_names(text: str) -> tuple[Mention, ...]:
    """Return what a text says of the patient by a name that asks, with the rule of its age as the topic."""
    words = read(text)
    found = _ASKING.find(words)
    if not found or _VACCINE.search(text):
        return ()
    return tuple(
        Mention(each.span.kind, words.starts[each.span.start], words.ends[each.span.end - 1], each.standing)
        for each in judge(words, _kept(found), cues_of(_CUES.find(words)))
        if each.standing in ("affirmed", "suspected") or (each.standing == "past" and each.span.kind == "lasting")
    )


def judged_values(words: Words) -> list[tuple[Value, Judged]]:
    """Return every value of a text, the low ones too, with all that is said of it."""
    values = {value.span: value for value in values_of(words, _MEASURES)}
    if not values:
        return []
    return [(values[each.span], each) for each in judge(words, list(values), cues_of(_CUES.find(words)))]


def _kept(found: Sequence[Span]) -> list[Span]:
    """Leave out what must not ask, and of phrases of one topic the one within the other."""
    stops: dict[str, dict[int, int]] = {}
    for span in found:
        if span.kind.startswith("!"):
            ends = stops.setdefault(span.kind[1:], {})
            ends[span.start] = max(span.end, ends.get(span.start, 0))
    widest: dict[str, Span] = {}
    kept: list[Span] = []
    for span in sorted(found, key=lambda span: (span.start, -span.end, not span.concept)):
        if span.kind.startswith("!") or any(_covered(span, stops.get(kind, {})) for kind in (span.kind, "*")):
            continue
        before = widest.get(span.kind)
        if before is not None and before.end >= span.end:
            continue
        widest[span.kind] = span
        kept.append(span)
    return kept


def _covered(span: Span, ends: dict[int, int]) -> bool:
    """Whether a phrase lies in one that must not ask; what states a concept gives way to a wider one only."""
    return any(
        ends.get(at, 0) >= span.end and not (span.concept and (at, ends[at]) == (span.start, span.end))
        for at in range(max(0, span.end - _WIDEST), span.start + 1)
    )


_COUNTED = ("affirmed", "suspected", "past", "family", "advice")
_OF_NOW = ("affirmed", "suspected")


def affirms(text: str, pattern: re.Pattern[str]) -> bool:
    """Whether a text, in small letters and with single spaces, says a pattern without denying it."""
    return _first_said(plain(text), pattern, _COUNTED) is not None


def said_now(text: str, pattern: re.Pattern[str]) -> str:
    """Return the words of a text that say a pattern, in small letters, of the patient and of now; empty for none."""
    written, said = _spaced(text), plain(text)
    span = _first_said(said, pattern, _OF_NOW)
    if span is None:
        return ""
    words = read(said)
    mention = Mention("", words.starts[span.start], words.ends[span.end - 1], "affirmed")
    # Where small letters are as many as the written ones, those are quoted.
    return quote_of(written if len(written) == len(said) else said, mention)


def _spaced(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.splitlines())


def _first_said(said: str, pattern: re.Pattern[str], standings: tuple[str, ...]) -> Span | None:
    if pattern.search(said) is None:
        return None
    words = read(said)
    found = judge(words, _spans_of(words, pattern), cues_of(_CUES.find(words)))
    return next((each.span for each in found if each.standing in standings), None)


def _spans_of(words: Words, pattern: re.Pattern[str]) -> list[Span]:
    """Return where a pattern is found, in words."""
    spans: list[Span] = []
    at = 0
    for found in pattern.finditer(words.text):
        while at < len(words) and words.ends[at] <= found.start():
            at += 1
        end = at
        while end < len(words) and words.starts[end] < found.end():
            end += 1
        if end > at:
            spans.append(Span("", at, end))
    return spans


def quote_of(text: str, mention: Mention, limit: int = LONGEST_QUOTE) -> str:
    """Return the words around a mention as they were written, whole words and at most `limit` characters."""
    line = _line_around(text, mention)
    start, end = max(line.start, mention.start), min(line.stop, mention.end)
    if end - start > limit - 2:
        return _cut(text[start:end], limit)
    written = list(_WRITTEN.finditer(text, line.start, line.stop))
    before = [word.start() for word in written if word.start() < start]
    after = [word.end() for word in written if word.end() > end]
    grows = True
    while grows:
        grows = False
        if after and after[0] - start <= limit - 2:
            end, grows = after.pop(0), True
        if before and end - before[-1] <= limit - 2:
            start, grows = before.pop(), True
    return ("…" if before else "") + text[start:end] + ("…" if after else "")


def quoted(text: str, topic: str) -> str:
    """Return the words of a text that raise a topic, else its beginning: at most 60 characters."""
    kinds = (topic, AGENT) if topic == "contrast_allergy" else (topic,)
    raised = (each for each in mentions_in(text) if each.topic in kinds and is_raised(each.topic, each.standing))
    mention = next(raised, None)
    return quote_of(text, mention) if mention else _cut(text, LONGEST_QUOTE) if len(text) > LONGEST_QUOTE else text


_WRITTEN = re.compile(r"\S+")


def _line_around(text: str, mention: Mention) -> slice:
    """Return the stretch of a text that may be quoted: the line, no farther than a quotation reaches."""
    low, high = max(mention.start - _FAR, 0), min(mention.end + _FAR, len(text))
    line_end = text.find("\n", mention.end, high)
    return slice(max(text.rfind("\n", low, mention.start) + 1, low), line_end if line_end >= 0 else high)


def _cut(text: str, limit: int) -> str:
    short = text[: limit - 1]
    return (short.rsplit(None, 1)[0] if " " in short else short) + "…"
