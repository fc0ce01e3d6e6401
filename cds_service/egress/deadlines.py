"""A total deadline on an HTTP exchange, kept at the socket.

The time-outs of `requests` are per socket operation: a server that sends a byte now and then, be it of the body or of
a header, keeps a thread for as long as it likes. So the wait of every single read is cut to what is left of the whole.
"""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http.client import HTTPResponse
from typing import Any, Final, cast

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_END: Final[ContextVar[float | None]] = ContextVar("end of the exchange", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Give what this thread does inside so many seconds altogether."""
    token = _END.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _END.reset(token)


def left(most: float) -> float:
    """Return how many seconds an operation may take that should take no more than some; TimeoutError if none."""
    end = _END.get()
    seconds = most if end is None else min(most, end - time.monotonic())
    if seconds <= 0:
        raise TimeoutError
    return seconds


class _Incoming(io.RawIOBase):
    """The bytes of an answer as they arrive; a read waits no longer than the socket's time-out and the deadline."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        self._socket = sock
        self._stream = cast("io.RawIOBase", sock.makefile("rb", buffering=0))
        self._most: float = sock.gettimeout() or 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(left(self._most))
        return self._stream.readinto(buffer)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Timed:
    """A socket as the reader of an answer sees it."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def makefile(self, mode: str) -> io.BufferedReader:
        del mode  # the reader of an answer asks for "rb"
        return io.BufferedReader(_Incoming(self._socket))


class _Response(HTTPResponse):
    """An answer whose headers and body are read under the deadline."""

    def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:
        super().__init__(cast("socket.socket", _Timed(sock)), *arguments, **named)


class _Connection(HTTPConnection):
    response_class = _Response


class _SecureConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


POOL_CLASSES: Final = {"http": _Pool, "https": _SecurePool}
