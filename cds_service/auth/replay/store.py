"""Tokens that have been used: each is good for one call, so whoever copies one gains nothing.

What is kept is a hash of issuer and `jti`, and only until the token would be refused anyway. A store that was made anew
has forgotten what the one before it knew, so it refuses what was issued before: nobody gains by emptying it.
"""

from __future__ import annotations

import hashlib
import heapq
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

_MOST_TOKENS: Final = 200_000  # calls within the lifetime of their tokens; some 40 MB


class ReplayUnavailableError(Exception):
    """Whether a token has been used cannot be said."""


class ReplayStore(Protocol):
    """Remembers used tokens. Safe to use from many threads."""

    def first_use(self, issuer: str, jti: str, until: datetime, issued: datetime | None = None) -> bool:
        """Remember a token until then and return whether it is new; ReplayUnavailableError when that cannot be said.

        One that was issued before the store was made is not new; None is for what is issued to nobody else.
        """


class UsedTokens(ReplayStore, Protocol):
    """A store that can also be asked without using a token."""

    def was_used(self, issuer: str, jti: str) -> bool:
        """Return whether a token is remembered, without using it; ReplayUnavailableError as `first_use`."""


class MemoryReplayStore:
    """Remembers within one process: right for a single worker, and for tests."""

    def __init__(self, clock: Callable[[], datetime], most: int = _MOST_TOKENS) -> None:
        """Take a clock and the most tokens that are kept at once."""
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._used: set[bytes] = set()
        self._by_end: list[tuple[float, bytes]] = []

    def first_use(self, issuer: str, jti: str, until: datetime, issued: datetime | None = None) -> bool:  # noqa: ARG002
        """Remember a token and return whether it is new; ReplayUnavailableError when there is no room."""
        token, now = token_digest(issuer, jti), self._clock().timestamp()
        with self._lock:
            while self._by_end and self._by_end[0][0] < now:
                self._used.discard(heapq.heappop(self._by_end)[1])
            if token in self._used:
                return False
            if len(self._used) >= self._most:
                raise ReplayUnavailableError
            self._used.add(token)
            heapq.heappush(self._by_end, (until.timestamp(), token))
            return True

    def was_used(self, issuer: str, jti: str) -> bool:
        """Return whether a token is remembered."""
        with self._lock:
            return token_digest(issuer, jti) in self._used

    def __len__(self) -> int:
        """Return how many tokens are remembered."""
        return len(self._used)


def token_digest(issuer: str, jti: str) -> bytes:
    """Return what stands for a token in a store: a hash, since a `jti` is of any length and of the caller's choice."""
    return hashlib.sha256(f"{len(issuer)}:{issuer}{jti}".encode()).digest()
