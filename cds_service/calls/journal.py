"""The journal: takes observed calls from the threads that answer, and judges them in a thread of its own.

An answer waits for nothing here and pays for nothing but a look at the clock: of calls that were none of ours, nearly
all, one a second is looked at. What finds no room is let go; nobody relies on seeing every call.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Final

from cds_service.calls.judge import judged
from cds_service.calls.judged import JudgedCall, Kind
from cds_service.calls.observed import Expected, Observed
from cds_service.calls.store import CallStore

_LOG: Final = logging.getLogger(__name__)

_MOST_WAITING: Final = 32
_MOST_BYTES: Final = 16 * 1024 * 1024
# Calls of one client and kind that are looked at in a second.
_A_SECOND: Final[dict[Kind, int]] = {"refused": 10, "assessed": 20, "unrelated": 1, "feedback": 5}


class Journal:
    """Judges and keeps calls; safe to share between threads, and made before workers fork."""

    def __init__(self, store: CallStore, expected: Expected, clock: Callable[[], float] = time.monotonic) -> None:
        """Take where judged calls are kept and what is expected of callers."""
        self.expected = expected
        self._store = store
        self._clock = clock
        self._waiting: queue.SimpleQueue[Observed] = queue.SimpleQueue()
        self._settled = threading.Condition()
        self._unjudged = 0
        self._bytes = 0
        self._looked: dict[tuple[str, Kind], tuple[int, int]] = {}  # in which second at how many
        self._thread: threading.Thread | None = None

    def wants(self, client: str, kind: Kind) -> bool:
        """Whether another call of a client and kind is looked at now; saying so counts as looking."""
        now, key = int(self._clock()), (client, kind)
        second, count = self._looked.get(key, (now, 0))
        if second != now:
            count = 0
        elif count >= _A_SECOND[kind]:
            return False
        self._looked[key] = (now, count + 1)
        return True

    def take(self, observed: Observed) -> None:
        """Have a call judged, unless too many wait already."""
        size = len(observed.body or b"")
        with self._settled:
            if self._unjudged >= _MOST_WAITING or self._bytes + size > _MOST_BYTES:
                return
            self._unjudged += 1
            self._bytes += size
            if self._thread is None or not self._thread.is_alive():  # not alive in a process that was forked off
                self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
                self._thread.start()
        self._waiting.put(observed)

    def flush(self, timeout: float = 2.0) -> bool:
        """Wait, at most so many seconds, until every call taken in this process is kept; return whether that is so."""
        with self._settled:
            return self._settled.wait_for(lambda: self._unjudged == 0, timeout)

    def last(self) -> tuple[JudgedCall, ...]:
        """Return the calls that are kept, the newest first; sqlite3.Error when they cannot be read."""
        return self._store.last()

    def _run(self) -> None:
        while True:
            observed = self._waiting.get()
            try:
                self._store.keep([judged(observed, self.expected)])
            except sqlite3.Error as error:
                _LOG.warning("a judged call could not be kept (%s)", type(error).__name__)
            except Exception as error:  # noqa: BLE001 - an odd call must not end the thread
                _LOG.error("a call could not be judged (%s)", type(error).__name__)
            with self._settled:
                self._unjudged -= 1
                self._bytes -= len(observed.body or b"")
                self._settled.notify_all()
