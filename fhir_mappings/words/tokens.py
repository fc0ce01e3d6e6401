"""A text as words, and what stands between them: sentences, commas, marks of doubt, boxes.

Words keep their place in the original text, so that a card can quote what was written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, wraps
from typing import Concatenate, Final, ParamSpec, TypeVar, cast

# A number with its point or comma, or a word with its apostrophe. Digits before letters are a word of their own
# ("8wks"), digits after them are not ("L4").
_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_][^\W_]*(?:['’][^\W\d_]+)?")
_LINE = re.compile(r"[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
# What ends a statement. A full stop between two letters ("b.i.d.") does not, nor does a line that breaks after a comma.
_END = re.compile(r"[;!|…•·]|^[)\]\"'”]*\?+\s|\.(?=\s|$)")
_WRAPPED = re.compile(r",\s*$")
_JOINED = re.compile(r"[ \t\u00a0\-\u2010\u2011/'’&.]*")
_COMMA = re.compile(r",|\s[-–—]+\s|—")
_DOUBT = re.compile(r"[\s(,:/\-]\?+\s*[\"'“(]?$")
_BULLET = re.compile(r"^\s*(?:[-*–•·>]|$)")
_TURNS = frozenset({"but", "however", "although", "except", "yet"})


@dataclass(frozen=True)
class Words:
    """The words of a text in small letters, where each stands, and what stands before it (and, last, after it)."""

    text: str
    folded: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    gaps: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.folded)

    def raw(self, at: int) -> str:
        """Return a word as it was written."""
        return self.text[self.starts[at] : self.ends[at]]

    @cached_property
    def begins(self) -> tuple[bool, ...]:
        """Whether a statement begins at each word."""
        return tuple(self._begins(at) for at in range(len(self)))

    def _begins(self, at: int) -> bool:
        if at == 0 or (self.folded[at] in _TURNS and self.folded[at - 1] != "not"):
            return True
        # "1. foot drop": the number of an item is no statement.
        if self.folded[at - 1].isdecimal() and self.gaps[at].strip() in (".", ")") and _LINE.search(self.gaps[at - 1]):
            return False
        return ends_statement(self.gaps[at], self.folded[at - 1])

    @cached_property
    def commas(self) -> tuple[bool, ...]:
        """Whether a comma, or a dash that stands for one, is before each word."""
        return tuple(_COMMA.search(gap) is not None for gap in self.gaps)

    @cached_property
    def joined(self) -> tuple[bool, ...]:
        """Whether each word may continue a phrase of the word before it."""
        return tuple(
            not begins and not comma and _JOINED.fullmatch(gap) is not None
            for begins, comma, gap in zip(self.begins, self.commas, self.gaps, strict=False)
        )

    @cached_property
    def doubted(self) -> tuple[bool, ...]:
        """Whether a question mark stands before each word and belongs to it ("?CES")."""
        return tuple(
            "?" in gap and _DOUBT.search(gap if at else f" {gap}") is not None for at, gap in enumerate(self.gaps)
        )

    def is_bullet(self, at: int) -> bool:
        """Whether a statement begins as an item of a list."""
        lines = _LINE.split(self.gaps[at])
        if len(lines) < 2:  # noqa: PLR2004 - no line ends before it
            return False
        return bool(_BULLET.match(lines[-1]) and lines[-1].strip()) or self.folded[at].isdecimal()


def read(text: str) -> Words:
    """Take a text apart."""
    found = list(_WORD.finditer(text))
    starts = tuple(match.start() for match in found)
    ends = tuple(match.end() for match in found)
    gaps = tuple(text[before:start] for before, start in zip((0, *ends), (*starts, len(text)), strict=True))
    return Words(text, tuple(match.group().casefold().replace("’", "'") for match in found), starts, ends, gaps)


def ends_statement(gap: str, word: str) -> bool:
    """Whether what stands after a word ends its statement."""
    if _END.search(gap):
        return True
    if "." in gap and len(word) > 1 and gap.strip(".") == "":
        return True
    line = _LINE.search(gap)
    return line is not None and not (_WRAPPED.search(gap[: line.start()]) and len(_LINE.findall(gap)) == 1)


def plain(text: str) -> str:
    """Return a text in small letters with single spaces; line ends stay, since they end a statement."""
    return "\n".join(" ".join(line.split()) for line in text.casefold().splitlines())


P = ParamSpec("P")
T = TypeVar("T")
# Characters. The names of codes come again with every chart; what somebody wrote does not.
_LONGEST_REMEMBERED: Final = 200


def remembered(read_text: Callable[Concatenate[str, P], T]) -> Callable[Concatenate[str, P], T]:
    """Remember what is read in short texts; long ones would fill the memory and not come again."""
    known = cast("Callable[Concatenate[str, P], T]", lru_cache(maxsize=4096)(read_text))

    @wraps(read_text)
    def look(text: str, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return (known if len(text) <= _LONGEST_REMEMBERED else read_text)(text, *args, **kwargs)

    return look
