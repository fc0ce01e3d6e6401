"""How a call proved who sent it, judged by its token without believing it; nothing of a token is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt

from cds_service.calls.judged import Finding
from cds_service.calls.observed import Expected, Observed
from cds_service.clients.profile import Authentication

_CLAIMS: Final = ("iss", "aud", "exp", "iat", "jti")
_BEARER: Final = "bearer "
# What a refusal's fixed word means to whoever set the token up.
REASONS: Final[Mapping[str, str]] = {
    "no-credentials": "no credentials were sent",
    "authorization": "there was more than one Authorization header",
    "scheme": "the Authorization header does not begin with Bearer",
    "size": "the token is too long",
    "malformed": "what was sent is no JWT",
    "header": "the token's header holds a parameter that is not taken",
    "typ": "typ is not JWT",
    "alg": "the algorithm is none of those allowed for the issuer",
    "kid": "there is no kid",
    "issuer": "no client has this iss",
    "jku": "the jku is not the one that is registered for this iss",
    "keys-unavailable": "the issuer's keys could not be fetched: check the jku from this machine",
    "key-unknown": "the issuer's key set has no key of this kid",
    "key-unfit": "the key of this kid is not for this algorithm, or not for signatures",
    "signature": "the signature does not hold",
    "claim-missing": "a claim is missing",
    "claim-type": "a claim is of another type",
    "expired": "the token has expired: compare the clocks",
    "not-yet": "the token is of the future: compare the clocks",
    "lifetime": "the token lives longer than is allowed",
    "audience": "aud is not the address that was called, nor one of the client's audiences",
    "tenant": "the tenant is none of the client's",
    "subject": "the subject is none of the client's",
    "scope": "the token lacks a scope that the client must have",
    "replay": "the same token was used before",
    "proxy": "certificate headers came from an address that is no proxy of the client",
    "certificate": "the client certificate is not one of those registered",
}


@dataclass(frozen=True, slots=True)
class Token:
    """The unverified header and claims of a token, as far as it is one."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def token_of(observed: Observed) -> Token | None:
    """Return the token of a call, unverified; None where there is none that can be read."""
    if len(observed.authorization) != 1 or not observed.authorization[0].lower().startswith(_BEARER):
        return None
    text = observed.authorization[0][len(_BEARER) :].strip()
    try:
        return Token(jwt.get_unverified_header(text), jwt.decode(text, options={"verify_signature": False}))
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None


def client_of(observed: Observed, token: Token | None, expected: Expected) -> str:
    """Return whose call it is, or seems to be where it was refused: the client that its issuer signs for."""
    claimed = token.claims.get("iss") if token else None
    return observed.trace.client or (expected.issuers.get(claimed.rstrip("/"), "") if isinstance(claimed, str) else "")


def credential_findings(observed: Observed, token: Token | None, client: str, expected: Expected) -> Iterator[Finding]:
    """Yield what can be said of the token, and whether the caller was let in."""
    kind = expected.authentication.get(client)
    signed = kind in (None, Authentication.CDS_HOOKS_JWT)
    if token is None:
        if signed and observed.trace.refusal:
            sent = "An Authorization header that holds no readable JWT." if observed.authorization else "None was sent."
            yield Finding("CRED-TOKEN", "fail", sent)
    elif kind is not Authentication.OAUTH_BEARER:
        yield Finding("CRED-TOKEN", "pass")
        yield _header(token)
        yield _claims(token)
        yield from _audience(observed, token, client, expected)
    if observed.trace.refusal:
        yield Finding("CRED-ACCEPTED", "fail", f"Refused: {REASONS[observed.trace.refusal]}.")
    elif kind not in (None, Authentication.NONE):
        yield Finding("CRED-ACCEPTED", "pass")


def _header(token: Token) -> Finding:
    algorithm, key = token.header.get("alg"), token.header.get("kid")
    faults = [] if isinstance(key, str) and key else ["there is no kid"]
    faults += [] if str(token.header.get("typ", "")).upper() == "JWT" else ["typ is not JWT"]
    if str(algorithm).upper().startswith(("HS", "NONE")):
        faults.append("the algorithm is symmetric, or none")
    if faults:
        return Finding("CRED-HEADER", "fail", _sentence(faults))
    recommended = algorithm in ("ES384", "RS384")
    return Finding(
        "CRED-HEADER", "pass" if recommended else "warn", "" if recommended else "Another algorithm is used."
    )


def _claims(token: Token) -> Finding:
    missing = [name for name in _CLAIMS if token.claims.get(name) in (None, "")]
    return Finding("CRED-CLAIMS", "fail" if missing else "pass", f"Missing: {', '.join(missing)}." if missing else "")


def _audience(observed: Observed, token: Token, client: str, expected: Expected) -> Iterator[Finding]:
    if not expected.public_url:
        return
    named = token.claims.get("aud")
    audiences = {item.rstrip("/") for item in (named if isinstance(named, list) else [named]) if isinstance(item, str)}
    address = f"{expected.public_url}{observed.path}".rstrip("/")
    if address in audiences:
        yield Finding("CRED-AUDIENCE", "pass")
    elif audiences & expected.audiences.get(client, frozenset()):
        yield Finding("CRED-AUDIENCE", "warn", "It is one of the values agreed on with this client.")
    elif expected.authentication.get(client) is Authentication.NONE:
        yield Finding("CRED-AUDIENCE", "warn", "It is another address; nobody checks it for this client.")
    else:
        yield Finding("CRED-AUDIENCE", "fail", "It is another address.")


def _sentence(parts: list[str]) -> str:
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text else ""
