"""Whether a text can be read: whether it is made of words that a vocabulary of English medical words knows.

Only then does "no topic in it" say anything. A text in another language, a misspelt word or an unknown abbreviation
leaves its record unread, and what is unread asks.
"""

from __future__ import annotations

import re
from importlib.resources import files

from fhir_mappings.words.tokens import remembered

_WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?")
_LETTERS = 4  # from so many letters on every word must be known
_ENDINGS = ("'s", "s", "es")


def _load(name: str) -> frozenset[str]:
    lines = (files("fhir_mappings.words") / name).read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in _WORD.findall(line.casefold()))


EVERYDAY = _load("everyday.txt")
# What can be read and is asked about all the same is no word that settles a text.
VOCABULARY = (_load("vocabulary.txt") | EVERYDAY) - _load("unsettled.txt")


@remembered
def is_readable(text: str) -> bool:
    """Whether every word of a text is known that could matter, and at least one is."""
    words = _WORD.findall(text)
    has_small = any(word.islower() for word in words)
    has_long = any(_counts(word, has_small=has_small) and len(word) >= _LETTERS for word in words)
    found = False
    for word in words:
        known = _is_known(word)
        found |= known
        if not known and (_counts(word, has_small=has_small) or not (has_long or _is_code(word))):
            return False
    return found


def _counts(word: str, *, has_small: bool) -> bool:
    """Whether a word must be known: long, of another script, or an abbreviation in a text that is not all capitals."""
    if _is_code(word):
        return False
    return len(word) >= _LETTERS or not word.isascii() or (has_small and word.isupper() and len(word) > 1)


def _is_code(word: str) -> bool:
    return any(letter.isdigit() for letter in word) or len(word) == 1


def is_everyday(word: str) -> bool:
    """Whether a word in small letters is one of those that clinicians write every day, or its plural."""
    return word in EVERYDAY or any(
        word.endswith(ending) and word.removesuffix(ending) in EVERYDAY for ending in _ENDINGS
    )


def _is_known(word: str) -> bool:
    if len(word) == 1:
        return False
    folded = word.casefold().replace("’", "'")
    return folded in VOCABULARY or any(
        folded.endswith(ending) and len(folded) > _LETTERS and folded.removesuffix(ending) in VOCABULARY
        for ending in _ENDINGS
    )
