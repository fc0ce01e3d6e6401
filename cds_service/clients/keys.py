"""Inline public keys: whether they can be used, and fit the algorithms they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SHORTEST_RSA: Final = 2048

# The kind of key that each algorithm works with: `kty`, and the curve where it has one.
_KINDS: Final[Mapping[str, frozenset[tuple[str, str | None]]]] = {
    **{name: frozenset({("RSA", None)}) for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")},
    "ES256": frozenset({("EC", "P-256")}),
    "ES384": frozenset({("EC", "P-384")}),
    "ES512": frozenset({("EC", "P-521")}),
    "EdDSA": frozenset({("OKP", "Ed25519"), ("OKP", "Ed448")}),
}


def key_problems(keys: Sequence[Mapping[str, Any]], algorithms: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the position of each key that cannot be used, and why."""
    seen: set[str] = set()
    for position, key in enumerate(keys):
        if key["kid"] in seen:
            yield position, "has the kid of another key"
        seen.add(key["kid"])
        if problem := _problem(key, algorithms):
            yield position, problem


def _problem(key: Mapping[str, Any], algorithms: Sequence[str]) -> str | None:
    kind = (key["kty"], key.get("crv"))
    fitting = [name for name in algorithms if kind in _KINDS[name]]
    if not fitting:
        return f"fits none of the algorithms {', '.join(algorithms)}"
    if "alg" in key and key["alg"] not in fitting:
        return f"is for an algorithm that is not among {', '.join(fitting)}"
    try:
        material = PyJWK.from_dict(dict(key), fitting[0]).key
    except (PyJWTError, ValueError, KeyError, TypeError):
        return "is not a public key that can be used"
    if isinstance(material, RSAPublicKey) and material.key_size < _SHORTEST_RSA:
        return f"is shorter than {_SHORTEST_RSA} bits"
    return None
