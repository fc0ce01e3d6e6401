"""What glibc does with memory that is given back: keep it, because the next request needs it again.

By default each thread has its pools, and whatever is large goes back to the kernel at once: a request of 1 MB then
costs a thousand page faults, and bodies lie scattered over as many pools as there are threads.
"""

from __future__ import annotations

import ctypes
from typing import Final

# From malloc.h; what another C library does not know it refuses, and nothing is lost.
_TRIM_THRESHOLD: Final = -1
_TOP_PAD: Final = -2
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8

_KEPT: Final = 128 * 1024 * 1024  # bytes at the end of the heap that are not given back
_LARGEST: Final = 32 * 1024 * 1024  # bytes of one piece taken from the heap; glibc allows no more
_STEP: Final = 1024 * 1024


def keep_returned_memory() -> None:
    """Set malloc for this process and those that it forks; to be called before there is a second thread."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # not glibc
        return
    mallopt(_ARENA_MAX, 1)
    mallopt(_MMAP_THRESHOLD, _LARGEST)
    mallopt(_TRIM_THRESHOLD, _KEPT)
    mallopt(_TOP_PAD, _STEP)
