"""Clients that cannot be told apart: a call that fits two of them would be given to either."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

from cds_service.clients.cors_origins import LOOPBACK
from cds_service.clients.normalization import plain_fingerprint, without_slash
from cds_service.clients.profile import BY_TOKEN, Authentication

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cds_service.clients.profile import ClientProfile, Issuer


def rivalries(clients: Sequence[ClientProfile]) -> Iterator[str]:
    """Yield a sentence for each pair of entries between which a call could not choose, with where the second is."""
    yield from _issuers(clients)
    for name, spelling in (("subjects", str.strip), ("fingerprints", plain_fingerprint)):
        yield from _twice(
            (f"certificates.{name}", value, client)
            for client in clients
            if client.authentication is Authentication.MUTUAL_TLS and client.certificates
            for value in dict.fromkeys(map(spelling, getattr(client.certificates, name)))
        )
    open_clients = [client for client in clients if client.authentication is Authentication.NONE]
    yield from _twice(
        ("origins", origin, client) for client in open_clients for origin in client.origins if origin != LOOPBACK
    )
    nameless = [client for client in open_clients if not client.origins]
    for client in nameless[1:]:
        yield (
            f"clients.{client.name}.authentication: {nameless[0].name} takes calls from anyone too; without "
            "authentication only the origins of web pages tell clients apart"
        )


def _issuers(clients: Sequence[ClientProfile]) -> Iterator[str]:
    """Yield the issuers that stand twice: a token of one is given to a client by its tenant and by nothing else."""
    by_issuer: Mapping[str, list[tuple[str, Issuer]]] = defaultdict(list)
    for client in clients:
        for position, issuer in enumerate(client.issuers if client.authentication in BY_TOKEN else ()):
            by_issuer[without_slash(issuer.iss)].append((f"clients.{client.name}.issuers[{position}]", issuer))
    for issuers in by_issuer.values():
        for (first, one), (second, other) in combinations(issuers, 2):
            if not one.tenants or not other.tenants or set(one.tenants) & set(other.tenants):
                yield f"{second}.iss: is the issuer of {first} too; give both tenants, of which none is the same"


def _twice(entries: Iterable[tuple[str, str, ClientProfile]]) -> Iterator[str]:
    holders: dict[tuple[str, str], ClientProfile] = {}
    for kind, value, client in entries:
        holder = holders.setdefault((kind, value), client)
        if holder is not client:
            yield f"clients.{client.name}.{kind}: an entry is one of {holder.name} too"
