"""What all tokens have in common: a registered issuer, a signature by one of its keys, and times that hold.

CDS Hooks JWTs and OAuth access tokens differ in their `typ`, in what they are addressed to and in how often they may be
used. Everything before that is here, in an order that matters: nothing is fetched and no signature is computed for a
token whose issuer, algorithm and key address are not registered together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import jwt
from jwt.exceptions import InvalidSignatureError, MissingRequiredClaimError, PyJWTError

from cds_service.auth.verifiers.callers import Credentials, NotAuthenticatedError, Reason
from cds_service.auth.verifiers.claims import check_times
from cds_service.auth.verifiers.keys import KeySource
from cds_service.auth.verifiers.tokens import Token, check_header, presented_token
from cds_service.clients.normalization import without_slash
from cds_service.clients.profile import ClientProfile, Issuer


@dataclass(frozen=True, slots=True)
class Registration:
    """An issuer, the client that it speaks for, and its keys."""

    client: ClientProfile
    issuer: Issuer
    keys: KeySource


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A token whose signature and times hold; `until` (seconds since 1970) is when it is of no more use."""

    registration: Registration
    claims: Mapping[str, Any] = field(repr=False)
    until: float


class SignedTokens:
    """Verifies the signatures and times of tokens of one kind."""

    def __init__(
        self,
        registrations: Iterable[Registration],
        clock: Callable[[], datetime],
        *,
        types: Iterable[str],
        required: Iterable[str],
    ) -> None:
        """Take the issuers, a clock that knows its time zone, and what `typ` may and which claims must be there."""
        self._by_issuer: dict[str, list[Registration]] = {}
        for registration in registrations:
            self._by_issuer.setdefault(without_slash(registration.issuer.iss), []).append(registration)
        self._clock = clock
        self._types = frozenset(types)
        self._required = list(required)

    def verify(self, credentials: Credentials) -> SignedToken | None:
        """Return the token of a request; None without one.

        NotAuthenticatedError when it does not hold, and one that is not final when it is of no registered issuer.
        """
        token = presented_token(credentials)
        if token is None:
            return None
        registration = self._registration(token)
        try:
            check_header(token)
        except NotAuthenticatedError as refusal:
            raise NotAuthenticatedError(refusal.reason, final=registration is not None) from None
        if registration is None:
            raise NotAuthenticatedError(Reason.ISSUER, final=False)
        self._check_registered(token, registration.issuer)
        claims = self._checked_claims(token, registration)
        return SignedToken(registration, claims, check_times(claims, registration.issuer, self._clock().timestamp()))

    def _registration(self, token: Token) -> Registration | None:
        """Return the registration for the issuer, and tenant, that a token says it is of.

        Where no registration of the issuer lists the tenant the first one is taken, and will refuse it.
        """
        registrations = self._by_issuer.get(token.issuer)
        if not registrations:
            return None
        tenant = token.claims.get("tenant")
        return next((one for one in registrations if tenant in one.issuer.tenants), registrations[0])

    def _check_registered(self, token: Token, issuer: Issuer) -> None:
        """Refuse a type, an algorithm or a key address that is not registered for the issuer.

        Whose keys stand in the configuration has no registered address. The one that its tokens name all the same is
        not looked at: nothing is ever fetched from there, and only the keys that are here count.
        """
        kind = token.header.get("typ")
        if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in self._types:
            raise NotAuthenticatedError(Reason.TYPE)
        if token.algorithm not in issuer.algorithms:
            raise NotAuthenticatedError(Reason.ALGORITHM)
        if issuer.jku is not None and token.header.get("jku", issuer.jku) != issuer.jku:
            raise NotAuthenticatedError(Reason.JKU)

    def _checked_claims(self, token: Token, registration: Registration) -> Mapping[str, Any]:
        """Return the claims once the signature over them holds.

        PyJWT compares times with the system's clock and addresses to the letter; those checks follow elsewhere.
        """
        key = registration.keys.find(token.key_id, token.algorithm)
        options: jwt.types.Options = {
            "require": self._required,
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
            "verify_aud": False,
            "verify_iss": False,
            "verify_sub": False,
            "verify_jti": False,
        }
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token.text, key, algorithms=list(registration.issuer.algorithms), options=options
            )
        except InvalidSignatureError:
            raise NotAuthenticatedError(Reason.SIGNATURE) from None
        except MissingRequiredClaimError:
            raise NotAuthenticatedError(Reason.CLAIM_MISSING) from None
        except PyJWTError:  # such as base64url that is not canonical
            raise NotAuthenticatedError(Reason.MALFORMED) from None
        return claims
