"""JSON in and out, strict and without losing a digit.

A draft order travels through the service and back into the EHR in an `update`. `1.10` must not become `1.1` on the
way, so numbers with a fraction are read as Decimal and written as they were. Reading is strict (no NaN, no invalid
UTF-8, an object at the top), and what is not needed stays undecoded: most requests are none of our business.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from flask.json.provider import JSONProvider

from cds_service.protocol.errors import BadRequestError
from fhir_mappings.fhir.surrogates import without_lone_surrogates

if TYPE_CHECKING:
    from collections.abc import Callable

_BOM: Final = b"\xef\xbb\xbf"
_VALUE: Final = msgspec.json.Decoder(float_hook=Decimal)
_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")

_T = TypeVar("_T")


def encode(value: Any) -> bytes:
    """Return JSON; a Decimal keeps its digits, a type that JSON does not know is an error."""
    return _ENCODER.encode(value)


def decode(text: bytes | msgspec.Raw, expression: str | None = None) -> Any:
    """Return plain Python of JSON text; a failure is a 400 that names `expression`."""
    return _reading(_VALUE.decode, text, expression, "holds a number out of range")


def decode_members(text: bytes | msgspec.Raw, expression: str | None = None) -> dict[str, msgspec.Raw]:
    """Return the members of a JSON object, each still undecoded but known to be well-formed."""
    return _reading(_OBJECT.decode, text, expression, "is not a JSON object")


def decode_body(body: bytes) -> dict[str, msgspec.Raw]:
    """Return the undecoded members of a request body, which must be one JSON object in UTF-8."""
    return decode_repaired(body)[0]


def decode_repaired(body: bytes) -> tuple[dict[str, msgspec.Raw], bool]:
    """Return the undecoded members of a request body, and whether half characters in it had to be replaced."""
    text = body.removeprefix(_BOM)
    try:
        # msgspec does not look into the strings that it skips.
        text.decode()
    except UnicodeDecodeError:
        raise BadRequestError("structure", "The request body is not valid UTF-8.") from None
    try:
        # It does look at escapes, so only a body that is refused can need the repair.
        return decode_members(text), False
    except BadRequestError:
        repaired = without_lone_surrogates(text)
        if repaired is text:
            raise
        return decode_members(repaired), True


def _reading(
    decoder: Callable[[bytes | msgspec.Raw], _T], text: bytes | msgspec.Raw, expression: str | None, mismatch: str
) -> _T:
    """Decode, turning every way to fail into a 400 without the exception, whose text may quote the request."""
    try:
        return decoder(text)
    except msgspec.ValidationError:
        fault = mismatch
    except (msgspec.DecodeError, UnicodeDecodeError):
        fault = "is not valid JSON"
    except ArithmeticError:  # an exponent beyond what Decimal takes
        fault = "holds a number out of range"
    except RecursionError:
        fault = "is nested too deeply"
    where = (expression,) if expression else ()
    raise BadRequestError("structure", f"{expression or 'The request body'} {fault}.", *where) from None


class MsgspecProvider(JSONProvider):
    """Makes Flask's own JSON helpers read and write as this module does."""

    def dumps(self, obj: Any, **_kwargs: Any) -> str:
        """Return JSON text; formatting options do not apply."""
        return encode(obj).decode()

    def loads(self, s: str | bytes, **_kwargs: Any) -> Any:
        """Return plain Python of JSON text; a failure is a 400."""
        return decode(s.encode() if isinstance(s, str) else s)
