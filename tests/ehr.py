"""EHRs that sign their calls, and the clients files by which a service knows them."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import jwt

from tests.protocol.builders import NOW
from tests.unit.cds_service.auth.builders import private_key, public_jwk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PUBLIC_URL: Final = "https://cds.example.org/lumbar"


@dataclass(frozen=True)
class Ehr:
    """An issuer of tokens with a key of its own; `now` is its clock, in seconds since 1970."""

    iss: str
    kid: str
    now: int = int(NOW.timestamp())
    kind: str = "P-384"
    algorithm: str = "ES384"
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key."""
        return public_jwk(self.kind, self.kid, self.iss)

    def token(self, endpoint: str, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """Return a sound token for an endpoint below the public address; a change to None leaves the claim out."""
        claims = {
            "iss": self.iss,
            "aud": f"{PUBLIC_URL}{endpoint}",
            "iat": self.now,
            "exp": self.now + 300,
            "jti": f"{self.kid}-{next(self._numbers)}",
        }
        given = {name: value for name, value in (claims | changes).items() if value is not None}
        return jwt.encode(given, private_key(self.kind, self.iss), self.algorithm, {"kid": self.kid, **(header or {})})

    def headers(self, endpoint: str, header: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, str]:
        """Return the header that carries such a token."""
        return {"Authorization": f"Bearer {self.token(endpoint, header, **changes)}"}


def hook(service: str) -> str:
    """Return the path of a service."""
    return f"/cds-services/{service}"


def clients_file(folder: Path, clients: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write a clients file; JSON is YAML, too."""
    file = folder / "clients.yaml"
    file.write_text(json.dumps({"clients": clients}), encoding="utf-8")
    return file
