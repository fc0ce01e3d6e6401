"""CDS Hooks JWTs: who signed this call, for this endpoint, just once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final

from cds_service.auth.replay.guard import ReplayGuard
from cds_service.auth.verifiers.callers import Caller, Credentials, NotAuthenticatedError, Reason
from cds_service.auth.verifiers.claims import check_audience, check_party, text
from cds_service.auth.verifiers.signed_tokens import Registration, SignedToken, SignedTokens
from cds_service.clients.normalization import without_slash

_REQUIRED: Final = ("iss", "aud", "exp", "iat", "jti")
_SERVICES: Final = "/cds-services/"
_FEEDBACK: Final = re.compile(r"(/cds-services/[^/]+)/feedback")


class JwtVerifier:
    """Verifies the JWT that a CDS client signs for each call."""

    def __init__(
        self,
        registrations: Iterable[Registration],
        *,
        public_url: str,
        replay: ReplayGuard,
        clock: Callable[[], datetime],
    ) -> None:
        """Take the issuers, the address under which clients know this service, and where used tokens are kept."""
        self._tokens = SignedTokens(registrations, clock, types=("jwt",), required=_REQUIRED)
        self._public_url = without_slash(public_url)
        self._replay = replay

    def verify(self, credentials: Credentials) -> Caller | None:
        """Return the caller that a JWT proves; None without a token.

        NotAuthenticatedError when it does not hold, and one that is not final when it is of no registered issuer;
        ReplayUnavailableError when it cannot be told whether it is new, and the client insists on that.
        """
        token = self._tokens.verify(credentials)
        if token is None:
            return None
        claims, issuer = token.claims, token.registration.issuer
        check_audience(claims, [*endpoint_addresses(self._public_url, credentials.endpoint), *issuer.audiences])
        tenant = check_party(claims, issuer)
        token_id = text(claims, "jti")
        self._use(token, issuer.iss, token_id)
        return Caller(token.registration.client, issuer.iss, tenant, token_id)

    def _use(self, token: SignedToken, issuer: str, token_id: str) -> None:
        """Remember a token, which must be new. It is the last check: only a sound token takes up room."""
        is_new = self._replay.first_use(
            without_slash(issuer),
            token_id,
            datetime.fromtimestamp(token.until, UTC),
            datetime.fromtimestamp(token.claims["iat"], UTC),
            strict=token.registration.client.strict_tokens,
        )
        if not is_new:
            raise NotAuthenticatedError(Reason.REPLAY)


def endpoint_addresses(public_url: str, endpoint: str) -> list[str]:
    """Return what `aud` may be for an endpoint below the public address.

    Feedback may be addressed to its service. Clients that join a discovery address ending in a slash and an id ask for
    `/cds-services//id`, and say so in `aud`.
    """
    path = without_slash(re.sub("/{2,}", "/", endpoint))
    feedback = _FEEDBACK.fullmatch(path)
    paths = [path, feedback[1]] if feedback else [path]
    doubled = [one.replace(_SERVICES, f"{_SERVICES}/", 1) for one in paths]
    return [without_slash(public_url) + one for one in (*paths, *doubled)]
