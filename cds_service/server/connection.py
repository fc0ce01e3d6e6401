"""One connection as gunicorn's threads see it: whole requests to read, and a socket that never makes them wait."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Any, Final, cast

from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import TConn

from cds_service.server.arrivals import Arrival
from cds_service.server.dispatch import Key, Lane

if TYPE_CHECKING:
    from gunicorn.config import Config

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
# Bytes handed over at once. gunicorn asks for as much as there is, takes it piece by piece, and copies what is left of
# it with each piece.
_PIECE: Final = 128 * 1024


class BufferedSocket:
    """A socket that reads from what has arrived, and whose writer keeps what a client does not take at once.

    `arrived_at` is when the request in hand was whole (`time.perf_counter`).
    """

    def __init__(self, sock: socket.socket) -> None:
        """Take a socket that does not block."""
        self.socket = sock
        self.unsent = bytearray()
        self.said_continue = False
        self.arrived_at = 0.0
        self._arrived = memoryview(b"")

    def put(self, data: bytearray) -> None:
        """Lay ready what is to be read."""
        self._arrived = memoryview(data)

    def recv(self, size: int) -> bytes:
        """Return the next bytes of what has arrived; nothing at its end, as if the client had closed."""
        size = min(size, _PIECE)
        data = bytes(self._arrived[:size])
        # An empty view would keep the whole request in memory for as long as the connection stays.
        self._arrived = self._arrived[size:] if size < len(self._arrived) else memoryview(b"")
        return data

    def rest(self) -> bytes:
        """Return all that has arrived and was not read."""
        data, self._arrived = bytes(self._arrived), memoryview(b"")
        return data

    def sendall(self, data: bytes) -> None:
        """Send what a client takes now, and keep the rest."""
        self.unsent += data
        self.flush()

    def send(self, data: bytes) -> int:
        """Send, but the invitation to go on only once: it is given as soon as a head asks for it."""
        if data != _CONTINUE or not self.said_continue:
            self.sendall(data)
        return len(data)

    def flush(self) -> bool:
        """Send more of what is left, and return whether nothing is."""
        with contextlib.suppress(BlockingIOError):
            while self.unsent:
                sent = self.socket.send(self.unsent)
                del self.unsent[:sent]
        return not self.unsent

    def say_continue(self) -> None:
        """Invite a client to send the body that it holds back."""
        if not self.said_continue:
            self.sendall(_CONTINUE)
            self.said_continue = True

    def setblocking(self, _flag: bool) -> None:  # noqa: FBT001 - the signature of a socket
        """Do nothing: gunicorn's threads ask for a blocking socket to wait on."""

    def __getattr__(self, name: str) -> Any:
        """Pass on everything else."""
        return getattr(self.socket, name)


class Connection(TConn):
    """A connection of which the main loop reads and writes, and a thread only handles what is whole.

    `deadline` is when it is closed unless something happens (monotonic seconds), `since` when it began to wait.
    `keeps` whether it stays open after the answer, `is_whole` whether all of the request has arrived: where the next
    one begins is unknown otherwise. `lane`, `key`, `arrived` and `is_aside` tell of the request in
    hand what `dispatch` goes by.
    """

    def __init__(self, cfg: Config, sock: socket.socket, client: Any, server: Any, longest_body: int) -> None:
        """Take a new connection."""
        self.buffered = BufferedSocket(sock)
        super().__init__(cfg, cast("socket.socket", self.buffered), client, server)
        sock.settimeout(0)
        self.raw = sock
        self.address = str(client[0]) if isinstance(client, tuple) else ""
        self.arrival = Arrival(longest_body)
        self.longest_body = longest_body
        self.deadline = 0.0
        self.since = 0.0
        self.keeps = False
        self.is_whole = False
        self.lane = Lane.OTHER
        self.key: Key = ("", None)
        self.arrived = 0.0
        self.is_aside = False
        self.data_ready = True
        self.initialized = True
        self.requests = RequestParser(cfg, self.buffered, client)
        self.parser = self.requests

    @property
    def size(self) -> int:
        """The bytes of a request that has arrived and was not handed over yet."""
        return len(self.arrival.data)

    def hand_over(self) -> None:
        """Lay ready the request that has arrived, and begin the next one."""
        self.buffered.put(self.arrival.data)
        self.buffered.arrived_at = self.arrived
        self.is_whole = self.arrival.is_whole
        self.arrival = Arrival(self.longest_body)

    def take_back(self) -> None:
        """Take what a client sent behind its request as the beginning of the next."""
        self.buffered.said_continue = False
        behind = self.requests.unreader.take_buffered() + self.buffered.rest()
        if behind:
            self.arrival.feed(behind)
