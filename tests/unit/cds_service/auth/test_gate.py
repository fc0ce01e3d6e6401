"""Which way in counts when there are several, and which configurations do not start."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cds_service.auth.gate import Gate
from cds_service.auth.verifiers.callers import Credentials, NotAuthenticatedError
from cds_service.clients.file.ready_made import default_clients
from cds_service.clients.profile import Authentication, Certificates, ClientProfile
from cds_service.egress.network import Network
from cds_service.protocol.errors import SettingsError
from tests.unit.cds_service.auth.builders import (
    ISS,
    JKU,
    PUBLIC_URL,
    SERVICE,
    Site,
    bearer,
    claims_now,
    client,
    issuer,
    no_issuers,
    private_jwk,
    private_key,
    public_jwk,
    sign,
)

OPEN = no_issuers("open", Authentication.NONE)
BROWSER = no_issuers("browser", Authentication.NONE, origins=("https://sandbox.example.org", "loopback"))
ATTACKER = private_key("P-384", "attacker")


def test_open_gate_takes_everybody() -> None:
    """In development calls with and without a token come in, whatever it says."""
    site = Site([OPEN], public_url="")
    gate = site.gate()
    assert gate.open_clients == ("open",)
    for brought in ((), ("Bearer x.y.z",), ("Basic eA==",), (f"Bearer {sign()}",), ("Bearer a", "Bearer b")):
        assert gate.admit(Credentials(SERVICE, brought)).client is OPEN
    assert site.fetcher.asked == []


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("https://sandbox.example.org", "browser"),
        ("http://localhost:5173", "browser"),
        ("https://evil.example", "open"),
        ("loopback", "open"),
        ("", "open"),
    ],
)
def test_open_client_by_origin(origin: str, name: str) -> None:
    """Of several open clients the browser's origin says which is meant, else it is the first."""
    gate = Site([OPEN, BROWSER], public_url="").gate()
    assert gate.admit(Credentials(SERVICE, origin=origin)).client.name == name


def test_failed_token_of_a_known_issuer_is_final() -> None:
    """Who tries to be a hospital and fails is not let in as the client that needs no proof."""
    gate = Site([client(), OPEN]).gate()
    assert gate.admit(bearer(sign())).client.name == "hospital"
    for bent, reason in (
        (sign(claims_now(jti="2"), key=ATTACKER), "signature"),
        (sign(claims_now(exp=1, iat=0)), "expired"),
        (sign(), "replay"),
        (sign(claims_now(jti="3"), '{"alg": "none", "typ": "JWT", "kid": "ec"}'), "alg"),
    ):
        with pytest.raises(NotAuthenticatedError, match=f"^{reason}$"):
            gate.admit(bearer(bent))


@pytest.mark.parametrize(
    "brought", [(), ("Basic eA==",), ("Bearer nonsense",), (f"Bearer {sign(claims_now(iss='https://else.example'))}",)]
)
def test_call_that_names_no_client_may_be_open(brought: tuple[str, ...]) -> None:
    """The public sandbox signs its calls with a key that anybody has; where open calls are allowed it may come in."""
    site = Site([client(), OPEN])
    assert site.gate().admit(Credentials(SERVICE, brought)).client is OPEN
    assert site.fetcher.asked == []


def test_gate_without_open_clients_says_so() -> None:
    """Whether anybody can come in without proof is known at start, where it decides what the service listens on."""
    assert Site([client()]).gate().open_clients == ()


def test_gate_without_fetched_keys_says_so() -> None:
    """Where all keys stand in the configuration there is none to wait for, and nothing to report."""
    assert not Site([client("a", issuer(jku=None, keys=(public_jwk("P-384", "ec"),)))]).gate().fetches_keys
    assert Site([client()]).gate().fetches_keys


def test_keys_can_be_fetched_before_the_first_call() -> None:
    """A worker fetches its keys when it starts, so that no call has to wait for them."""
    site = Site([client("a", issuer(tenants=("1",))), client("b", issuer(tenants=("2",)))])
    gate = site.gate()
    assert (gate.fetches_keys, gate.has_all_keys) == (True, False)
    site.fetcher.waiting.clear()
    gate.warm()
    assert site.fetcher.waiting.wait(10)
    assert gate.admit(bearer(sign(claims_now(tenant="2")))).client.name == "b"
    assert gate.has_all_keys
    assert site.fetcher.asked == [JKU]


