"""Access tokens of authorization servers."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.auth.gate import Gate
from cds_service.auth.verifiers.callers import NotAuthenticatedError
from cds_service.clients.profile import Authentication, ClientProfile
from tests.unit.cds_service.auth.builders import (
    ISS,
    JKU,
    NOW,
    Site,
    bearer,
    claims_now,
    client,
    header_of,
    issuer,
    private_key,
    sign,
)

SECONDS = int(NOW.timestamp())
AUD = "https://cds.example.org"


def borne(**changes: Any) -> ClientProfile:
    """Return a client with access tokens."""
    registered = issuer(**({"audiences": (AUD,)} | changes))
    return client("medplum", registered, authentication=Authentication.OAUTH_BEARER)


def gate(**changes: Any) -> Gate:
    """Return the gate of that client alone; it needs no public address."""
    return Site([borne(**changes)], public_url="").gate()


def access_token(typ: object = "at+jwt", **claims: Any) -> str:
    """Return an access token: no jku, no jti, no tenant."""
    granted = claims_now(**({"aud": AUD, "jti": None, "tenant": None, "scope": "a cds.call b"} | claims))
    return sign(granted, header_of(typ=typ, jku=None))


def test_access_token_is_used_many_times() -> None:
    """A client sends the same token with every call until it expires, with or without a token id."""
    open_gate = gate()
    for token in (access_token(), access_token(jti="1")):
        assert [open_gate.admit(bearer(token)).client.name for _ in range(3)] == ["medplum"] * 3


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "JWT", "jwt"])
def test_usual_types_are_accepted(typ: str) -> None:
    """RFC 9068 has its own type, and many servers write plain JWT."""
    assert gate().admit(bearer(access_token(typ))).client.name


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["x", f"{AUD}/"]},
        {"iat": None},
        {"nbf": SECONDS},
        {"scope": None, "scp": ["cds.call", 7]},
        {"scope": None, "scp": "cds.call"},
        {"scope": ["cds.call"]},
        {"scope": "x", "scp": ["cds.call"]},
    ],
    ids=str,
)
def test_servers_write_tokens_in_their_own_way(claims: dict[str, Any]) -> None:
    """Audiences and scopes come as text and as lists, and `iat` not always."""
    assert gate(scopes=("cds.call",)).admit(bearer(access_token(**claims))).client.name


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "https://another.example"}, "audience"),
        ({"aud": None}, "claim-missing"),
        ({"exp": None}, "claim-missing"),
        ({"exp": SECONDS - 60}, "expired"),
        ({"nbf": SECONDS + 61}, "not-yet"),
        ({"iat": None, "exp": SECONDS + 3661}, "lifetime"),
        ({"exp": SECONDS + 3601}, "lifetime"),
        ({"scope": "cds.call.more"}, "scope"),
        ({"scope": None}, "scope"),
        ({"scope": {"cds.call": True}}, "scope"),
        ({"scope": "CDS.CALL"}, "scope"),
        ({"sub": "somebody"}, "subject"),
        ({"iss": "https://evil.example"}, "issuer"),
        ({"jti": 7}, "claim-type"),
    ],
    ids=str,
)
def test_token_for_something_else_is_refused(claims: dict[str, Any], reason: str) -> None:
    """A token of a trusted server opens this service only if it was issued for it."""
    strict = gate(scopes=("cds.call",), subjects=("service-account",))
    with pytest.raises(NotAuthenticatedError, match=f"^{reason}$"):
        strict.admit(bearer(access_token(**({"sub": "service-account"} | claims))))


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (lambda: sign(claims_now(aud=AUD), key=private_key("P-384", "attacker")), "signature"),
        (lambda: sign(claims_now(aud=AUD), header_of(jku="https://evil.example/keys")), "jku"),
        (lambda: access_token("id+jwt"), "typ"),
        (lambda: access_token(None), "typ"),
        (lambda: sign(claims_now(aud=AUD), header_of("none")), "alg"),
    ],
)
def test_forged_access_token_is_refused(token: Any, reason: str) -> None:
    """The rules for headers and signatures are those for signed calls."""
    with pytest.raises(NotAuthenticatedError, match=f"^{reason}$"):
        gate().admit(bearer(token()))


def test_both_kinds_of_token_at_one_gate() -> None:
    """A client that signs its calls and one with access tokens are told apart by their issuers."""
    other = "https://auth.example.net"
    site = Site([client(), borne(iss=other)])
    both = site.gate()
    assert both.admit(bearer(sign())).client.name == "hospital"
    assert both.admit(bearer(access_token(iss=other))).client.name == "medplum"
    with pytest.raises(NotAuthenticatedError, match="typ"):
        both.admit(bearer(access_token(iss=ISS)))
    with pytest.raises(NotAuthenticatedError, match="issuer"):
        both.admit(bearer(access_token(iss="https://evil.example")))
    assert site.fetcher.asked == [JKU]
