"""The signature algorithms that are accepted: asymmetric ones, each with the key that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_RSA: Final = ("RSA", (None,))

# `kty`, and `crv` where the type has one.
KEY_TYPES: Final[Mapping[str, tuple[str, tuple[str | None, ...]]]] = {
    "ES256": ("EC", ("P-256",)),
    "ES384": ("EC", ("P-384",)),
    "ES512": ("EC", ("P-521",)),
    "RS256": _RSA,
    "RS384": _RSA,
    "RS512": _RSA,
    "PS256": _RSA,
    "PS384": _RSA,
    "PS512": _RSA,
    "EdDSA": ("OKP", ("Ed25519", "Ed448")),
}


def fits_algorithm(kty: str, crv: str | None, algorithm: str) -> bool:
    """Return whether a key of this type and curve is what an algorithm needs."""
    needed, curves = KEY_TYPES[algorithm]
    return kty == needed and crv in curves
