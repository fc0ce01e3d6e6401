"""SMART scopes, versions 1 and 2: which resource types a token may read and search.

`patient/Condition.read` and `user/*.*` are version 1, `patient/Condition.rs` and `system/Observation.rs?category=…`
version 2; a token may hold both. What else stands in a scope string (`openid`, `launch`) opens no resource.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Self


class Access(IntEnum):
    """How much of a resource type may be got at in one way."""

    NONE = 0
    RESTRICTED = 1  # only what a scope's query selects
    FULL = 2


_SCOPE = re.compile(
    r"(?:patient|user|system)/(?P<type>[A-Z][A-Za-z]*|\*)\."
    r"(?:(?P<v1>read|write|\*)|(?P<v2>(?=[cruds])c?r?u?d?s?)(?P<query>\?\S*)?)"
)
_VERSION_1 = {"read": "rs", "write": "", "*": "rs"}


@dataclass(frozen=True, slots=True)
class Scopes:
    """What a token covers: for each granted pair of type (`*` is any) and way (`r` or `s`) how much of it.

    None as `granted` is a token whose scopes nobody named: everything may be tried, the server decides.
    """

    granted: frozenset[tuple[str, str, Access]] | None = None

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """Read a scope string; one that covers no resource type covers nothing, None leaves everything open."""
        return cls(None if text is None else frozenset(part for scope in text.split() for part in _parts(scope)))

    def read(self, resource_type: str) -> Access:
        """Return how far single resources of a type may be read."""
        return self._access(resource_type, "r")

    def search(self, resource_type: str) -> Access:
        """Return how far a type may be searched."""
        return self._access(resource_type, "s")

    def _access(self, resource_type: str, way: str) -> Access:
        if self.granted is None:
            return Access.FULL
        levels = (level for name, given, level in self.granted if name in (resource_type, "*") and given == way)
        return max(levels, default=Access.NONE)


EVERYTHING = Scopes()


def _parts(scope: str) -> list[tuple[str, str, Access]]:
    found = _SCOPE.fullmatch(scope)
    if found is None:
        return []
    ways = found["v2"] if found["v1"] is None else _VERSION_1[found["v1"]]
    # A question mark without a query restricts nothing that we could name; it is not believed to open everything.
    level = Access.FULL if found["query"] is None else Access.RESTRICTED
    return [(found["type"], way, level) for way in ways if way in "rs"]
