"""Tables of phrases, and finding them: every phrase of every table in one walk over the words.

The tables are for a clinician to review. A line is tab-separated; its last column is the phrase, word by word:

    cancer       the word, or its plural
    fractur*     a word that begins so;  *carcinom*  a word that holds it;  *paresis  a word that ends so
    AIDS         in capitals: an abbreviation, only when it is written in capitals
    leg|foot     one of these
    [the]        may be there or not
    <3>          up to three words of the same statement

A phrase has a bounded number of words, so that the walk is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from fhir_mappings.words.tokens import Words, remembered

_GAP = re.compile(r"<(\d)>")
_SHORTEST_PLURAL = 4  # letters of a word before its "s"
_SHORTEST_ROOT = 2


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a table: what its phrase stands for, and which concept it names."""

    kind: str
    concept: str
    phrase: str


@dataclass(frozen=True, slots=True)
class Span:
    """A phrase that was found: from a word to before another; `is_measured` where it is a value with its name."""

    kind: str
    start: int
    end: int
    concept: str = ""
    is_measured: bool = False


@dataclass(frozen=True, slots=True)
class _Item:
    atoms: frozenset[int] = frozenset()
    gap: int | None = None
    is_optional: bool = False


@dataclass(frozen=True)
class Phrases:
    """Tables made ready: each spelling is an atom, each phrase a row of items that take one of some atoms."""

    words: dict[str, int] = field(default_factory=dict)
    capitals: dict[str, int] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)
    insides: dict[str, int] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    by_first: dict[int, list[tuple[Line, tuple[_Item, ...]]]] = field(default_factory=dict)

    def find(self, text: Words) -> list[Span]:
        """Return every phrase in a text, in the order in which they begin."""
        atoms = [self._atoms_of(text.folded[at], text.raw(at)) for at in range(len(text))]
        return [span for at in range(len(text)) for span in self._at(at, atoms, text)]

    def _at(self, at: int, atoms: Sequence[frozenset[int]], text: Words) -> Iterator[Span]:
        for atom in sorted(atoms[at]):
            for line, items in self.by_first.get(atom, ()):
                end = _end_of(items, at, atoms, text)
                if end:
                    yield Span(line.kind, at, end, line.concept)

    @cached_property
    def _atoms_of(self) -> Callable[[str, str], frozenset[int]]:
        """What a word may stand for; the same few thousand words come again in every text."""
        return remembered(lambda word, raw: frozenset(self._spellings(word, raw)))

    def _spellings(self, word: str, raw: str) -> Iterator[int]:
        singular = word[:-1] if word.endswith("s") and len(word) > _SHORTEST_PLURAL else word
        for form in {word, singular, word.removesuffix("'s")}:
            if form in self.words:
                yield self.words[form]
        if raw in self.capitals:
            yield self.capitals[raw]
        for length in range(_SHORTEST_ROOT, min(len(word), self.longest_start) + 1):
            if word[:length] in self.starts:
                yield self.starts[word[:length]]
        yield from (atom for part, atom in self.insides.items() if part in word)
        yield from (atom for part, atom in self.ends.items() if word.endswith(part))

    @cached_property
    def longest_start(self) -> int:
        """How many letters of a word can matter as its beginning."""
        return max(map(len, self.starts), default=0)

    def _atom(self, spelling: str) -> int:
        table, key = self._place(spelling)
        if key not in table:
            table[key] = sum(map(len, (self.words, self.capitals, self.starts, self.insides, self.ends)))
        return table[key]

    def _place(self, spelling: str) -> tuple[dict[str, int], str]:
        bare = spelling.strip("*").casefold()
        if spelling.startswith("*"):
            return (self.insides if spelling.endswith("*") else self.ends), bare
        if spelling.endswith("*"):
            return self.starts, bare
        if spelling.isupper() and len(spelling) > 1:
            return self.capitals, spelling
        return self.words, bare

    def add(self, line: Line) -> None:
        """Take in a line."""
        items = tuple(self._item(part) for part in line.phrase.replace("/", " ").split())
        while items:
            if items[0].gap is not None:
                raise ValueError(f"phrase {line.phrase!r} begins with a gap")
            for atom in items[0].atoms:
                self.by_first.setdefault(atom, []).append((line, items))
            if not items[0].is_optional:
                return
            items = items[1:]
        raise ValueError(f"phrase {line.phrase!r} may be empty")

    def _item(self, part: str) -> _Item:
        gap = _GAP.fullmatch(part)
        if gap:
            return _Item(gap=int(gap.group(1)))
        is_optional = part.startswith("[")
        spellings = part.strip("[]").split("|")
        return _Item(frozenset(self._atom(spelling) for spelling in spellings), is_optional=is_optional)


def _end_of(items: Sequence[_Item], at: int, atoms: Sequence[frozenset[int]], text: Words) -> int:
    """Return the word after the longest way to read a phrase from a word on, or 0."""
    places = {at + 1}
    loose = False
    for item in items[1:]:
        if item.gap is not None:
            places = {place + far for place in places for far in range(_reach(place, item.gap, text) + 1)}
            loose = True
            continue
        taken = {
            place + 1
            for place in places
            if place < len(text)
            and item.atoms & atoms[place]
            and (text.joined[place] or (loose and not text.begins[place] and not text.commas[place]))
        }
        places = taken | places if item.is_optional else taken
        loose = loose and item.is_optional
        if not places:
            return 0
    return max(places)


def _reach(place: int, gap: int, text: Words) -> int:
    """Return how many words a gap may skip: not past a comma or the end of a statement."""
    for far in range(gap):
        if place + far >= len(text) or text.begins[place + far] or text.commas[place + far]:
            return far
    return gap


def compiled(lines: Iterable[Line]) -> Phrases:
    """Make tables ready."""
    phrases = Phrases()
    for line in lines:
        phrases.add(line)
    return phrases


def lines_of(table: str) -> Iterator[Line]:
    """Yield the lines of a table: kind, concept (may be empty), phrase; # begins a remark."""
    for number, row in enumerate(table.splitlines(), 1):
        if row.strip() and not row.startswith("#"):
            try:
                kind, concept, phrase = row.split("\t")
            except ValueError as error:
                raise ValueError(f"line {number} of a table of phrases needs three columns: {row!r}") from error
            yield Line(kind, concept, phrase)
