"""JWK Sets: which of their keys may verify a signature, and with which algorithm.

A published set is foreign input like any other. A key is used only for what it says it is for, only if it is public and
strong enough, and only with an algorithm of its own kind: nearly every forged token of the past got through because a
key was used with the wrong one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from cds_service.auth.verifiers.callers import NotAuthenticatedError, Reason
from cds_service.clients.file.algorithms import KEY_TYPES, fits_algorithm

PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | Ed448PublicKey

_PUBLIC_MEMBERS: Final = ("kty", "crv", "x", "y", "n", "e")
_RSA_BITS: Final = range(2048, 8192 + 1)
_MOST_BYTES: Final = 256 * 1024
_MOST_KEYS: Final = 200


class KeySetError(Exception):
    """What was fetched is no JWK Set."""


@dataclass(frozen=True, slots=True)
class _Key:
    """One usable key; `algorithm` is what its JWK limits it to, if it does."""

    kty: str
    crv: str | None
    algorithm: str | None
    key: PublicKey

    def fits(self, algorithm: str) -> bool:
        """Return whether this key may be used with an algorithm."""
        return fits_algorithm(self.kty, self.crv, algorithm) and self.algorithm in (None, algorithm)


class KeySet:
    """The keys of one JWK Set by `kid`; a key that cannot be used is remembered only as known."""

    def __init__(self, jwks: Iterable[Mapping[str, Any]]) -> None:
        """Take JWKs; those without a `kid` are left out, since no token can name them."""
        self._keys: dict[str, list[_Key]] = {}
        for jwk in jwks:
            key_id = jwk.get("kid")
            if not isinstance(key_id, str) or not key_id:
                continue
            usable = self._keys.setdefault(key_id, [])
            if (key := _usable(jwk)) is not None:
                usable.append(key)

    def knows(self, key_id: str) -> bool:
        """Return whether a key has this `kid`, usable or not."""
        return key_id in self._keys

    def find(self, key_id: str, algorithm: str) -> PublicKey:
        """Return the key for a token; NotAuthenticatedError when there is none, or none for this algorithm.

        One `kid` may stand for keys of several types; of two of the same type the first counts.
        """
        keys = self._keys.get(key_id)
        if keys is None:
            raise NotAuthenticatedError(Reason.KEY_UNKNOWN)
        for key in keys:
            if key.fits(algorithm):
                return key.key
        raise NotAuthenticatedError(Reason.KEY_UNFIT)

    def fits(self, key_id: str, algorithms: Iterable[str]) -> bool:
        """Return whether a key is usable with one of these algorithms."""
        return any(key.fits(algorithm) for key in self._keys.get(key_id, ()) for algorithm in algorithms)


def parse_key_set(body: bytes) -> KeySet:
    """Return the keys of a fetched JWK Set; KeySetError when it is none. A set without keys revokes them all."""
    if len(body) > _MOST_BYTES:
        raise KeySetError("the JWK Set is too large")
    try:
        document = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise KeySetError("the JWK Set is not JSON") from None
    jwks = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(jwks, list) or len(jwks) > _MOST_KEYS:
        raise KeySetError("the JWK Set has no list of keys, or too many keys")
    return KeySet(jwk for jwk in jwks if isinstance(jwk, dict))


def is_private(jwk: Mapping[str, Any]) -> bool:
    """Return whether a JWK holds what only its owner may have: whoever reads it can sign."""
    return "d" in jwk or "k" in jwk


def _usable(jwk: Mapping[str, Any]) -> _Key | None:
    """Return the key of a JWK if it may verify signatures."""
    kty, algorithm = jwk.get("kty"), jwk.get("alg")
    crv = None if kty == "RSA" else jwk.get("crv")
    if is_private(jwk) or not _for_signatures(jwk) or not (algorithm is None or isinstance(algorithm, str)):
        return None
    # Only for a type that we know: PyJWK reads symmetric keys, too.
    known = next((name for name in KEY_TYPES if fits_algorithm(str(kty), crv, name)), None)
    if known is None:
        return None
    try:
        key = PyJWK({name: jwk[name] for name in _PUBLIC_MEMBERS if name in jwk}, known).key
    except (PyJWTError, TypeError, ValueError, AttributeError):  # whatever stands there in place of numbers
        return None
    if isinstance(key, RSAPublicKey) and key.key_size not in _RSA_BITS:
        return None
    return _Key(str(kty), crv, algorithm, key)


def _for_signatures(jwk: Mapping[str, Any]) -> bool:
    """Return whether a JWK's owner meant it for signatures; one that does not say may be used."""
    if jwk.get("use", "sig") != "sig":
        return False
    operations = jwk.get("key_ops")
    return operations is None or (isinstance(operations, list) and "verify" in operations)
