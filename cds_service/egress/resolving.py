"""Looking names up: never longer than the deadline, once for many threads, and not again for some seconds.

The system's look-up takes no time-out, so it runs in a thread of its own. What it found is kept for a short while:
with connections kept alive, a look-up for every search would be the slowest part of it.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from ipaddress import ip_address
from typing import Any, Final, TypeAlias

from cds_service.egress.reachability import IpAddress, unmapped

GetAddrInfo: TypeAlias = Callable[..., Sequence[tuple[Any, ...]]]

_KEPT: Final = 20.0  # seconds
_MOST: Final = 256  # names; only registered hosts are ever looked up


class Resolver:
    """Turns names into addresses, in the order in which the system prefers them."""

    def __init__(self, getaddrinfo: GetAddrInfo = socket.getaddrinfo, *, kept: float = _KEPT) -> None:
        """Take the look-up itself and for how many seconds an answer is kept."""
        self._getaddrinfo = getaddrinfo
        self._kept = kept
        self._lock = threading.Lock()
        self._asked: dict[str, tuple[float, Future[tuple[IpAddress, ...]]]] = {}

    def lookup(self, host: str, seconds: float) -> tuple[IpAddress, ...]:
        """Return the addresses of a name, at least one; OSError when there are none, TimeoutError when it is slow."""
        with self._lock:
            now = time.monotonic()
            until, answer = self._asked.get(host, (0.0, None))
            if answer is None or (answer.done() and now >= until):
                if len(self._asked) >= _MOST:
                    self._asked.clear()
                answer = Future()
                self._asked[host] = (now + self._kept, answer)
                threading.Thread(target=self._look, args=(host, answer), daemon=True, name="look-up").start()
        return answer.result(seconds)

    def forget(self, host: str) -> None:
        """Look a name up anew next time, because its addresses do not answer."""
        with self._lock:
            self._asked.pop(host, None)

    def _look(self, host: str, answer: Future[tuple[IpAddress, ...]]) -> None:
        try:
            found = self._getaddrinfo(host, None, type=socket.SOCK_STREAM)
            addresses = tuple(dict.fromkeys(unmapped(ip_address(entry[4][0])) for entry in found))
        except Exception:  # noqa: BLE001 - whatever it was, those who wait must hear of it
            addresses = ()
        if addresses:
            answer.set_result(addresses)
        else:
            self.forget(host)
            answer.set_exception(OSError("no address"))
