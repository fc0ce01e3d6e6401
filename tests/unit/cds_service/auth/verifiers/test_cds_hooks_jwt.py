"""CDS Hooks JWTs as real clients send them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cds_service.auth.replay.guard import ReplayGuard
from cds_service.auth.replay.store import MemoryReplayStore, ReplayUnavailableError
from cds_service.auth.verifiers.callers import Credentials, NotAuthenticatedError
from cds_service.auth.verifiers.cds_hooks_jwt import JwtVerifier, endpoint_addresses
from cds_service.auth.verifiers.key_set import KeySet
from cds_service.auth.verifiers.signed_tokens import Registration
from cds_service.clients.profile import Issuer
from tests.unit.cds_service.auth.builders import (
    ISS,
    JKU,
    NOW,
    PUBLIC_URL,
    SERVICE,
    FakeClock,
    Site,
    bearer,
    claims_now,
    client,
    header_of,
    issuer,
    private_key,
    public_jwk,
    sign,
)

SECONDS = int(NOW.timestamp())

# The worked example of the CDS Hooks specification, section "JWT Signing Algorithm".
PRINTED_JWK = {
    "kty": "EC",
    "use": "sig",
    "crv": "P-384",
    "kid": "example-kid",
    "x": "46SDH7Znh821wblCBglA61sNE9ZrHYKKt3qRtRTmSXyOI_FIGBLWrWa0GPUkDCEk",
    "y": "XMcRuuoGW7CXjQdy-F5i3FeBE0x9hPLdeFdSoDd3ELmx404tLX0VRRcqzAsPhXcI",
    "alg": "ES384",
}
PRINTED_JWT = (
    "eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCIsImtpZCI6ImV4YW1wbGUta2lkIiwiamt1IjoiaHR0cHM6Ly9maGlyLWVoci5leGFtcGxlLmNvbS9q"
    "d2tfdXJpIn0.eyJpc3MiOiJodHRwczovL2ZoaXItZWhyLmV4YW1wbGUuY29tLyIsImF1ZCI6Imh0dHBzOi8vY2RzLmV4YW1wbGUub3JnL2Nkcy1z"
    "ZXJ2aWNlcy9zb21lLXNlcnZpY2UiLCJleHAiOjE0MjI1Njg4NjAsImlhdCI6MTMxMTI4MDk3MCwianRpIjoiZWUyMmIwMjEtZTFiNy00NjExLWJh"
    "NWItOGVlYzZhMzNhYzFlIiwidGVuYW50IjoiMmRkZDZjM2EtOGU5YS00NGM2LWEzMDUtNTIxMTFhZDMwMmEyIn0.d1WfLjGRKlcWB94l9do4cM8R"
    "EXeYJLL6SGUBO8VHZhfM8mwKYP70EMxJ67War4TQblEpaQrp11wx5p7oPFm2ETYgCicS84vXWEIYTdjooZdooCSDf2L8-i4awdoUwiEb"
)
PRINTED_TENANT = "2ddd6c3a-8e9a-44c6-a305-52111ad302a2"
PRINTED_ISSUER = Issuer(
    "https://fhir-ehr.example.com/",
    jku="https://fhir-ehr.example.com/jwk_uri",
    tenants=(PRINTED_TENANT,),
    max_lifetime=4 * 366 * 24 * 3600,  # the example lives for three and a half years
)


def printed(**more: Any) -> Site:
    """A site that trusts the specification's example, at a time when that was valid."""
    site = Site([client("example", PRINTED_ISSUER, **more)], "https://cds.example.org")
    site.clock = FakeClock(datetime(2013, 1, 1, tzinfo=UTC))
    site.fetcher.publish(PRINTED_JWK, at="https://fhir-ehr.example.com/jwk_uri")
    return site


def test_printed_token_verifies() -> None:
    """The specification's own token opens the service that it is addressed to, once."""
    gate = printed().gate()
    caller = gate.admit(bearer(PRINTED_JWT, "/cds-services/some-service"))
    assert caller.client.name == "example"
    assert caller.tenant == PRINTED_TENANT
    with pytest.raises(NotAuthenticatedError, match="replay"):
        gate.admit(bearer(PRINTED_JWT, "/cds-services/some-service"))


