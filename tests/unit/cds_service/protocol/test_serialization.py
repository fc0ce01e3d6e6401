"""JSON in and out: digits kept, nothing dropped."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from flask import Flask

from cds_service.protocol.errors import BadRequestError
from cds_service.protocol.serialization import MsgspecProvider, decode, decode_body, decode_members, encode


@pytest.mark.parametrize("text", ["1.10", "0.000", "-1.50", "1E+400", "0", "-7", "98765432109876543210987654321"])
def test_number_survives_a_round_trip(text: str) -> None:
    """A number is written exactly as it was read."""
    assert encode(decode(text.encode())) == text.encode()


def test_fraction_is_a_decimal() -> None:
    """Only numbers with a fraction or an exponent become Decimal."""
    assert decode(b"[1.10, 1, 1e2]") == [Decimal("1.10"), 1, Decimal("1E+2")]
    assert [type(number) for number in decode(b"[1.10, 1]")] == [Decimal, int]


def test_unknown_type_is_not_dropped() -> None:
    """What JSON cannot say is an error, never left out."""
    with pytest.raises(TypeError):
        encode({"x": object()})


def test_members_stay_undecoded() -> None:
    """A member that nobody asks for costs no decoding: a number out of range in it goes unnoticed."""
    members = decode_members(b'{"a": {"x": 1e99999999999999999999}, "b": 1}')
    assert decode(members["b"]) == 1
    with pytest.raises(BadRequestError) as refused:
        decode(members["a"], "a")
    assert (refused.value.expression, refused.value.status) == (("a",), 400)


def test_invalid_utf8_is_found_where_nobody_looks() -> None:
    """The whole body is UTF-8 or refused, also the part that stays undecoded."""
    with pytest.raises(BadRequestError, match="UTF-8"):
        decode_body(b'{"a": "\xff"}')


def test_other_failures_do_not_quote_the_body() -> None:
    """The message names the field and the kind of fault only."""
    with pytest.raises(BadRequestError) as refused:
        decode(msgspec.Raw(b'"secret'), "context")
    assert refused.value.message == "context is not valid JSON."
    assert refused.value.__suppress_context__


def test_flask_uses_the_same_rules() -> None:
    """Flask's own JSON helpers neither round nor reorder."""
    app = Flask("test")
    app.json = MsgspecProvider(app)
    assert app.json.dumps({"b": Decimal("1.10"), "a": 1}) == '{"b":1.10,"a":1}'
    assert app.json.loads('{"x": 1.10}') == app.json.loads(b'{"x": 1.10}') == {"x": Decimal("1.10")}
