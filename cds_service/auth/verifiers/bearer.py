"""OAuth 2.0 access tokens in the form of JWTs (RFC 9068): what an authorization server lets a client do.

Some clients do not sign each call but get a token from a server that both sides trust. Such a token is used many times,
so `jti` is not looked at, and it is addressed to the service as a whole by the values that the issuer has registered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from cds_service.auth.verifiers.callers import Caller, Credentials
from cds_service.auth.verifiers.claims import check_audience, check_party, check_scopes, text
from cds_service.auth.verifiers.signed_tokens import Registration, SignedTokens

_REQUIRED: Final = ("iss", "aud", "exp")


class BearerVerifier:
    """Verifies access tokens against the keys of the authorization servers that issue them."""

    def __init__(self, registrations: Iterable[Registration], *, clock: Callable[[], datetime]) -> None:
        """Take the authorization servers, each with the audiences and scopes that its tokens must have."""
        self._tokens = SignedTokens(registrations, clock, types=("at+jwt", "jwt"), required=_REQUIRED)

    def verify(self, credentials: Credentials) -> Caller | None:
        """Return the caller that an access token proves; None without a token.

        NotAuthenticatedError when it does not hold, and one that is not final when it is of no registered issuer.
        """
        token = self._tokens.verify(credentials)
        if token is None:
            return None
        claims, issuer = token.claims, token.registration.issuer
        check_audience(claims, issuer.audiences)
        tenant = check_party(claims, issuer)
        check_scopes(claims, issuer.scopes)
        return Caller(token.registration.client, issuer.iss, tenant, text(claims, "jti"))
