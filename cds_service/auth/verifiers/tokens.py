"""Compact JWTs as they arrive: taken from the header and read strictly, with nothing in them believed.

JSON parsers disagree on duplicate keys, NaN and encodings, and two readings of one token are two tokens. So whatever
could be read in two ways is refused here, before anything is made of it.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from cds_service.auth.verifiers.callers import Credentials, NotAuthenticatedError, Reason
from cds_service.clients.file.algorithms import KEY_TYPES
from cds_service.clients.normalization import without_slash

_MOST_CHARACTERS: Final = 8 * 1024
_LONGEST_KEY_ID: Final = 512
_SCHEME: Final = re.compile(r"bearer(?: |$)", re.ASCII | re.IGNORECASE)
_COMPACT: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+")
# Critical extensions, detached or compressed payloads and encryption: we understand none of them.
_REFUSED_PARAMETERS: Final = frozenset({"crit", "b64", "zip", "enc"})


@dataclass(frozen=True, slots=True)
class Token:
    """A token whose parts can be read; nothing in it is verified. Its repr shows none of it."""

    text: str = field(repr=False)
    header: Mapping[str, Any] = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)

    @property
    def issuer(self) -> str:
        """The claim `iss` without a trailing slash; empty where it is no string."""
        iss = self.claims.get("iss")
        return without_slash(iss) if isinstance(iss, str) else ""

    @property
    def key_id(self) -> str:
        """The header's `kid`, which `check_header` has seen to be a string."""
        return str(self.header["kid"])

    @property
    def algorithm(self) -> str:
        """The header's `alg`, which `check_header` has seen to be an asymmetric one."""
        return str(self.header["alg"])


def presented_token(credentials: Credentials) -> Token | None:
    """Return the bearer token of a request; None without one, NotAuthenticatedError when it cannot be read.

    The errors are not final: a token that cannot be read names no client.
    """
    if not credentials.authorization:
        return None
    if len(credentials.authorization) > 1:
        raise NotAuthenticatedError(Reason.AUTHORIZATION, final=False)
    value = credentials.authorization[0]
    if not _SCHEME.match(value):
        raise NotAuthenticatedError(Reason.SCHEME, final=False)
    if len(value) > _MOST_CHARACTERS:
        raise NotAuthenticatedError(Reason.SIZE, final=False)
    text = value[len("bearer") :].lstrip(" ")
    parts = _COMPACT.fullmatch(text)
    if parts is None:
        raise NotAuthenticatedError(Reason.MALFORMED, final=False)
    return Token(text, _json_object(parts[1]), _json_object(parts[2]))


def check_header(token: Token) -> None:
    """Refuse a header that no issuer of ours may send, whoever that is.

    Keys that a token brings along (`jwk`, `x5c`, `x5u`) are never looked at, so they need not be refused: some
    authorization servers add them to every token.
    """
    header = token.header
    if _REFUSED_PARAMETERS & header.keys():
        raise NotAuthenticatedError(Reason.HEADER)
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in KEY_TYPES:
        raise NotAuthenticatedError(Reason.ALGORITHM)
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not 0 < len(key_id) <= _LONGEST_KEY_ID:
        raise NotAuthenticatedError(Reason.KEY_ID)


def _json_object(part: str) -> dict[str, Any]:
    """Return the JSON object in a base64url part."""
    try:
        text = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()
        value = json.loads(
            text, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant, parse_float=_finite
        )
    except (binascii.Error, ValueError, RecursionError):
        raise NotAuthenticatedError(Reason.MALFORMED, final=False) from None
    if not isinstance(value, dict):
        raise NotAuthenticatedError(Reason.MALFORMED, final=False)
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return members


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is out of range")
    return number
