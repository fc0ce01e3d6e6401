"""What must be true of the clients' configuration before anybody is let in by it.

Each function yields a sentence for every problem, beginning with the client. Mistakes here are holes, so all of them
stop the start.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from string import hexdigits
from typing import Final

from cds_service.auth.public_url import public_url_problem
from cds_service.auth.verifiers.key_set import KeySet, is_private
from cds_service.clients.file.addresses import proxy_problem
from cds_service.clients.file.algorithms import KEY_TYPES
from cds_service.clients.file.ambiguities import rivalries
from cds_service.clients.normalization import plain_fingerprint
from cds_service.clients.profile import BY_TOKEN, Authentication, Certificates, ClientProfile, Issuer
from cds_service.egress.addresses import address_problem

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
    yield from rivalries(clients)


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
    if issuer.jku and (problem := address_problem(issuer.jku, client.network)):
        yield f"jku {problem}"
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
