"""What the claims of a token must say; each function returns quietly or refuses with its reason.

They are read only after the signature holds. Even so nothing of theirs is taken for granted: an issuer's mistake must
be a refusal that names the claim, not a crash.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from cds_service.auth.verifiers.callers import NotAuthenticatedError, Reason
from cds_service.clients.normalization import without_slash
from cds_service.clients.profile import Issuer

_LAST_SECOND: Final = 253402214400  # a day before the last that a datetime holds
_LONGEST: Final = 512


def text(claims: Mapping[str, Any], name: str) -> str:
    """Return a claim that is a string of printable characters (some are logged); empty where there is none."""
    value = claims.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or not value or len(value) > _LONGEST or not value.isprintable():
        raise NotAuthenticatedError(Reason.CLAIM_TYPE)
    return value


def seconds(claims: Mapping[str, Any], name: str) -> float | None:
    """Return a claim that is a time in seconds since 1970; None where there is none."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LAST_SECOND:
        raise NotAuthenticatedError(Reason.CLAIM_TYPE)
    return value


def check_times(claims: Mapping[str, Any], issuer: Issuer, now: float) -> float:
    """Check `exp`, `iat`, `nbf` and the lifetime; return when the token is of no more use, leeway included.

    Without `iat`, which an access token may lack, what is left of the lifetime is checked.
    """
    expires, issued, valid_from = (seconds(claims, name) for name in ("exp", "iat", "nbf"))
    if expires is None:
        raise NotAuthenticatedError(Reason.CLAIM_MISSING)
    if now >= expires + issuer.leeway:
        raise NotAuthenticatedError(Reason.EXPIRED)
    if max(issued or 0, valid_from or 0) > now + issuer.leeway:
        raise NotAuthenticatedError(Reason.NOT_YET)
    lifetime = expires - (now + issuer.leeway if issued is None else issued)
    if lifetime > issuer.max_lifetime or (issued is not None and lifetime <= 0):
        raise NotAuthenticatedError(Reason.LIFETIME)
    return expires + issuer.leeway


def check_audience(claims: Mapping[str, Any], accepted: Collection[str]) -> None:
    """Check that `aud`, a string or a list of them, names one of these addresses, with or without a last slash."""
    named = claims.get("aud")
    values = [named] if isinstance(named, str) else named
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise NotAuthenticatedError(Reason.CLAIM_TYPE)
    if not {without_slash(value) for value in values} & {without_slash(value) for value in accepted}:
        raise NotAuthenticatedError(Reason.AUDIENCE)


def check_listed(claims: Mapping[str, Any], name: str, allowed: Collection[str], reason: Reason) -> str:
    """Return a claim that must be one of those allowed, if any are listed; empty where the token has none."""
    value = text(claims, name) if allowed or isinstance(claims.get(name), str) else ""
    if allowed and value not in allowed:
        raise NotAuthenticatedError(reason)
    return value


def check_party(claims: Mapping[str, Any], issuer: Issuer) -> str:
    """Check for whom a token speaks, where its issuer is registered for some only; return the tenant."""
    tenant = check_listed(claims, "tenant", issuer.tenants, Reason.TENANT)
    check_listed(claims, "sub", issuer.subjects, Reason.SUBJECT)
    return tenant


def check_scopes(claims: Mapping[str, Any], required: Collection[str]) -> None:
    """Check that a token grants every required scope, in `scope` or `scp`, as a list or separated by spaces."""
    if not required:
        return
    granted: set[str] = set()
    for name in ("scope", "scp"):
        value = claims.get(name)
        values = value.split(" ") if isinstance(value, str) else value
        if isinstance(values, list):
            granted |= {scope for scope in values if isinstance(scope, str)}
    if not granted >= set(required):
        raise NotAuthenticatedError(Reason.SCOPE)