def test_keys_are_fetched_within_the_network_of_the_client() -> None:
    """The addresses that one client may have fetched from do not open for another."""
    inside = Network(loopback=True)
    site = Site([client(network=inside), client("other", issuer(iss="https://other.example"))])
    gate = site.gate()
    gate.admit(bearer(sign()))
    gate.admit(bearer(sign(claims_now(iss="https://other.example"))))
    assert site.fetcher.networks == [inside, Network()]


EC = public_jwk("P-384", "ec")
CERTIFIED = no_issuers(
    "certified", Authentication.MUTUAL_TLS, certificates=Certificates(proxies=("10.0.0.1",), subjects=("CN=a",))
)


def signed(**changes: Any) -> list[ClientProfile]:
    """Return one client whose issuer is changed."""
    return [client("hospital", issuer(**changes))]


def inline(jwk: dict[str, Any], **changes: Any) -> list[ClientProfile]:
    """Return one client with an inline key."""
    return signed(jku=None, keys=(jwk,), **changes)


def certified(**changes: Any) -> list[ClientProfile]:
    """Return one client whose certificates are changed."""
    certificates = CERTIFIED.certificates
    assert certificates is not None
    return [replace(CERTIFIED, certificates=replace(certificates, **changes))]


PROBLEMS: dict[str, tuple[list[ClientProfile], str]] = {
    "nobody": ([], "clients: there is none"),
    "no issuer": ([replace(client(), issuers=())], "needs an issuer"),
    "certificates without authentication": ([replace(CERTIFIED, authentication=Authentication.NONE)], "would ignore"),
    "HS256": (signed(algorithms=("ES384", "HS256")), "asymmetric"),
    "none": (signed(algorithms=("none",)), "asymmetric"),
    "an algorithm in lower case": (signed(algorithms=("es384",)), "asymmetric"),
    "no algorithm": (signed(algorithms=()), "no algorithm"),
    "empty iss": (signed(iss=""), "iss is empty"),
    "neither jku nor keys": (signed(jku=None), "exactly one"),
    "jku and keys": (signed(keys=(EC,)), "exactly one"),
    "a private key": (inline(private_jwk("x")), "private"),
    "a symmetric key": (inline({"kty": "oct", "k": "AAAA", "kid": "x"}), "symmetric"),
    "a key without kid": (inline({**EC, "kid": ""}), "kid"),
    "a weak key": (inline(public_jwk("RSA-1024", "x")), "too weak"),
    "a key for no algorithm": (inline(public_jwk("P-256", "x")), "any of its algorithms"),
    "negative leeway": (signed(leeway=-1), "leeway"),
    "endless leeway": (signed(leeway=10**9), "leeway"),
    "no lifetime": (signed(max_lifetime=0), "max_lifetime"),
    "an empty audience": (signed(audiences=("",)), "empty"),
    "an empty tenant": (signed(tenants=("",)), "empty"),
    "scopes of signed calls": (signed(scopes=("x",)), "no scopes"),
    "bearer without audiences": ([client(authentication=Authentication.OAUTH_BEARER)], "audiences"),
    "the same issuer twice": ([client("a"), client("b")], "clients.b.issuers.0..iss: is the issuer of clients.a"),
    "the same issuer with a slash": ([client("a"), client("b", issuer(iss=f"{ISS}/"))], "is the issuer of"),
    "the same tenant": (
        [client("a", issuer(tenants=("1", "2"))), client("b", issuer(tenants=("2",)))],
        "give both tenants",
    ),
    "all tenants and one": ([client("a", issuer(tenants=("1",))), client("b")], "give both tenants"),
    "the same issuer twice in one client": (
        [client("a", issuer(), issuer())],
        "clients.a.issuers.1..iss: is the issuer of clients.a",
    ),
    "mTLS without certificates": ([replace(CERTIFIED, certificates=None)], "needs certificates"),
    "no proxies": (certified(proxies=()), "proxies must say"),
    "a proxy by name": (certified(proxies=("proxy.example",)), "not an address"),
    "a range with host bits": (certified(proxies=("10.0.0.1/8",)), "bits set"),
    "any proxy": (certified(proxies=("0.0.0.0/0",)), "believe everybody"),
    "nobody's certificate": (certified(subjects=()), "subjects or fingerprints"),
    "an empty subject": (certified(subjects=(" ",)), "subject is empty"),
    "a SHA-1 fingerprint": (certified(fingerprints=("ab" * 20,)), "SHA-256"),
    "a fingerprint of other letters": (certified(fingerprints=("xy" * 32,)), "SHA-256"),
    "one certificate for two": (
        [CERTIFIED, replace(CERTIFIED, name="b")],
        "clients.b.certificates.subjects: an entry is one of certified too",
    ),
}


