"""Who can reach a service that does not ask who calls: this machine only, unless somebody insists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service.clients.file.addresses import is_loopback
from cds_service.clients.file.public_keys import believes_everybody

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cds_service.clients.profile import ClientProfile


def open_clients(clients: Iterable[ClientProfile]) -> tuple[str, ...]:
    """Return the names of the clients as which everybody can call: without proof, or with one that anybody can make."""
    return tuple(client.name for client in clients if believes_everybody(client))


def exposure_problem(host: str, clients: Iterable[ClientProfile], *, insecure: bool) -> str | None:
    """Return why a process must not listen on an address, or None when it may.

    Without authentication the service listens on this machine's loopback addresses only; `insecure` allows others. A
    name other than `localhost` counts as reachable from elsewhere, and so do `0.0.0.0` and `::`.
    """
    names = open_clients(clients)
    if not names or insecure or is_loopback(host):
        return None
    return (
        f"listening on {host or 'every address'} would let everybody who can reach it call as {' or '.join(names)}, "
        "because that takes no proof, or one that anybody can make: give the client an authentication, listen on "
        "127.0.0.1, or insist with LUMBAR_CDS_INSECURE=true or --insecure"
    )


def authentication_state(clients: Iterable[ClientProfile], *, insecure: bool) -> str:
    """Return a sentence on who must prove what, for the log line at start and for pages."""
    known = tuple(clients)
    names = open_clients(known)
    if not names:
        kinds = sorted({client.authentication.value for client in known})
        return f"every caller is authenticated ({', '.join(kinds)})" if kinds else "nobody may call: no client is known"
    who = (
        "nobody is authenticated"
        if len(names) == len(known)
        else f"callers as {', '.join(names)} are not authenticated"
    )
    if insecure:
        return f"INSECURE: {who}, and other machines may be able to call"
    return f"{who}; the service listens on this machine only"
