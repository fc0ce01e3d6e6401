"""Used tokens while their store is away: what this process has seen counts, and clients that insist are put off.

A full disk or a restarted Redis must not silence a warning about an implant. So each process remembers the tokens that
it has let in beside the store, and goes by them alone while the store does not answer; what it let in meanwhile is
written down as soon as the store is back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Final

from cds_service.auth.replay.store import MemoryReplayStore, ReplayStore, ReplayUnavailableError

_LOG: Final = logging.getLogger(__name__)
_REST: Final = 1.0  # seconds in which a store that has just failed is not asked: each call would wait for it
_AT_ONCE: Final = 200  # tokens written down by one call


class ReplayGuard:
    """A store of used tokens that may be away; safe to use from many threads."""

    def __init__(
        self,
        store: ReplayStore,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the store, the time of day, and a clock in seconds that nobody sets."""
        self._store = store
        self._seen = MemoryReplayStore(clock)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._waiting: deque[tuple[str, str, datetime]] = deque()
        self._away = False
        self._ask_again = 0.0

    @property
    def is_available(self) -> bool:
        """Whether the store answered when it was last asked."""
        return not self._away

    def first_use(self, issuer: str, jti: str, until: datetime, issued: datetime, *, strict: bool = False) -> bool:
        """Remember a token and return whether it is new.

        ReplayUnavailableError where the store is away, if that is to be `strict` or there is no room for more.
        """
        try:
            is_new = self._ask(issuer, jti, until, issued)
        except ReplayUnavailableError:
            if strict:
                raise
            if not self._seen.first_use(issuer, jti, until):
                return False
            with self._lock:
                self._waiting.append((issuer, jti, until))
            return True
        return self._seen.first_use(issuer, jti, until) and is_new

    def _ask(self, issuer: str, jti: str, until: datetime, issued: datetime) -> bool:
        if self._away and self._monotonic() < self._ask_again:
            raise ReplayUnavailableError
        try:
            is_new = self._store.first_use(issuer, jti, until, issued)
            self._write_down()
        except ReplayUnavailableError:
            self._note(away=True)
            raise
        self._note(away=False)
        return is_new

    def _write_down(self) -> None:
        """Tell the store what was let in without it."""
        for _ in range(_AT_ONCE):
            with self._lock:
                if not self._waiting:
                    return
                use = self._waiting.popleft()
            try:
                self._store.first_use(*use)
            except ReplayUnavailableError:
                with self._lock:
                    self._waiting.appendleft(use)
                raise

    def _note(self, *, away: bool) -> None:
        with self._lock:
            changed, self._away = self._away != away, away
            if away:
                self._ask_again = self._monotonic() + _REST
        if changed and away:
            _LOG.warning("used tokens cannot be looked up: each worker goes by those that it has seen itself")
        elif changed:
            _LOG.info("used tokens can be looked up again")
