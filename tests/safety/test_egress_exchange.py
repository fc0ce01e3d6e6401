"""Outgoing calls against real servers on loopback: slow, enormous, misnamed and misbehaving ones."""

from __future__ import annotations

import gzip
import io
import logging
import math
import os
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trustme

from cds_service.clients.profile import ClientProfile, FhirAccess
from cds_service.config.settings import load_settings
from cds_service.egress.breaker import Breakers
from cds_service.egress.destinations import Destinations
from cds_service.egress.fhir_transport import FhirTransport
from cds_service.egress.http import Fetched, HttpClient
from cds_service.egress.network import Network
from cds_service.observability.logs import configure_logging
from fhir_mappings.fhir_client.transport import FhirRequest, TransportError
from tests.loopback_server import LoopbackServer, Received, Reply, serving

HERE = Network(loopback=True)
NAME = "fhir.hospital.example"
SECRET = "Kowalczyk-9f31"


def here(host: str, port: object, **_: Any) -> list[tuple[Any, ...]]:
    """Look up every name as this machine."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]


@pytest.fixture
def http() -> Iterator[HttpClient]:
    """A client that trusts public authorities only."""
    client = HttpClient(4)
    yield client
    client.close()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority of a hospital's own."""
    return trustme.CA()


@pytest.fixture
def secure_http(authority: trustme.CA, tmp_path: Path) -> Iterator[HttpClient]:
    """A client that trusts the hospital's authority, for which every name is this machine."""
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(bundle)
    client = HttpClient(4, resolver=here, ca_bundle=bundle)
    yield client
    client.close()