@pytest.mark.parametrize(("clients", "sentence"), PROBLEMS.values(), ids=PROBLEMS.keys())
def test_configuration_that_cannot_work_does_not_start(clients: list[ClientProfile], sentence: str) -> None:
    """A mistake in who may call stops the start, and the sentence says where it is."""
    with pytest.raises(SettingsError, match=sentence):
        Site(clients).gate()


@pytest.mark.parametrize(
    "jku",
    [
        "http://ehr.example.com/jwks",
        "http://127.0.0.1/jwks",
        "ftp://ehr.example.com/jwks",
        "file:///etc/passwd",
        "//ehr.example.com/jwks",
        "ehr.example.com/jwks",
        "https:///jwks",
        "https://user@ehr.example.com/jwks",
        "https://user:secret@ehr.example.com/jwks",
        "https://ehr.example.com/jwks#part",
        "https://ehr.example.com/jwks#",
        "https://ehr.example.com/a b",
        "https://ehr.example.com\\@evil.example/",
        "https://ehr.example.com:99999/",
        "https://ehr.example.com:x/",
        "https://[::1/",
        "https://ehr.exämple.com/jwks",
        "https://ehr.example.com/jwks\n",
        "https://ehr.example.com/a/../jwks",
        "https://ehr.example.com/%2e/jwks",
        "https://ehr.example.com/a|b",
        "https://10.1.1.1/jwks",
        "https://169.254.169.254/jwks",
        "https://2130706433/jwks",
        "https://ehr..example.com/jwks",
    ],
)
def test_address_of_keys_that_is_not_safe_does_not_start(jku: str) -> None:
    """Keys are fetched over https from one clear address, or not at all."""
    with pytest.raises(SettingsError, match=r"issuer https://ehr\.example\.com: jku (must|is|has)"):
        Site(signed(jku=jku)).gate()


@pytest.mark.parametrize(
    "jku",
    ["http://127.0.0.1:8090/jwks", "http://localhost/jwks", "http://[::1]:80/jwks", "http://a.localhost/jwks?x=1"],
)
def test_loopback_keys_where_the_network_allows_them(jku: str) -> None:
    """In development the keys may come from this machine over plain http."""
    site = Site([client("dev", issuer(jku=jku), network=Network(loopback=True))])
    assert isinstance(site.gate(), Gate)
    with pytest.raises(SettingsError, match="jku is no public address"):
        Site([client("dev", issuer(jku="http://10.0.0.1/jwks"), network=Network(loopback=True))]).gate()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://cds.example.org",
        "cds.example.org",
        "https://user@cds.example.org",
        "https://cds.example.org/?x",
        "https://cds.example.org/#x",
        "https://",
    ],
)
def test_signed_calls_need_a_public_address(url: str) -> None:
    """Tokens are addressed to the service, so without its own sound address it could not tell which are meant."""
    with pytest.raises(SettingsError, match="LUMBAR_CDS_PUBLIC_URL"):
        Site([client()], public_url=url).gate()


@pytest.mark.parametrize("url", [PUBLIC_URL, f"{PUBLIC_URL}/", "http://127.0.0.1:8080", "http://localhost:8080/x"])
def test_public_address_in_usual_forms(url: str) -> None:
    """A path, a last slash and, on this machine, plain http are fine."""
    aud = f"{url.rstrip('/')}{SERVICE}"
    assert Site([client()], public_url=url).gate().admit(bearer(sign(claims_now(aud=aud)))).client.name


@pytest.mark.parametrize("development", [True, False])
def test_clients_without_a_file_are_open(development: bool) -> None:
    """Without a clients file anybody may call, which the service must know when it chooses where to listen."""
    clients = default_clients(development=development)
    gate = Site(list(clients), public_url="").gate()
    assert gate.open_clients == tuple(one.name for one in clients)
    assert gate.admit(bearer(sign())).client.name == clients[0].name


def test_every_problem_is_named() -> None:
    """An integrator mends a file in one go: all of its problems are said at once."""
    broken = [*signed(algorithms=("HS256",), jku="http://x.example"), replace(CERTIFIED, certificates=None)]
    with pytest.raises(SettingsError) as refusal:
        Site(broken, public_url="").gate()
    assert len(refusal.value.problems) == 4
