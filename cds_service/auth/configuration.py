"""What must be true of the clients' configuration before anybody is let in by it.

Each function yields a sentence for every problem, beginning with the client. Mistakes here are holes, so all of them
stop the start.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from string import hexdigits
from typing import Final

from cds_service.auth.addresses import jku_problem, public_url_problem
from cds_service.auth.key_set import KEY_TYPES, KeySet, is_private
from cds_service.auth.mtls_verifier import plain_fingerprint
from cds_service.auth.tokens import without_slash
from cds_service.clients.addresses import proxy_problem
from cds_service.clients.profile import BY_TOKEN, Authentication, Certificates, ClientProfile, Issuer

_SHA256_DIGITS: Final = 64
_MOST_LEEWAY: Final = 300  # seconds


def configuration_problems(clients: Sequence[ClientProfile], public_url: str) -> Iterator[str]:
    """Yield every problem of who may call and how they prove it."""
    if not clients:
        yield "clients: there is none, so nobody could call"
    if public_url and (problem := public_url_problem(public_url)):
        yield f"LUMBAR_CDS_PUBLIC_URL: {problem}"
    for client in clients:
        for problem in _client_problems(client, public_url):
            yield f"client {client.name}: {problem}"
    yield from _shared_issuers(clients)
    yield from _shared_certificates(clients)


def _client_problems(client: ClientProfile, public_url: str) -> Iterator[str]:
    by_token = client.authentication in BY_TOKEN
    if by_token and not client.issuers:
        yield f"authentication {client.authentication} needs an issuer"
    if client.authentication is Authentication.CDS_HOOKS_JWT and not public_url:
        yield "its tokens are addressed to this service, so LUMBAR_CDS_PUBLIC_URL must say its address"
    for issuer in client.issuers if by_token else ():
        for problem in (*_key_problems(issuer, client), *_issuer_problems(issuer, client)):
            yield f"issuer {issuer.iss or '(without iss)'}: {problem}"
    if client.authentication is Authentication.MUTUAL_TLS and client.certificates is None:
        yield "authentication mutual-tls needs certificates"
    if client.certificates is not None:
        if client.authentication is Authentication.NONE:
            yield "it has certificates, which authentication none would ignore"
        yield from _certificate_problems(client.certificates)


def _issuer_problems(issuer: Issuer, client: ClientProfile) -> Iterator[str]:
    if not issuer.iss:
        yield "iss is empty"
    if not issuer.algorithms:
        yield "no algorithm is allowed"
    if not set(issuer.algorithms) <= KEY_TYPES.keys():
        yield f"algorithms must be asymmetric ones: {', '.join(KEY_TYPES)}"
    if not 0 <= issuer.leeway <= _MOST_LEEWAY:
        yield f"leeway must be 0 to {_MOST_LEEWAY} seconds"
    if issuer.max_lifetime <= 0:
        yield "max_lifetime must be a positive number of seconds"
    if client.authentication is Authentication.OAUTH_BEARER and not issuer.audiences:
        yield "access tokens are for many services, so audiences must say which values of aud mean this one"
    if client.authentication is Authentication.CDS_HOOKS_JWT and issuer.scopes:
        yield "CDS Hooks tokens have no scopes"
    if "" in (*issuer.audiences, *issuer.tenants, *issuer.subjects, *issuer.scopes):
        yield "audiences, tenants, subjects and scopes must not be empty texts"


def _key_problems(issuer: Issuer, client: ClientProfile) -> Iterator[str]:
    if bool(issuer.jku) == bool(issuer.keys):
        yield "exactly one of jku and keys must be given"
    if issuer.jku and (problem := jku_problem(issuer.jku, client.network)):
        yield problem
    algorithms = [algorithm for algorithm in issuer.algorithms if algorithm in KEY_TYPES]
    for jwk in issuer.keys:
        key_id = jwk.get("kid")
        if not isinstance(key_id, str) or not key_id:
            yield "each of its keys needs a kid"
        elif is_private(jwk):
            yield "one of its keys is private or symmetric; whoever reads this file could sign with it"
        elif not KeySet([jwk]).fits(key_id, algorithms):
            yield "one of its keys is broken, too weak, not for signatures or not for any of its algorithms"


def _certificate_problems(certificates: Certificates) -> Iterator[str]:
    if not certificates.proxies:
        yield "certificates: proxies must say from which addresses their headers are believed"
    for proxy in certificates.proxies:
        if problem := proxy_problem(proxy):
            yield f"certificates: an entry of proxies {problem}"
    if not certificates.subjects and not certificates.fingerprints:
        yield "certificates: subjects or fingerprints must say which are accepted"
    if not all(subject.strip() for subject in certificates.subjects):
        yield "certificates: a subject is empty"
    for fingerprint in map(plain_fingerprint, certificates.fingerprints):
        if len(fingerprint) != _SHA256_DIGITS or not set(fingerprint) <= set(hexdigits):
            yield "certificates: fingerprints must be SHA-256, 64 hexadecimal digits with or without colons"


def _shared_issuers(clients: Iterable[ClientProfile]) -> Iterator[str]:
    """Yield the issuers whose tokens could mean two registrations. Without tenants one means all tenants."""
    by_token = [client for client in clients if client.authentication in BY_TOKEN]
    registered = [(client, issuer) for client in by_token for issuer in client.issuers]
    for (client, issuer), (other_client, other) in combinations(registered, 2):
        apart = issuer.tenants and other.tenants and not set(issuer.tenants) & set(other.tenants)
        if without_slash(issuer.iss) == without_slash(other.iss) and not apart:
            names = " and ".join(dict.fromkeys((client.name, other_client.name)))
            yield f"client {names}: issuer {issuer.iss}: it is registered twice for the same tenant"


def _shared_certificates(clients: Iterable[ClientProfile]) -> Iterator[str]:
    """Yield the clients that one certificate could mean."""
    known = [
        (client.name, set(client.certificates.subjects) | set(map(plain_fingerprint, client.certificates.fingerprints)))
        for client in clients
        if client.authentication is Authentication.MUTUAL_TLS and client.certificates is not None
    ]
    for (name, accepted), (other, others) in combinations(known, 2):
        if accepted & others:
            yield f"client {name} and {other}: they accept the same certificate"
