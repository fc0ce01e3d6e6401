"""Whom a request says it is from, whatever stands there."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from cds_service.server.claims import claimed_client, claimed_origin, clients_by_issuer

CLIENTS = {"https://ehr.example": "north"}


def head(claims: Any, name: str = "Authorization", scheme: str = "Bearer") -> bytes:
    """Return a request with a token that nobody has signed."""
    text = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    payload = base64.urlsafe_b64encode(text).rstrip(b"=").decode()
    return f"POST / HTTP/1.1\r\nHost: a\r\n{name}: {scheme} e30.{payload}.c2ln\r\n\r\n".encode()


@pytest.mark.parametrize(("name", "scheme"), [("Authorization", "Bearer"), ("authorization", "bearer")])
def test_issuer_names_the_client(name: str, scheme: str) -> None:
    """The issuer of a token that is known names its client, however the header is written."""
    assert claimed_client(head({"iss": "https://ehr.example"}, name, scheme), CLIENTS) == "north"


@pytest.mark.parametrize(
    "data",
    [
        head({"iss": "https://made-up.example"}),
        head({"iss": ["https://ehr.example"]}),
        head([]),
        head(b"{"),
        head(b"\xff"),
        head(b"[" * 5000),
        b"POST / HTTP/1.1\r\nAuthorization: Bearer abc\r\n\r\n",
        b"POST / HTTP/1.1\r\n\r\n" + head({"iss": "https://ehr.example"}),
        b"",
    ],
)
def test_anything_else_names_nobody(data: bytes) -> None:
    """An unknown issuer, a broken token, and one in the body name no client."""
    assert claimed_client(data, CLIENTS) is None


def test_issuer_of_several_clients_names_none() -> None:
    """An issuer that several clients have does not tell them apart."""
    pairs = [("x", "a"), ("x", "b"), ("y", "a"), ("y", "a")]
    assert clients_by_issuer(pairs) == {"y": "a"}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"POST / HTTP/1.1\r\nOrigin: https://a.example\r\nHost: b\r\n\r\n", "https://a.example"),
        (b"POST / HTTP/1.1\r\norigin:https://a.example:8443\r\n\r\n", "https://a.example:8443"),
        (b"POST / HTTP/1.1\r\nHost: b\r\n\r\nx\r\nOrigin: https://a.example\r\n", ""),
        (b"POST / HTTP/1.1\r\nOrigin: a b\r\n\r\n", ""),
        (b"POST / HTTP/1.1\r\nX-Origin: https://a.example\r\n\r\n", ""),
        (b"", ""),
    ],
)
def test_origin_is_that_of_the_head(data: bytes, expected: str) -> None:
    """What stands in a body, or is no origin, is none."""
    assert claimed_origin(data) == expected
