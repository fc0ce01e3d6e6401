"""Which keys of a JWK Set may verify what."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from cds_service.auth.verifiers.callers import NotAuthenticatedError
from cds_service.auth.verifiers.key_set import KeySet
from cds_service.clients.file.algorithms import KEY_TYPES
from tests.unit.cds_service.auth.builders import private_jwk, public_jwk

EC: dict[str, Any] = public_jwk("P-384", "a")
RSA: dict[str, Any] = public_jwk("RSA-2048", "a")


def test_only_asymmetric_algorithms_are_known() -> None:
    """No configuration can name an algorithm whose key is a shared secret, or none."""
    assert not [name for name in KEY_TYPES if name.upper().startswith("HS") or name.lower() == "none"]


@pytest.mark.parametrize("jwks", [[EC, RSA], [RSA, EC]])
def test_one_kid_for_keys_of_two_types(jwks: list[dict[str, Any]]) -> None:
    """Where two keys share a kid, the algorithm says which one is meant."""
    keys = KeySet(jwks)
    assert isinstance(keys.find("a", "ES384"), EllipticCurvePublicKey)
    assert isinstance(keys.find("a", "RS384"), RSAPublicKey)


@pytest.mark.parametrize(
    "jwk",
    [
        EC | {"use": "enc"},
        EC | {"use": None},
        EC | {"use": ["sig"]},
        EC | {"key_ops": ["sign"]},
        EC | {"key_ops": "verify"},
        EC | {"alg": "ES256"},
        EC | {"alg": 7},
        EC | {"kty": "oct", "k": "AAAA"},
        EC | {"kty": ["EC"]},
        EC | {"kty": None},
        EC | {"crv": "P-256"},
        EC | {"crv": ["P-384"]},
        EC | {"x": EC["y"]},
        EC | {"x": 7},
        EC | {"x": None},
        EC | {"x": ""},
        EC | {"y": "!!"},
        {name: value for name, value in EC.items() if name != "y"},
        private_jwk("a") | {"key_ops": ["verify"]},
        {"kid": "a"},
        {"kid": "a", "kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kid": "a", "kty": "RSA", "n": RSA["n"], "e": 65537},
        {"kid": "a", "kty": "RSA", "n": RSA["n"], "e": "AQ"},
        {"kid": "a", "kty": "RSA", "n": RSA["n"] * 5, "e": "AQAB"},
        {"kid": "a", "kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
    ],
    # without ids of its own: keys differ from run to run
)
def test_unusable_key_is_known_and_not_used(jwk: dict[str, Any]) -> None:
    """A key that is broken, weak, private or for something else verifies nothing, and spoils no other key."""
    keys = KeySet([jwk, public_jwk("P-384", "b")])
    for algorithm in KEY_TYPES:
        with pytest.raises(NotAuthenticatedError, match="key-unfit"):
            keys.find("a", algorithm)
    assert isinstance(keys.find("b", "ES384"), EllipticCurvePublicKey)


@pytest.mark.parametrize("kid", [None, "", 7, ["a"]])
def test_key_without_kid_is_left_out(kid: object) -> None:
    """A token names its key, so a key without a name is never the right one."""
    assert not KeySet([EC | {"kid": kid}])._keys


@pytest.mark.parametrize("more", [{"use": "sig"}, {"alg": "ES384"}, {"key_ops": ["verify"]}, {"x5c": ["MIIB"]}])
def test_key_with_further_members_is_used(more: dict[str, Any]) -> None:
    """What a set says about its keys beyond the numbers does not stop them from being used as it says."""
    assert isinstance(KeySet([EC | more]).find("a", "ES384"), EllipticCurvePublicKey)
