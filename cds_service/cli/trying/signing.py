"""The token of a test call, signed with a key that was made for it."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any, Final

import jwt

from cds_service.clients.profile import Authentication
from cds_service.clients.test_keys import ALGORITHM, TestKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cds_service.clients.profile import ClientProfile

_LIFE: Final = 300  # seconds


class CannotSignError(Exception):
    """Why no call can be signed for a client, with what to do; safe to print."""


def authorization(
    client: ClientProfile, endpoint: str, data_dir: Path, clock: Callable[[], float] = time.time
) -> dict[str, str]:
    """Return the header that proves a client to an endpoint, named as clients know it; nothing where none is asked."""
    if client.authentication is Authentication.NONE:
        return {}
    if client.authentication is Authentication.MUTUAL_TLS:
        raise CannotSignError("this client proves itself by a certificate, which a reverse proxy checks: try it there")
    key, jwk = TestKey.of(client.name, data_dir), None
    try:
        private = key.private.read_bytes()
        jwk = key.jwk()
    except OSError:
        private = b""
    if jwk is None:
        raise CannotSignError(
            f"there is no test key of this client; `lumbar-cds test-key {client.name}` makes one, and says how the "
            "service comes to believe it"
        )
    claims = _claims(client, key, endpoint, int(clock()))
    try:
        token = jwt.encode(claims, private, ALGORITHM, {"kid": jwk.get("kid")})
    except (jwt.PyJWTError, ValueError, TypeError):
        raise CannotSignError(f"{key.private} is no private key; make a new one with --new") from None
    return {"Authorization": f"Bearer {token}"}


def _claims(client: ClientProfile, key: TestKey, endpoint: str, now: int) -> dict[str, Any]:
    issuer = client.issuers[0]
    claims = {"iss": key.iss, "aud": endpoint, "iat": now, "exp": now + min(_LIFE, issuer.max_lifetime)}
    claims |= {"jti": str(uuid.uuid4())}
    if client.authentication is Authentication.OAUTH_BEARER:
        claims |= {"aud": issuer.audiences[0], "sub": "test-key", "scope": " ".join(issuer.scopes)}
    return claims
