"""Turns at the processor, in the order of asking.

`threading.Semaphore` lets whoever comes by at the right moment overtake those that wait; under load that is seconds.
"""

from __future__ import annotations

import threading
from collections import deque


class Turns:
    """So many threads at a time, first come, first served."""

    def __init__(self, at_once: int) -> None:
        """Take how many go on at once."""
        self._free = at_once
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    def take_now(self) -> bool:
        """Take a turn if that takes no waiting."""
        with self._lock:
            if self._free > 0 and not self._waiting:
                self._free -= 1
                return True
        return False

    def take(self, seconds: float | None = None) -> bool:
        """Wait for a turn, for some seconds or for as long as it takes, and return whether it came."""
        mine = threading.Event()
        with self._lock:
            self._waiting.append(mine)
            self._call_next()
        mine.wait(seconds)
        with self._lock:
            if not mine.is_set():
                self._waiting.remove(mine)
        return mine.is_set()

    def give_back(self) -> None:
        """End a turn."""
        with self._lock:
            self._free += 1
            self._call_next()

    def _call_next(self) -> None:
        while self._free > 0 and self._waiting:
            self._free -= 1
            self._waiting.popleft().set()
