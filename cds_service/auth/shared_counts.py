"""Counting calls in memory that all workers of a service share.

Were a limit parted among the workers, a client whose few connections happen to end at one of them would be refused long
before it has made the calls that were agreed on. The memory is made before the workers fork. It is guarded by a lock of
the operating system, which lets go when a worker dies that holds it; threads of one worker hold a second one.
"""

from __future__ import annotations

import fcntl
import math
import mmap
import os
import struct
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_MINUTE: Final = 60.0
_MOMENT: Final = struct.Struct("=d")
_POSITION: Final = struct.Struct("=q")


class SharedCounts:
    """Counts by name within the last minute, exactly, by all processes that are forked after this was made."""

    def __init__(self, limits: Mapping[str, int], clock: Callable[[], float] = time.monotonic) -> None:
        """Take the names with the most that each may have in a minute, and a clock that all processes share."""
        self._clock = clock
        self._windows = {name: _Window(most) for name, most in limits.items()}
        self._threads = threading.Lock()
        self._file, name = tempfile.mkstemp(prefix="lumbar-cds-")
        Path(name).unlink()  # nobody else is meant to find it
        weakref.finalize(self, os.close, self._file)

    def take(self, name: str, _most: int) -> int:
        """Count one and return 0, or count nothing and return in how many seconds there is room again."""
        with self._locked():
            return self._windows[name].take(self._clock())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._threads:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)


class _Window:
    """The moments of the last so many calls, the oldest of which the next one replaces."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._memory = mmap.mmap(-1, _POSITION.size + most * _MOMENT.size)

    def take(self, now: float) -> int:
        """Note a call and return 0, or the whole seconds until the oldest call is a minute old."""
        position: int
        oldest: float
        (position,) = _POSITION.unpack_from(self._memory)
        place = _POSITION.size + position * _MOMENT.size
        (oldest,) = _MOMENT.unpack_from(self._memory, place)
        # Memory begins as zeros: there is no call yet.
        if oldest and now - oldest < _MINUTE:
            return max(1, math.ceil(oldest + _MINUTE - now))
        _MOMENT.pack_into(self._memory, place, now)
        _POSITION.pack_into(self._memory, 0, (position + 1) % self._most)
        return 0