@pytest.mark.parametrize(
    ("year", "endpoint", "reason"),
    [
        (2016, "/cds-services/some-service", "expired"),
        (2011, "/cds-services/some-service", "not-yet"),
        (2013, "/cds-services/another-service", "audience"),
    ],
)
def test_printed_token_fails_elsewhere(year: int, endpoint: str, reason: str) -> None:
    """The same token is refused before its time, after it, and at another service."""
    site = printed()
    site.clock = FakeClock(datetime(year, 1, 1, tzinfo=UTC))
    with pytest.raises(NotAuthenticatedError, match=reason):
        site.gate().admit(bearer(PRINTED_JWT, endpoint))


FEEDBACK = f"{SERVICE}/feedback"
DOUBLED = SERVICE.replace("/cds-services/", "/cds-services//")


@pytest.mark.parametrize(
    ("endpoint", "aud"),
    [
        (SERVICE, PUBLIC_URL + SERVICE),
        (SERVICE, f"{PUBLIC_URL}{SERVICE}/"),
        (f"{SERVICE}/", PUBLIC_URL + SERVICE),
        (SERVICE, ["https://another.example", PUBLIC_URL + SERVICE]),
        (SERVICE, PUBLIC_URL + DOUBLED),
        (DOUBLED, PUBLIC_URL + DOUBLED),
        (DOUBLED, PUBLIC_URL + SERVICE),
        (FEEDBACK, PUBLIC_URL + FEEDBACK),
        (FEEDBACK, PUBLIC_URL + SERVICE),
        (FEEDBACK, f"{PUBLIC_URL}{DOUBLED}/feedback"),
        ("/cds-services", f"{PUBLIC_URL}/cds-services"),
        ("/cds-services", f"{PUBLIC_URL}/cds-services/"),
        (SERVICE, "https://old-name.example/cds"),
        (SERVICE, "https://old-name.example/cds/"),
    ],
)
def test_audience_in_every_usual_form(endpoint: str, aud: object) -> None:
    """Clients write the address as their users typed it: a last slash, a doubled one, a list, an agreed alias."""
    site = Site([client("hospital", issuer(audiences=("https://old-name.example/cds",)))])
    assert site.gate().admit(bearer(sign(claims_now(aud=aud)), endpoint)).client.name


def test_discovery_token_opens_no_service() -> None:
    """Only feedback may be addressed to something shorter than itself."""
    with pytest.raises(NotAuthenticatedError, match="audience"):
        Site([client()]).gate().admit(bearer(sign(claims_now(aud=f"{PUBLIC_URL}/cds-services"))))


def test_endpoint_addresses_hold_the_public_one_only() -> None:
    """Every accepted address is below the configured one, whatever slash that ends in."""
    addresses = endpoint_addresses(f"{PUBLIC_URL}/", "/cds-services/feedback")
    assert addresses == endpoint_addresses(PUBLIC_URL, "/cds-services/feedback")
    assert all(address.startswith(f"{PUBLIC_URL}/cds-services/") for address in addresses)


