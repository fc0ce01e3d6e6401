"""Clients, keys and tokens for the tests of who may call."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final, TypeAlias

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from cds_service.auth.gate import Gate, gate_for
from cds_service.auth.replay.guard import ReplayGuard
from cds_service.auth.replay.store import MemoryReplayStore, ReplayStore
from cds_service.auth.verifiers.callers import Credentials
from cds_service.auth.verifiers.key_set import PublicKey
from cds_service.auth.verifiers.keys import FetchedKeys, KeyFetchError
from cds_service.clients.profile import Authentication, ClientProfile, Issuer
from cds_service.egress.network import Network

EdwardsKey: TypeAlias = ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | EdwardsKey

PUBLIC_URL: Final = "https://cds.example.org/lumbar"
SERVICE: Final = "/cds-services/lumbar-mri-order-sign"
ISS: Final = "https://ehr.example.com"
JKU: Final = "https://ehr.example.com/keys/jwks.json"
NOW: Final = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


class FakeClock:
    """A clock that stands still until it is moved; `timer` is its second hand."""

    def __init__(self, now: datetime = NOW) -> None:
        """Take the time to begin with."""
        self.now = now

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now

    def timer(self) -> float:
        """Return seconds since some time."""
        return self.now.timestamp()

    def forward(self, seconds: float) -> None:
        """Move on."""
        self.now += timedelta(seconds=seconds)


class FakeFetcher:
    """Answers with JWK Sets by address, and notes what it was asked for; an address without one is an outage."""

    def __init__(self) -> None:
        """Begin without any."""
        self.bodies: dict[str, bytes] = {}
        self.max_age: int | None = None
        self.asked: list[str] = []
        self.networks: list[Network] = []
        self.waiting = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def publish(self, *jwks: Mapping[str, Any], at: str = JKU) -> None:
        """Put these keys at an address."""
        self.bodies[at] = json.dumps({"keys": jwks}).encode()

    def fetch(self, url: str, network: Network) -> FetchedKeys:
        """Return what was put at the address."""
        self.asked.append(url)
        self.networks.append(network)
        self.waiting.set()
        assert self.go_on.wait(10)
        if url not in self.bodies:
            raise KeyFetchError
        return FetchedKeys(self.bodies[url], self.max_age)


def private_key(kind: str, owner: str = "ehr") -> PrivateKey:
    """Return a key that is made once in a test run: `RSA-bits` or a curve, of the EHR or of somebody else."""
    return _made_once(kind, owner)


@cache
def _made_once(kind: str, _owner: str) -> PrivateKey:
    if kind.startswith("RSA-"):
        return rsa.generate_private_key(65537, int(kind.removeprefix("RSA-")))
    if kind.startswith("Ed"):
        return ed448.Ed448PrivateKey.generate() if kind == "Ed448" else ed25519.Ed25519PrivateKey.generate()
    curves: dict[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
    return ec.generate_private_key(curves[kind])


def public_jwk(kind: str, kid: str, owner: str = "ehr", **members: Any) -> dict[str, Any]:
    """Return the public JWK of such a key."""
    jwk = _as_jwk(private_key(kind, owner).public_key())
    return {name: value for name, value in jwk.items() if name != "key_ops"} | {"kid": kid} | members


def private_jwk(kid: str) -> dict[str, Any]:
    """Return the JWK of the EHR's EC key with its secret."""
    return _as_jwk(private_key("P-384")) | {"kid": kid}


def _as_jwk(key: PrivateKey | PublicKey) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return RSAAlgorithm.to_jwk(key, as_dict=True)
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        return ECAlgorithm.to_jwk(key, as_dict=True)
    return OKPAlgorithm.to_jwk(key, as_dict=True)


def part(value: object) -> str:
    """Return base64url of bytes, text or anything as JSON."""
    data = (
        value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else json.dumps(value).encode()
    )
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims_now(**changes: Any) -> dict[str, Any]:
    """Return the claims of a sound token; a change to None leaves the claim out."""
    now = int(NOW.timestamp())
    claims = {"iss": ISS, "aud": PUBLIC_URL + SERVICE, "iat": now, "exp": now + 300, "jti": "0b1c", "tenant": "north"}
    return {name: value for name, value in (claims | changes).items() if value is not None}


def header_of(alg: object = "ES384", kid: object = "ec", **changes: Any) -> dict[str, Any]:
    """Return the header of a sound token; a change to None leaves the parameter out."""
    header = {"typ": "JWT", "alg": alg, "kid": kid, "jku": JKU} | changes
    return {name: value for name, value in header.items() if value is not None}


def sign(
    claims: object = None,
    header: object = None,
    *,
    key: PrivateKey | None = None,
    algorithm: str = "ES384",
) -> str:
    """Return a token over any header and claims (a text stands for itself), signed whatever the header says."""
    signed = f"{part(header_of() if header is None else header)}.{part(claims_now() if claims is None else claims)}"
    signer = jwt.get_algorithm_by_name(algorithm)
    private = private_key("P-384") if key is None else key
    return f"{signed}.{part(signer.sign(signed.encode(), private))}"


def bearer(token: str, endpoint: str = SERVICE, **more: Any) -> Credentials:
    """Return what a call with a token brings."""
    return Credentials(endpoint, (f"Bearer {token}",), **more)


def issuer(**changes: Any) -> Issuer:
    """Return the registration of the EHR's issuer."""
    return replace(Issuer(ISS, jku=JKU), **changes)


def client(name: str = "hospital", *issuers: Issuer, **more: Any) -> ClientProfile:
    """Return a client whose calls are signed."""
    settings = {"authentication": Authentication.CDS_HOOKS_JWT} | more
    return ClientProfile(name=name, issuers=issuers or (issuer(),), **settings)


def no_issuers(name: str, authentication: Authentication, **more: Any) -> ClientProfile:
    """Return a client without tokens."""
    return ClientProfile(name=name, authentication=authentication, **more)


@dataclass
class Site:
    """A gate with everything around it that a test moves or looks at."""

    clients: list[ClientProfile]
    public_url: str = PUBLIC_URL
    clock: FakeClock = field(default_factory=FakeClock)
    fetcher: FakeFetcher = field(default_factory=FakeFetcher)
    replay: ReplayStore | None = None

    def gate(self) -> Gate:
        """Return the gate, the EHR's key being published."""
        if not self.fetcher.bodies:
            self.fetcher.publish(public_jwk("P-384", "ec"))
        used = ReplayGuard(self.replay or MemoryReplayStore(self.clock), self.clock)
        return gate_for(self.clients, self.public_url, self.fetcher, used, self.clock)


def deferred() -> tuple[list[Callable[[], None]], Callable[[Callable[[], None]], None]]:
    """Return a list of background work, and what puts work there instead of doing it."""
    work: list[Callable[[], None]] = []
    return work, work.append
