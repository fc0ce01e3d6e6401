"""A request as it arrives, piece by piece."""

from __future__ import annotations

import gc
import weakref

import pytest

from cds_service.server.arrivals import LONGEST_HEAD, Arrival

HEAD = b"POST /cds-services/a HTTP/1.1\r\nHost: a\r\n"
WHOLE = {
    "without a body": b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n",
    "of a told length": HEAD + b"Content-Length: 4\r\n\r\n{  }",
    "in chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n4;a=b\r\n{  }\r\n0\r\nDigest: x\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", WHOLE.values(), ids=WHOLE)
def test_request_is_whole_with_its_last_byte(request_bytes: bytes) -> None:
    """However it is cut, a request is whole with its last byte and not before."""
    arrival = Arrival(1000)
    for at in range(len(request_bytes)):
        assert not arrival.is_ready
        arrival.feed(request_bytes[at : at + 1])
    assert (arrival.is_ready, arrival.is_whole, bytes(arrival.data)) == (True, True, request_bytes)


def test_bytes_behind_a_request_are_kept() -> None:
    """A client may send its next request before it has the answer."""
    arrival = Arrival(1000)
    arrival.feed(WHOLE["of a told length"] + WHOLE["without a body"])
    assert arrival.is_whole
    assert arrival.data.endswith(WHOLE["without a body"])


@pytest.mark.parametrize(
    "request_bytes",
    [
        HEAD + b"Content-Length: 1001\r\n\r\n",
        HEAD + b"Content-Length: 99999999999999999999999999\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffff\r\n" + b" " * (LONGEST_HEAD + 1001),
        HEAD + b"X: " + b"y" * LONGEST_HEAD,
        b"\x16\x03\x01\x02\x00\x01\x00",
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ids=["long body", "absurd length", "long chunks", "long head", "TLS to a plain port", "two lengths"],
)
def test_what_is_refused_anyway_is_not_waited_for(request_bytes: bytes) -> None:
    """A request that will be refused is handed on as it is, and marked as not whole."""
    arrival = Arrival(1000)
    arrival.feed(request_bytes)
    assert arrival.is_ready
    assert not arrival.is_whole


def test_body_that_is_held_back_is_asked_for() -> None:
    """A client that waits to be told to go on is told, until its body is there."""
    arrival = Arrival(1000)
    arrival.feed(HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert arrival.awaits_continue
    arrival.feed(b"{}")
    assert (arrival.awaits_continue, arrival.is_whole) == (False, True)


def test_request_is_let_go_with_its_last_use() -> None:
    """A request is freed at once: the garbage collector comes by only after thousands of bodies."""
    gc.disable()
    try:
        arrival = Arrival(1000)
        arrival.feed(WHOLE["of a told length"])
        gone = weakref.ref(arrival)
        del arrival
        assert gone() is None
    finally:
        gc.enable()
