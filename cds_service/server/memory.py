"""How a process treats memory: garbage is looked for rarely, and what is given back is kept for the next request.

By default glibc gives each thread its pools and returns whatever is large to the kernel at once: a request of 1 MB then
costs a thousand page faults, and bodies lie scattered over as many pools as there are threads.
"""

from __future__ import annotations

import ctypes
import gc
from typing import Final

# From malloc.h; what another C library does not know it refuses, and nothing is lost.
_TRIM_THRESHOLD: Final = -1
_TOP_PAD: Final = -2
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8

_KEPT: Final = 128 * 1024 * 1024  # bytes at the end of the heap that are not given back
_LARGEST: Final = 32 * 1024 * 1024  # bytes of one piece taken from the heap; glibc allows no more
_STEP: Final = 1024 * 1024


# Decoding a chart, or importing a module, makes many objects at once; the former nearly all die with the request, the
# latter never do.
_GC_THRESHOLDS: Final = (100_000, 50, 1_000)


def collect_rarely() -> None:
    """Have Python look for unreachable objects a hundred times less often than by default."""
    gc.set_threshold(*_GC_THRESHOLDS)


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
