"""An HTTP or https server on a free loopback port that remembers what reached it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it arrived; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered; without a `Content-Length` among the headers, the length of the body is announced."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)


class LoopbackServer:
    """A server in threads of its own; `stopping` is set when the test is over."""

    def __init__(self, answer: Callable[[Received], Reply] | None, raw: Callable[..., None] | None) -> None:
        """Take a function from requests to replies, or one that writes to the connection itself."""
        self.received: list[Received] = []
        self.connections = 0
        self.names: list[str | None] = []
        self.stopping = threading.Event()
        self._answer = answer or (lambda _: Reply())
        self._raw = raw
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._server.owner = self
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def secure(self, context: ssl.SSLContext) -> None:
        """Speak TLS, and remember which names were asked for."""

        def note(_: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> None:
            self.names.append(name)

        context.sni_callback = note
        self._server.context = context

    def reply(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        length = int(handler.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        request = Received(handler.command, handler.path, headers, handler.rfile.read(length))
        self.received.append(request)
        if self._raw is not None:
            handler.close_connection = True
            self._raw(handler.wfile.write, self.stopping)
            return
        reply = self._answer(request)
        handler.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(reply.body)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and close everything."""
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # all searches of a call arrive at once; one that is not let in waits a second
    owner: LoopbackServer
    context: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        self.owner.connections += 1
        if self.context is None:
            super().finish_request(request, client_address)
            return
        with self.context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that hang up are what is under test."""


def _handler(owner: LoopbackServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            owner.reply(self)

        do_POST = do_OPTIONS = do_GET  # noqa: N815 - the names that http.server calls

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server gives it
            """Say nothing."""

    return Handler


@contextmanager
def serving(
    answer: Callable[[Received], Reply] | None = None,
    *,
    raw: Callable[..., None] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[LoopbackServer]:
    """Run a server while the block runs."""
    server = LoopbackServer(answer, raw)
    if tls is not None:
        server.secure(tls)
    server.start()
    try:
        yield server
    finally:
        server.stop()