def certificate(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """Return a server's side of TLS, with a certificate for a name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def get(http: HttpClient, url: str, *, seconds: float = 5.0, max_bytes: int = 100_000) -> Fetched:
    """Fetch with generous time-outs a socket operation, so that only the deadline can end a call early."""
    return http.get(
        url,
        HERE,
        seconds=seconds,
        connect_seconds=5.0,
        read_seconds=5.0,
        max_bytes=max_bytes,
        accept="application/json",
    )


def reason(call: Callable[[], object]) -> str:
    """Return why a call had no answer, and check that its error says nothing else."""
    with pytest.raises(TransportError) as caught:
        call()
    assert caught.value.__context__ is None
    assert str(caught.value) == caught.value.reason
    return caught.value.reason


def drip(head: bytes, piece: bytes) -> Callable[..., None]:
    """Return a server that sends a beginning at once and then a piece now and then, for ever."""

    def send(write: Callable[[bytes], object], stopping: threading.Event) -> None:
        write(head)
        while not stopping.wait(0.03):
            write(piece)

    return send


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"", b"H"),
        (OK, b"X-Slow: 1\r\n"),
        (OK + b"X-Slow: ", b"1"),
        (OK + b"Content-Length: 1000\r\n\r\n", b"{"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n{\r\n"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x"),
        (OK + b"\r\n", b"{"),
        (OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"{}")[:10], b""),
    ],
    ids=["status", "headers", "header", "body", "chunks", "chunk size", "endless", "gzip"],
)
def test_slow_answer_ends_with_the_deadline(head: bytes, piece: bytes, http: HttpClient) -> None:
    """A server that keeps sending a little, wherever in its answer, holds a thread no longer than allowed."""
    with serving(raw=drip(head, piece)) as server:
        started = time.monotonic()
        assert reason(lambda: get(http, f"http://127.0.0.1:{server.port}/", seconds=0.3)) == "timeout"
        assert time.monotonic() - started < 1.5


def test_slow_handshake_ends_with_the_deadline(http: HttpClient) -> None:
    """A server that never gets to the end of its first TLS message holds nobody either."""
    done = threading.Event()

    def dawdle(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(b"\x16\x03\x03\x40\x00")
            while not done.wait(0.03):
                connection.sendall(b"\0")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=dawdle, args=(listener,))
        thread.start()
        started = time.monotonic()
        assert reason(lambda: get(http, f"https://127.0.0.1:{listener.getsockname()[1]}/", seconds=0.3)) == "timeout"
        assert time.monotonic() - started < 1.5
        done.set()
        thread.join()


def test_silence_ends_with_the_read_limit(http: HttpClient) -> None:
    """A server that says nothing is given up after the read time-out, though more time is left."""
    client = ClientProfile("one", network=HERE, fhir=FhirAccess(any_loopback=True, read_ms=100))
    with serving(raw=drip(b"", b"")) as server:
        base = f"http://127.0.0.1:{server.port}/r4"
        transport = FhirTransport(http, client, Breakers(), Destinations.of(client).check_base(base))
        started = time.monotonic()
        assert reason(lambda: transport.send(FhirRequest(f"{base}/Condition"), 30.0)) == "timeout"
        assert time.monotonic() - started < 5


def test_slow_name_server_ends_with_the_deadline() -> None:
    """A look-up that hangs keeps its own thread, not the caller's."""
    release = threading.Event()

    def hang(*_: object, **__: object) -> list[tuple[Any, ...]]:
        release.wait(10)
        return []

    http = HttpClient(1, resolver=hang)
    started = time.monotonic()
    assert reason(lambda: get(http, f"https://{NAME}/", seconds=0.2)) == "timeout"
    assert time.monotonic() - started < 2
    release.set()


@pytest.mark.parametrize(
    "headers", [{}, {"Content-Length": "", "Connection": "close"}], ids=["announced", "not announced"]
)
def test_oversized_body_is_refused(headers: dict[str, str], http: HttpClient) -> None:
    """A body beyond the limit is not read to its end."""
    with serving(lambda _: Reply(body=b"x" * 1001, headers=headers)) as server:
        url = f"http://127.0.0.1:{server.port}/"
        assert reason(lambda: get(http, url, max_bytes=1000)) == "too-large"
        assert len(get(http, url, max_bytes=1001).body) == 1001


def test_size_is_that_of_the_decoded_body(http: HttpClient) -> None:
    """A small answer that unpacks into an enormous one is given up at the limit."""
    bomb = gzip.compress(b"0" * 30_000_000)
    assert len(bomb) < 50_000
    with serving(lambda _: Reply(body=bomb, headers={"Content-Encoding": "gzip"})) as server:
        assert reason(lambda: get(http, f"http://127.0.0.1:{server.port}/")) == "too-large"


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd", "compress"])
def test_encoding_not_asked_for_is_refused(encoding: str, http: HttpClient) -> None:
    """Layers of compression, and kinds that were not asked for, are not unpacked."""
    body = gzip.compress(gzip.compress(b"{}"))
    with serving(lambda _: Reply(body=body, headers={"Content-Encoding": encoding})) as server:
        assert reason(lambda: get(http, f"http://127.0.0.1:{server.port}/")) == "connection"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", gzip.compress(b"{}")), ("deflate", zlib.compress(b"{}")), ("identity", b"{}")],
    ids=["gzip", "deflate", "identity"],
)
def test_usual_encoding_is_unpacked(encoding: str, body: bytes, http: HttpClient) -> None:
    """Servers that compress are read."""
    with serving(lambda _: Reply(body=body, headers={"Content-Encoding": encoding})) as server:
        assert get(http, f"http://127.0.0.1:{server.port}/").body == b"{}"


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 100\r\n\r\n{}",
        OK + b"Transfer-Encoding: chunked\r\n\r\n64\r\n{}",
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        OK + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
    ],
    ids=["cut", "cut in a chunk", "cut between chunks", "not gzip", "not HTTP", "nothing"],
)
def test_broken_answer_is_no_answer(answer: bytes, http: HttpClient) -> None:
    """Half a Bundle must not pass for a whole one."""
    with serving(raw=lambda write, _: write(answer)) as server:
        assert reason(lambda: get(http, f"http://127.0.0.1:{server.port}/")) == "connection"


def test_certificate_is_checked_for_the_name(authority: trustme.CA, secure_http: HttpClient) -> None:
    """The connection goes to an address, and still server name, certificate and Host header are those of the name."""
    with serving(tls=certificate(authority, NAME)) as server:
        assert get(secure_http, f"https://{NAME}:{server.port}/r4").status == 200
        assert server.names == [NAME]
        assert server.received[0].headers["host"] == f"{NAME}:{server.port}"


