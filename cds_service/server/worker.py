"""gunicorn's threaded worker, with threads that wait for no client and are shared out fairly.

gunicorn gives a thread to a connection as soon as a byte arrives: as many slow clients as there are threads stop every
answer, `/livez` included. Here the main loop reads until a request is whole and sends what a client did not take at
once, so that a connection costs memory and a descriptor only, and both are bounded. Which request gets a thread, and
which is sent away, is decided in `dispatch`. Preloading, draining and all that
hangs on them stay gunicorn's.
"""

from __future__ import annotations

import contextlib
import math
import selectors
import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from gunicorn.workers.gthread import ThreadWorker

from cds_service.observability.logs import get_logger
from cds_service.overload.reading import when_read
from cds_service.server.claims import claimed_client, claimed_origin
from cds_service.server.connection import Connection
from cds_service.server.dispatch import Dispatch, Lane, lane_of
from cds_service.server.sent_away import overloaded_answer

_LOG: Final = get_logger(__name__)

_HEAD_SECONDS: Final = 10.0  # from the first byte of a request to the end of its head
_BODY_SECONDS: Final = 60.0  # from the first byte of a request to its last: 5 MB over a line of 1 Mbit/s
_WRITE_SECONDS: Final = 30.0  # for a client to take an answer
_LINGER_SECONDS: Final = 2.0  # for a client to close, so that the end of an answer is not lost (RFC 9112 section 9.6)
_READ_SIZE: Final = 256 * 1024
_ACCEPT_AT_ONCE: Final = 64  # new connections between two looks at the others
_RESERVED_THREADS: Final = 3  # for probes and scrapes; two of them may hang on a store
_LOOK_SECONDS: Final = 0.05  # between two looks at requests that wait for a thread
_QUIET_SECONDS: Final = 10.0  # without a request sent away, before the next is worth a line in the log
_MOST_BYTES: Final = 256 * 1024 * 1024  # of requests that are not yet whole, in one worker


class PatientWorker(ThreadWorker):
    """A threaded worker that takes requests whole and leaves answers to the main loop."""

    # Set on a subclass before the workers are forked; gunicorn makes them without arguments of ours.
    longest_body = 5 * 1024 * 1024
    patience = 0.3
    reading = 4

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin without connections."""
        super().__init__(*args, **kwargs)
        # In the order in which they began to wait.
        self._waiting: dict[Connection, None] = {}
        self._bytes = 0
        self._reserved = ThreadPoolExecutor(_RESERVED_THREADS, thread_name_prefix="probe")
        self._dispatch: Dispatch[Connection] = Dispatch(self.reading, self.patience, self._start, self._send_away)
        self._last_sent_away = -math.inf
        # Set once the application is there: clients by the issuer of their tokens, whether a page of an origin may
        # read answers, and what counts who is sent away.
        self.clients: Mapping[str, str] = {}
        self.allows_origin: Callable[[str], bool] = lambda _: False
        self.count_sent_away: Callable[[str | None, str], None] | None = None

    def wait_for_and_dispatch_events(self, timeout: float | None) -> None:
        """Wait for what happens, and look now and then after requests that wait for a thread."""
        waits = bool(self._dispatch.waiting)
        super().wait_for_and_dispatch_events(_LOOK_SECONDS if waits else timeout)
        if waits:
            self._dispatch.go_on(time.perf_counter())

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
        """Let a thread handle a request, or let it wait until there is one."""
        self._stop_waiting(connection)
        connection.arrived = time.perf_counter()
        connection.lane = lane_of(connection.arrival.data)
        if connection.lane is Lane.PROBE:
            self._start(connection)
            return
        connection.key = connection.address, claimed_client(connection.arrival.data, self.clients)
        self._dispatch.arrive(connection, connection.arrived)

    def _start(self, connection: Connection) -> None:
        connection.hand_over()
        if connection.lane is Lane.PROBE:
            answered = self._reserved.submit(self.handle, connection)
        else:
            answered = self.tpool.submit(self._handle, connection)
        answered.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, connection, done))

    def _handle(self, connection: Connection) -> Any:
        """Handle a request in a thread, which may let another read in its place."""
        when_read(lambda: self.method_queue.defer(self._set_aside, connection))
        try:
            return self.handle(connection)
        finally:
            when_read(None)

    def _set_aside(self, connection: Connection) -> None:
        self._dispatch.set_aside(connection, time.perf_counter())

    def _send_away(self, connection: Connection) -> None:
        """Answer a request for which there is no thread in time: at once, and without one."""
        origin = claimed_origin(connection.arrival.data)
        connection.hand_over()
        connection.keeps = False
        _, client = connection.key
        if self.count_sent_away:
            self.count_sent_away(client, "thread")
        if connection.arrived - self._last_sent_away > _QUIET_SECONDS:
            _LOG.warning("requests are sent away, because more come than are answered in time")
        self._last_sent_away = connection.arrived
        with contextlib.suppress(OSError):
            connection.buffered.sendall(overloaded_answer(origin if origin and self.allows_origin(origin) else ""))
        self._send(connection)

    def finish_request(self, conn: Any, fs: Future[Any]) -> None:
        """Send what is left of an answer, then go on with the connection or close it."""
        conn.keeps = not fs.cancelled() and fs.exception() is None and bool(fs.result())
        if conn.lane is not Lane.PROBE:
            self._dispatch.finish(conn, time.perf_counter())
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
