"""Bodies that are made to break a parser: always a 400, never a crash and never a wrong number."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.protocol.builders import SERVICES, SIGN, hook_request, lumbar_mri

if TYPE_CHECKING:
    from tests.protocol.builders import HookClient

BODIES = {
    "nothing": b"",
    "half an object": b'{"hook": "order-',
    "an array": b"[]",
    "a string": b'"x"',
    "null": b"null",
    "a number": b"7",
    "NaN": b'{"x": NaN}',
    "Infinity": b'{"x": -Infinity}',
    "invalid UTF-8 in a key": b'{"\xff\xfe": 1}',
    "invalid UTF-8 in what is not read": b'{"extension": "\xff"}',
    "UTF-16": '{"hook": "order-sign"}'.encode("utf-16"),
    "a lone surrogate": b'{"hook": "\\ud800"}',
    "a trailing comma": b'{"hook": "order-sign",}',
    "a comment": b'{"hook": "order-sign" /* x */}',
    "two documents": b"{} {}",
    "a raw control character": b'{"hook": "a\nb"}',
    "a zero byte": b"\x00",
    "nested objects": b'{"a":' * 30_000 + b"1" + b"}" * 30_000,
    "nested arrays": b'{"a":' + b"[" * 100_000,
    "nested prefetch": b'{"prefetch": {"patient": ' + b"[" * 30_000 + b"]" * 30_000 + b"}}",
    "nested context": b'{"context": ' + b'{"x":' * 30_000 + b"1" + b"}" * 30_000 + b"}",
}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_broken_body_is_a_400(client: HookClient, service: str, body: bytes) -> None:
    """What is not one sound JSON object is refused."""
    assert client.call(service, data=body).status == 400


def with_value(text: str) -> bytes:
    """Return a request whose order holds a value given as JSON text."""
    request = hook_request(SIGN, lumbar_mri(quantityQuantity={"value": 987654321}))
    return json.dumps(request).replace("987654321", text).encode()


@pytest.mark.parametrize("number", ["1e99999999999999999999", "1" * 5000, "01", "+1", ".5", "1.", "0x10", "NaN"])
def test_impossible_number_is_a_400(client: HookClient, number: str) -> None:
    """A number that cannot be kept exactly, or is none in JSON, is refused rather than rounded."""
    assert client.call(SIGN, data=with_value(number)).status == 400


@pytest.mark.parametrize("depth", [50, 200, 400, 600, 800, 900, 950, 1000, 1200, 5000])
def test_nesting_is_read_or_refused(client: HookClient, depth: int) -> None:
    """Whatever the depth, of the order or of the chart, the answer is advice or a 400, never a crash."""
    nested = "[" * depth + "1" + "]" * depth
    address = f"/cds-services/{SIGN}"
    assert client.open(address, "POST", data=with_value(nested)).status in {200, 400}
    request = json.dumps(hook_request(SIGN, prefetch=None)).removesuffix("}")
    for value in nested, '{"resourceType": "Patient", "id": "pat-1", "x": ' + nested + "}":
        text = f'{request}, "prefetch": {{"patient": {value}, "conditions": {value}}}}}'
        assert client.open(address, "POST", data=text).status in {200, 400, 412}


@pytest.mark.parametrize(
    "step",
    [
        "hooks.adviser.read_lumbar_mri_orders",
        "hooks.data_access.sent_sources",
        "hooks.adviser.read_chart",
        "hooks.adviser.assess",
        "hooks.adviser.respond",
        "hooks.handler.encode",
    ],
)
def test_nesting_that_only_a_later_step_trips_over_is_a_400(
    client: HookClient, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Nesting near the limit may pass the parser and exhaust the stack afterwards: still the request's fault."""

    def exhaust(*_arguments: object, **_named: object) -> None:
        raise RecursionError

    monkeypatch.setattr(f"cds_service.{step}", exhaust)
    assert client.call(SIGN, hook_request(SIGN)).status == 400


def test_byte_order_mark_is_tolerated(client: HookClient) -> None:
    """Some clients on Windows write one."""
    assert client.call(SIGN, data=b"\xef\xbb\xbf" + with_value("1")).status == 200


def test_last_of_two_equal_members_counts(client: HookClient) -> None:
    """A repeated member is read once, in the same way everywhere."""
    body = json.dumps(hook_request(SIGN))
    assert client.call(SIGN, data='{"hook": "patient-view", ' + body[1:]).status == 200
    assert client.call(SIGN, data=body[:-1] + ', "hook": "patient-view"}').status == 400