def test_certificate_of_another_name_is_refused(authority: trustme.CA, secure_http: HttpClient) -> None:
    """A server that has a valid certificate for itself only does not get the request."""
    with serving(tls=certificate(authority, "evil.example")) as server:
        assert reason(lambda: get(secure_http, f"https://{NAME}:{server.port}/r4")) == "connection"
        assert not server.received


def test_certificate_for_the_address_is_not_one_for_the_name(authority: trustme.CA, secure_http: HttpClient) -> None:
    """The address that is connected to must not stand in for the name in the certificate, nor the other way round."""
    with serving(tls=certificate(authority, "127.0.0.1")) as server:
        assert reason(lambda: get(secure_http, f"https://{NAME}:{server.port}/r4")) == "connection"
        assert get(secure_http, f"https://127.0.0.1:{server.port}/r4").status == 200


def test_unknown_authority_is_refused(authority: trustme.CA) -> None:
    """A certificate that nobody vouches for does not get the request."""
    http = HttpClient(1, resolver=here)
    with serving(tls=certificate(authority, NAME)) as server:
        assert reason(lambda: get(http, f"https://{NAME}:{server.port}/r4")) == "connection"
        assert not server.received


def test_names_on_one_address_share_no_connection(authority: trustme.CA, secure_http: HttpClient) -> None:
    """A connection that was made for one name is not used for another at the same address."""
    with serving(tls=certificate(authority, NAME)) as server:
        get(secure_http, f"https://{NAME}:{server.port}/r4")
        assert reason(lambda: get(secure_http, f"https://other.example:{server.port}/r4")) == "connection"
        assert len(server.received) == 1


def test_connections_are_kept(authority: trustme.CA, secure_http: HttpClient) -> None:
    """The next search to the same server needs no new connection."""
    with serving(tls=certificate(authority, NAME)) as server:
        for _ in range(3):
            get(secure_http, f"https://{NAME}:{server.port}/r4")
        assert (len(server.received), server.connections) == (3, 1)
        secure_http.close()
        get(secure_http, f"https://{NAME}:{server.port}/r4")
        assert server.connections == 2
        secure_http.close()


