"""The keys with which a client signs its calls: whether they are to be had, and which of them can be used."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from cds_service.auth.verifiers.key_set import KeySet, KeySetError, is_private, parse_key_set
from cds_service.cli.connection.check import Check, failed, passed
from fhir_mappings.fhir_client.transport import TransportError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cds_service.clients.profile import Issuer
    from cds_service.egress.http import HttpClient
    from cds_service.egress.network import Network

_ACCEPT: Final = "application/jwk-set+json, application/json"
_PATIENCE: Final = 10.0
_ALLOWED: Final = 2.0  # seconds, within which the service wants the keys
_MOST_BYTES: Final = 256 * 1024
_SHOWN: Final = 10
_REASONS: Final = {
    "timeout": "no answer within 10 s",
    "refused": "the rules of this client forbid it",
    "too-large": "more than 256 KiB, which is no key set",
    "connection": "no connection, or one that broke",
}


def inline_keys(issuer: Issuer) -> Check:
    """Return the check of keys that stand in the clients file."""
    return _judged("keys.inline", issuer, KeySet(issuer.keys), issuer.keys)


def fetched_keys(issuer: Issuer, network: Network, http: HttpClient) -> Check:
    """Return the check of the key set at an issuer's address."""
    url = issuer.jku or ""
    try:
        answer = http.get(
            url,
            network,
            seconds=_PATIENCE,
            connect_seconds=_PATIENCE,
            read_seconds=_PATIENCE,
            max_bytes=_MOST_BYTES,
            accept=_ACCEPT,
        )
    except TransportError as error:
        return failed("keys.jwks", url, _REASONS[error.reason], "Until it answers, every call is refused with 401.")
    if answer.status != HTTPStatus.OK:
        says = f"HTTP {answer.status}" + (", and redirects are not followed" if 300 <= answer.status < 400 else "")  # noqa: PLR2004
        return failed(
            "keys.jwks", url, says, "Correct jku: it is the address of the key set itself, open to everybody."
        )
    try:
        found = parse_key_set(answer.body)
    except KeySetError as error:
        return failed("keys.jwks", url, str(error), 'Correct jku: what stands there must be {"keys": [...]}.')
    jwks = [jwk for jwk in json.loads(answer.body)["keys"] if isinstance(jwk, dict)]
    return _judged("keys.jwks", issuer, found, jwks)


def _judged(check_id: str, issuer: Issuer, known: KeySet, jwks: Sequence[Any]) -> Check:
    target, keys = issuer.jku or issuer.iss, [_described(jwk, known, issuer) for jwk in jwks]
    algorithms = " or ".join(issuer.algorithms)
    listed = "; ".join(_sentence(key) for key in keys[:_SHOWN])
    listed += f"; and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    if any(map(is_private, jwks)):
        remedy = "Have the owner replace the key at once, and publish the public part only."
        return failed(check_id, target, f"private keys are published: {listed}", remedy, keys=keys)
    usable = sum(key["usable"] for key in keys)
    if not usable:
        remedy = f"Have a key for signatures published, with a kid, for {algorithms}; or correct algorithms."
        return failed(check_id, target, f"no key can be used with {algorithms}: {listed or 'there is none'}", remedy)
    return passed(check_id, target, f"{usable} of {len(keys)} keys can be used: {listed}", keys=keys)


def _described(jwk: Any, known: KeySet, issuer: Issuer) -> dict[str, Any]:
    kid = jwk.get("kid")
    usable = isinstance(kid, str) and known.fits(kid, issuer.algorithms)
    words = {name: str(jwk[name])[:80] for name in ("kid", "kty", "crv", "alg", "use") if name in jwk}
    return {**words, "usable": usable}


def _sentence(key: dict[str, Any]) -> str:
    kind = " ".join(str(key[name]) for name in ("kty", "crv") if name in key)
    said = [kind or "of no type", f"alg {key.get('alg', 'not said')}", f"use {key.get('use', 'not said')}"]
    return f"kid {key.get('kid', 'missing')} ({', '.join(said)}{'' if key['usable'] else ', not usable'})"
