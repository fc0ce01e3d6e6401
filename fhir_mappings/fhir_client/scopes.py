"""SMART scopes: a hint at which resource types a token may read and search, never more than that.

`patient/Condition.read` and `user/*.*` are version 1, `patient/Condition.rs` and `system/Observation.rs?category=…`
version 2; a token may hold both. Epic writes `user/Condition.Read`, `CONDITION.READ` and `Condition.Search (R4)`, so
case counts nowhere and a type of ours may stand without what comes before it. What the token really covers only the
server knows: where no scope can be read, everything is asked for, and the server decides. What else stands in a scope
string (`openid`, `launch`) says nothing of a resource.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from fhir_mappings.fhir.needs import DATA_NEEDS


class Access(IntEnum):
    """How much of a resource type may be got at in one way."""

    NONE = 0
    RESTRICTED = 1  # only what a scope's query selects
    FULL = 2


_SCOPE: Final = re.compile(
    r"(?P<context>(?:patient|user|system)/)?(?P<type>[a-z]+|\*)\.(?P<verb>[a-z]+|\*)(?P<query>\?\S*)?", re.IGNORECASE
)
# Verbs that are words; any other is letters of version 2.
_WORDS: Final = {"read": "rs", "search": "s", "*": "rs", "write": "", "create": "", "update": "", "delete": ""}
_LETTERS: Final = frozenset("cruds")
# Without a context only these are scopes of a resource: anything may look like `name.word`.
_OURS: Final = frozenset(need.resource_type.lower() for need in DATA_NEEDS) | {"medication"}


@dataclass(frozen=True, slots=True)
class Scopes:
    """What a token covers: for each granted pair of type (`*` is any) and way (`r` or `s`) how much of it.

    None as `granted` is a token whose scopes nobody named, or none that can be read: everything may be tried.
    """

    granted: frozenset[tuple[str, str, Access]] | None = None

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """Read a scope string; None, and one in which no scope of a resource is found, leave everything open."""
        found = [scope for scope in (text or "").split() if _is_of_a_resource(scope)]
        return cls(frozenset(part for scope in found for part in _parts(scope)) if found else None)

    @property
    def are_readable(self) -> bool:
        """Whether the token says what it covers, so that a type may be plainly granted or plainly not."""
        return self.granted is not None

    def read(self, resource_type: str) -> Access:
        """Return how far single resources of a type may be read."""
        return self._access(resource_type, "r")

    def search(self, resource_type: str) -> Access:
        """Return how far a type may be searched."""
        return self._access(resource_type, "s")

    def _access(self, resource_type: str, way: str) -> Access:
        if self.granted is None:
            return Access.FULL
        names = (resource_type.lower(), "*")
        levels = (level for name, given, level in self.granted if name in names and given == way)
        return max(levels, default=Access.NONE)


EVERYTHING = Scopes()


def _is_of_a_resource(scope: str) -> bool:
    found = _SCOPE.fullmatch(scope)
    if found is None:
        return False
    return found["context"] is not None or (found["type"].lower() in _OURS and _ways(found["verb"]) is not None)


def _parts(scope: str) -> list[tuple[str, str, Access]]:
    found = _SCOPE.fullmatch(scope)
    if found is None:
        return []
    ways = _ways(found["verb"])
    # A question mark without a query restricts nothing that we could name; it is not believed to open everything.
    level = Access.FULL if found["query"] is None else Access.RESTRICTED
    # A verb that cannot be read may well be the one that grants it: the server decides.
    return [(found["type"].lower(), way, level) for way in ("rs" if ways is None else ways) if way in "rs"]


def _ways(verb: str) -> str | None:
    """Return the ways that a verb opens, as letters of version 2; None for a verb that cannot be read."""
    word = verb.lower()
    if word in _WORDS:
        return _WORDS[word]
    return word if _LETTERS.issuperset(word) else None