@pytest.mark.parametrize(
    "changes",
    [
        {"iat": SECONDS + 60},
        {"nbf": SECONDS + 60},
        {"nbf": SECONDS - 300},
        {"iat": SECONDS - 300, "exp": SECONDS - 59},
        {"exp": SECONDS + 3600},
        {"exp": SECONDS + 300.5, "iat": float(SECONDS)},
        {"sub": "client-id", "name": "Dr Ü", "extra": {"nested": [1, 2.5]}},
        {"tenant": None},
        {"iss": f"{ISS}/"},
    ],
    ids=str,
)
def test_sound_claims_are_accepted(changes: dict[str, Any]) -> None:
    """Clocks differ by up to the leeway, and further claims are none of our business."""
    assert Site([client()]).gate().admit(bearer(sign(claims_now(**changes)))).client.name


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        ("P-256", "ES256"),
        ("P-384", "ES384"),
        ("P-521", "ES512"),
        ("RSA-2048", "RS384"),
        ("RSA-2048", "PS256"),
        ("Ed25519", "EdDSA"),
        ("Ed448", "EdDSA"),
    ],
)
def test_algorithms_that_an_issuer_may_have(kind: str, algorithm: str) -> None:
    """Whatever asymmetric algorithm was agreed works, also with a kid that is base64 and without a jku."""
    kid = "a+/b=="
    site = Site([client("hospital", issuer(algorithms=(algorithm,)))])
    site.fetcher.publish(public_jwk(kind, kid))
    header = header_of(algorithm, kid, typ="jwt", jku=None)
    assert site.gate().admit(bearer(sign(None, header, key=private_key(kind), algorithm=algorithm))).client.name
    assert site.fetcher.asked == [JKU]


def test_tenants_of_one_issuer_are_several_clients() -> None:
    """A vendor signs for all its customers under one name; the tenant says whose call it is."""
    site = Site([client("north", issuer(tenants=("n1", "n2"))), client("south", issuer(tenants=("s1",)))])
    gate = site.gate()
    for number, (tenant, name) in enumerate({"n1": "north", "s1": "south", "n2": "north"}.items()):
        assert gate.admit(bearer(sign(claims_now(tenant=tenant, jti=str(number))))).client.name == name
    for unknown in ("x", None):
        with pytest.raises(NotAuthenticatedError, match="tenant"):
            gate.admit(bearer(sign(claims_now(tenant=unknown))))
    assert site.fetcher.asked == [JKU]


def test_same_jti_of_two_issuers_is_no_replay() -> None:
    """An issuer cannot use up the token ids of another."""
    other = "https://other.example"
    site = Site([client(), client("other", issuer(iss=other))])
    gate = site.gate()
    assert gate.admit(bearer(sign(claims_now()))).client.name == "hospital"
    assert gate.admit(bearer(sign(claims_now(iss=other)))).client.name == "other"
    with pytest.raises(NotAuthenticatedError, match="replay"):
        gate.admit(bearer(sign(claims_now(iss=f"{ISS}/"))))


def test_store_that_is_away_refuses_nobody_but_for_clients_that_insist() -> None:
    """A call is answered while used tokens cannot be looked up, unless its client has it put off."""

    class Away:
        def first_use(self, *_: object) -> bool:
            raise ReplayUnavailableError

    site = Site([client(), client("strict", issuer(iss="https://strict.example"), strict_tokens=True)], replay=Away())
    gate = site.gate()
    assert gate.admit(bearer(sign())).client.name == "hospital"
    with pytest.raises(NotAuthenticatedError, match="replay"):
        gate.admit(bearer(sign()))
    with pytest.raises(ReplayUnavailableError):
        gate.admit(bearer(sign(claims_now(iss="https://strict.example"))))


def test_used_token_is_kept_until_its_leeway_is_over() -> None:
    """The store forgets a token just when it would be refused as expired."""
    kept: list[tuple[str, str, datetime, datetime | None]] = []

    class Noting:
        def first_use(self, issuer: str, jti: str, until: datetime, issued: datetime | None = None) -> bool:
            kept.append((issuer, jti, until, issued))
            return True

    Site([client()], replay=Noting()).gate().admit(bearer(sign()))
    assert kept == [(ISS, "0b1c", datetime.fromtimestamp(SECONDS + 360, UTC), datetime.fromtimestamp(SECONDS, UTC))]


def test_verifier_leaves_other_calls_alone() -> None:
    """Without a token there is nothing to refuse: another way to prove who calls may apply."""
    registration = Registration(client(), issuer(), KeySet([]))
    clock = FakeClock()
    verifier = JwtVerifier(
        [registration], public_url=PUBLIC_URL, replay=ReplayGuard(MemoryReplayStore(clock), clock), clock=clock
    )
    assert verifier.verify(Credentials(SERVICE)) is None