def test_forked_process_opens_its_own_connections(http: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers that wrote into one inherited connection would read each other's patients."""
    with serving() as server:
        get(http, f"http://127.0.0.1:{server.port}/")
        monkeypatch.setattr(os, "getpid", lambda: -1)
        get(http, f"http://127.0.0.1:{server.port}/")
        assert server.connections == 2
        http.close()


def test_next_address_is_tried_when_the_first_turns_away() -> None:
    """`localhost` has two addresses, and many servers listen at one of them only."""

    def both(host: str, port: object, **_: Any) -> list[tuple[Any, ...]]:
        return [(10, 1, 6, "", ("::1", 0, 0, 0)), (2, 1, 6, "", ("127.0.0.1", 0))]

    http = HttpClient(1, resolver=both)
    with serving() as server:
        assert get(http, f"http://localhost:{server.port}/").status == 200
    http.close()


def transport(http: HttpClient, server: LoopbackServer) -> FhirTransport:
    """Return the transport to a server's base."""
    base = f"http://127.0.0.1:{server.port}/r4"
    client = ClientProfile("one", network=HERE, fhir=FhirAccess(bases=(base,)))
    return FhirTransport(http, client, Breakers(), Destinations.of(client).check_base(base))


def test_token_is_sent_to_its_server_only(http: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """One token goes with its own request to its own server: not to others, not with the next, not by .netrc."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with serving() as server, serving() as other:
        base = f"http://127.0.0.1:{server.port}/r4"
        with_token = FhirRequest(f"{base}/Condition?patient=1", token="a.b-c")
        assert transport(http, server).send(with_token, 5.0).status == 200
        transport(http, server).send(FhirRequest(f"{base}/Device"), 5.0)
        elsewhere = FhirRequest(f"http://127.0.0.1:{other.port}/r4/Condition", token="a.b-c")
        assert reason(lambda: transport(http, server).send(elsewhere, 5.0)) == "refused"
        assert not other.received
        first, second = server.received
        assert first.headers["authorization"] == "Bearer a.b-c"
        assert "authorization" not in second.headers
        assert first.headers["accept"] == "application/fhir+json"


def test_batch_is_posted(http: HttpClient) -> None:
    """A Bundle of searches goes to the base itself, as FHIR JSON."""
    with serving() as server:
        base = f"http://127.0.0.1:{server.port}/r4"
        transport(http, server).send(FhirRequest(base, "POST", body=b'{"resourceType":"Bundle"}'), 5.0)
        (request,) = server.received
        assert (request.method, request.body) == ("POST", b'{"resourceType":"Bundle"}')
        assert request.headers["content-type"] == "application/fhir+json"


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "a b", "ä", "\0"])
def test_token_that_is_no_token_is_not_sent(token: str, http: HttpClient) -> None:
    """A token is attacker-controlled too: it cannot add a header."""
    with serving() as server:
        request = FhirRequest(f"http://127.0.0.1:{server.port}/r4/Condition", token=token)
        assert reason(lambda: transport(http, server).send(request, 5.0)) == "refused"
        assert not server.received


def test_cookies_are_not_kept(http: HttpClient) -> None:
    """A server cannot recognise one patient's search by the last one's cookie."""
    with serving(lambda _: Reply(headers={"Set-Cookie": "session=1"})) as server:
        for _ in range(2):
            get(http, f"http://127.0.0.1:{server.port}/")
        assert all("cookie" not in request.headers for request in server.received)


def test_some_headers_of_the_answer_are_kept(http: HttpClient) -> None:
    """Key sets say how long they may be cached."""
    headers = {"Cache-Control": "max-age=60", "Content-Type": "application/jwk-set+json", "X-Other": "1"}
    with serving(lambda _: Reply(headers=headers)) as server:
        fetched = get(http, f"http://127.0.0.1:{server.port}/jwks?p=1")
        assert fetched.headers == {"cache-control": "max-age=60", "content-type": "application/jwk-set+json"}
        assert server.received[0].path == "/jwks?p=1"
        assert server.received[0].headers["accept"] == "application/json"


def private(server: LoopbackServer) -> FhirRequest:
    """Return a request that is full of what must not be seen."""
    return FhirRequest(f"http://127.0.0.1:{server.port}/r4/Condition?patient={SECRET}", token=SECRET)


@pytest.mark.usefixtures("untouched_logging")
def test_nothing_of_a_call_is_logged(http: HttpClient) -> None:
    """At the most talkative level of every library, neither address nor token is in the log."""
    lines = io.StringIO()
    configure_logging(load_settings({}, log_level="debug"), lines)
    logging.getLogger().setLevel(logging.DEBUG)

    def misbehave(write: Callable[[bytes], object], _: threading.Event) -> None:
        write(b"HTTP/1.1 200 OK\r\nno header at all\r\n\r\n{}")

    with serving() as good, serving(raw=misbehave) as bad:
        for server in (good, bad):
            transport(http, server).send(private(server), 5.0)
            assert SECRET not in repr((private(server), transport(http, server)))
    http.close()
    assert reason(lambda: transport(http, good).send(private(good), 5.0)) == "connection"
    assert lines.getvalue()
    assert SECRET not in lines.getvalue()
    assert "/r4" not in lines.getvalue()


def test_parallel_searches_are_parallel(http: HttpClient) -> None:
    """The circuit of a server does not make the searches of one hook wait for each other."""
    together = threading.Barrier(4, timeout=10)

    def wait(_: Received) -> Reply:
        together.wait()
        return Reply()

    with serving(wait) as server:
        shared = transport(http, server)
        request = FhirRequest(f"http://127.0.0.1:{server.port}/r4/Condition")
        threads = [threading.Thread(target=shared.send, args=(request, 10.0)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not together.broken


@pytest.mark.parametrize(
    ("header", "seconds"), [(None, None), ("2", 2.0), ("Thu, 26 Nov 2026 01:00:00 GMT", math.inf), ("9" * 20, math.inf)]
)
def test_when_to_ask_again_is_passed_on(http: HttpClient, header: str | None, seconds: float | None) -> None:
    """A busy server is asked again when it said, not at once; a date is later than any hook call can wait."""
    headers = {"Retry-After": header} if header else {}
    with serving(lambda _: Reply(429, headers=headers)) as server:
        assert transport(http, server).send(private(server), 5.0).retry_after == seconds
