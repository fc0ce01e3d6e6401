"""gunicorn's threaded worker, with threads that wait for no client.

gunicorn gives a thread to a connection as soon as a byte arrives: as many slow clients as there are threads stop every
answer, `/livez` included. Here the main loop reads until a request is whole and sends what a client did not take at
once, so that a connection costs memory and a descriptor only, and both are bounded. Preloading, draining and all that
hangs on them stay gunicorn's.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from concurrent.futures import Future
from functools import partial
from typing import Any, Final

from gunicorn.workers.gthread import ThreadWorker

from cds_service.server.connection import Connection

_HEAD_SECONDS: Final = 10.0  # from the first byte of a request to the end of its head
_BODY_SECONDS: Final = 60.0  # from the first byte of a request to its last: 5 MB over a line of 1 Mbit/s
_WRITE_SECONDS: Final = 30.0  # for a client to take an answer
_LINGER_SECONDS: Final = 2.0  # for a client to close, so that the end of an answer is not lost (RFC 9112 section 9.6)
_READ_SIZE: Final = 256 * 1024
_ACCEPT_AT_ONCE: Final = 64  # new connections between two looks at the others
_MOST_BYTES: Final = 256 * 1024 * 1024  # of requests that are not yet whole, in one worker


class PatientWorker(ThreadWorker):
    """A threaded worker that takes requests whole and leaves answers to the main loop."""

    # Set on a subclass before the workers are forked; gunicorn makes them without arguments of ours.
    longest_body = 5 * 1024 * 1024

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin without connections."""
        super().__init__(*args, **kwargs)
        # In the order in which they began to wait.
        self._waiting: dict[Connection, None] = {}
        self._bytes = 0

    def set_accept_enabled(self, enabled: bool | None) -> None:  # noqa: FBT001 - gunicorn's signature
        """Accept until the worker stops, then take what has connected and close the door.

        A full worker closes its oldest waiting connection rather than let a new one hang.
        """
        super().set_accept_enabled(enabled or self.alive)
        if self.alive:
            return
        for listener in self.sockets:
            self.accept(listener)
            listener.close()

    def accept(self, listener: Any) -> None:
        """Take the connections that have come; none of them costs a thread yet."""
        for _ in range(_ACCEPT_AT_ONCE):
            try:
                client, address = listener.accept()
            except OSError:
                return
            connection = Connection(self.cfg, client, address, listener.getsockname(), self.longest_body)
            self.nr_conns += 1
            self._await_request(connection)
            if self.nr_conns > self.worker_connections and self._waiting:
                self._drop(next(iter(self._waiting)))

    def _await_request(self, connection: Connection) -> None:
        """Wait for the next request, or go on if it is here already."""
        if connection.arrival.is_ready:
            self._begin(connection)
            return
        seconds = float(self.cfg.keepalive) if not connection.arrival.data else _HEAD_SECONDS
        self._wait(connection, selectors.EVENT_READ, self._readable, seconds)

    def _readable(self, connection: Connection, _fileobj: object) -> None:
        arrival = connection.arrival
        had = len(arrival.data)
        try:
            data = connection.raw.recv(_READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(connection)
            return
        arrival.feed(data)
        self._bytes += len(data)
        if arrival.is_ready:
            self._begin(connection)
            return
        now = time.monotonic()
        if not had:
            connection.since, connection.deadline = now, now + _HEAD_SECONDS
        if arrival.has_head:
            connection.deadline = connection.since + _BODY_SECONDS
        if arrival.awaits_continue:
            with contextlib.suppress(OSError):
                connection.buffered.say_continue()
        if self._bytes > _MOST_BYTES:
            self._drop(max(self._waiting, key=lambda waiting: len(waiting.arrival.data)))

    def _begin(self, connection: Connection) -> None:
        """Let a thread handle a request."""
        self._stop_waiting(connection)
        connection.hand_over()
        self.enqueue_req(connection)

    def finish_request(self, conn: Any, fs: Future[Any]) -> None:
        """Send what is left of an answer, then go on with the connection or close it."""
        conn.keeps = not fs.cancelled() and fs.exception() is None and bool(fs.result())
        self._send(conn)

    def _send(self, connection: Connection, _fileobj: object = None) -> None:
        try:
            is_sent = connection.buffered.flush()
        except OSError:
            self._drop(connection)
            return
        if not is_sent:
            if connection not in self._waiting:
                self._wait(connection, selectors.EVENT_WRITE, self._send, _WRITE_SECONDS)
            return
        self._stop_waiting(connection)
        if connection.keeps:
            connection.take_back()
            self._await_request(connection)
        else:
            self._linger(connection)

    def _linger(self, connection: Connection) -> None:
        """Close for writing, and read away what still comes: a reset would take the end of the answer with it."""
        try:
            connection.raw.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(connection)
            return
        self._wait(connection, selectors.EVENT_READ, self._discard, _LINGER_SECONDS)

    def _discard(self, connection: Connection, _fileobj: object) -> None:
        try:
            if connection.raw.recv(_READ_SIZE):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._drop(connection)

    def _keepalive_after(self, conn: Any, keepalive: Any) -> bool:
        """Whether a connection can be used again: the rest of the request can be read away, because it is here."""
        return bool(keepalive) and conn.is_whole and bool(conn.requests.finish_body())

    def _wait(self, connection: Connection, events: int, callback: Any, seconds: float) -> None:
        connection.since = time.monotonic()
        connection.deadline = connection.since + seconds
        self._waiting[connection] = None
        self._bytes += len(connection.arrival.data)
        self.poller.register(connection.raw, events, partial(callback, connection))

    def _stop_waiting(self, connection: Connection) -> None:
        if connection in self._waiting:
            del self._waiting[connection]
            self._bytes -= len(connection.arrival.data)
            self.poller.unregister(connection.raw)

    def _drop(self, connection: Connection) -> None:
        self._stop_waiting(connection)
        self.nr_conns -= 1
        connection.raw.close()

    def murder_keepalived(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 - gunicorn's signature
        """Close what has waited too long, or everything."""
        now = time.monotonic()
        for connection in [waiting for waiting in self._waiting if force or waiting.deadline <= now]:
            self._drop(connection)

    def _cap_keepalive(self, deadline: float) -> None:
        """Close idle connections soon once the worker stops."""
        for connection in self._waiting:
            if not (connection.arrival.data or connection.buffered.unsent):
                connection.deadline = min(connection.deadline, deadline)
