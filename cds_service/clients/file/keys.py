"""Inline public keys: whether they can be used, and fit the algorithms they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from cds_service.clients.file.algorithms import fits_algorithm

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SHORTEST_RSA: Final = 2048


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
    fitting = [name for name in algorithms if fits_algorithm(key["kty"], key.get("crv"), name)]
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
