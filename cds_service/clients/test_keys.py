"""Keys for signing test calls by hand, so that a service that asks for JWTs can be tried without the EHR.

A key stands for a client under an issuer of its own, which no EHR is. In development the service believes the keys in
its data folder; anywhere else somebody must put the public part into the clients file, and so decide it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import ECAlgorithm

from cds_service.clients.profile import BY_TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cds_service.clients.profile import ClientProfile, Issuer

ALGORITHM: Final = "ES384"
_ISSUERS: Final = "https://test-key.invalid/"  # a name that can never be anybody's
_FOLDER: Final = "test-keys"


@dataclass(frozen=True, slots=True)
class TestKey:
    """The files of one client's key; the private one is for its owner's eyes only."""

    __test__ = False  # not a test, whatever its name begins with

    client: str
    private: Path
    public: Path

    @classmethod
    def of(cls, client: str, data_dir: Path) -> TestKey:
        """Return where the key of a client is, or would be."""
        folder = data_dir / _FOLDER
        return cls(client, folder / f"{client}.pem", folder / f"{client}.jwk.json")

    def make(self, key_id: str) -> dict[str, Any]:
        """Write a new pair and return the public key as a JWK; OSError when that is not possible."""
        key = ec.generate_private_key(ec.SECP384R1())
        self.private.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        jwk = {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": key_id, "use": "sig", "alg": ALGORITHM}
        self.private.unlink(missing_ok=True)  # so that the mode is that of a new file
        descriptor = os.open(self.private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
        self.public.write_text(json.dumps(jwk, indent=2) + "\n", encoding="utf-8")
        return jwk

    def jwk(self) -> dict[str, Any] | None:
        """Return the public key; None where there is none that can be read."""
        try:
            return msgspec.json.decode(self.public.read_bytes(), type=dict[str, Any])
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    @property
    def iss(self) -> str:
        """The issuer under which the key signs."""
        return f"{_ISSUERS}{self.client}"


def is_test_issuer(iss: str) -> bool:
    """Whether an issuer is one of test keys."""
    return iss.startswith(_ISSUERS)


def issuer_of(key: TestKey, jwk: dict[str, Any], client: ClientProfile) -> Issuer:
    """Return the issuer by which a client's test key is believed, for what the client's first issuer is believed."""
    return replace(
        client.issuers[0], iss=key.iss, jku=None, keys=(jwk,), algorithms=(ALGORITHM,), tenants=(), subjects=()
    )


def with_test_keys(clients: Iterable[ClientProfile], data_dir: Path) -> tuple[ClientProfile, ...]:
    """Return clients that believe the test keys in a data folder too, each its own; for development only."""
    return tuple(_with_test_key(client, data_dir) for client in clients)


def _with_test_key(client: ClientProfile, data_dir: Path) -> ClientProfile:
    key = TestKey.of(client.name, data_dir)
    listed = any(is_test_issuer(issuer.iss) for issuer in client.issuers)
    if client.authentication not in BY_TOKEN or listed or (jwk := key.jwk()) is None:
        return client
    return replace(client, issuers=(*client.issuers, issuer_of(key, jwk, client)))
