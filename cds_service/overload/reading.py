"""Where a call stops being cheap: its thread tells the server, which lets another one read meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

_THREAD: Final = threading.local()


def when_read(call: Callable[[], None] | None) -> None:
    """Say what this thread is to call when the request in hand was read and waits for a place; None for nothing."""
    _THREAD.call = call


def is_read() -> None:
    """Note that the request in hand was read; to be called as often as one likes."""
    call: Callable[[], None] | None = getattr(_THREAD, "call", None)
    if call is not None:
        _THREAD.call = None
        call()
