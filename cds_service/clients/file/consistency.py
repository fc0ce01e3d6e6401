"""What fits the schema of the clients file and cannot be meant, or would be dangerous."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, Final

from cards.guideline.wording import WordingError, load_wording
from cds_service.clients.cors_origins import origin_problem
from cds_service.clients.file.addresses import private_range_problem, proxy_problem
from cds_service.clients.file.keys import key_problems
from cds_service.clients.file.public_keys import is_public
from cds_service.clients.profile import BY_TOKEN
from cds_service.egress.addresses import address_problem
from cds_service.egress.destinations import base_problem
from cds_service.egress.network import Network

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    Table = Mapping[str, Any]

_SANDBOX: Final = "cds-hooks-sandbox"


def contradictions(own: Table, table: Table, folder: Path) -> Iterator[str]:
    """Yield what is wrong with a client: its own table, and the complete one with what it extends.

    Each sentence begins with where it is inside the client. `folder` is where the path of a site file begins.
    """
    yield from _authentication(own, table)
    network = _readable_network(table["network"])
    yield from _issuers(table, network)
    yield from _network(table)
    for position, base in enumerate(table["fhir"].get("bases", ())):
        if problem := base_problem(base, network):
            yield f"fhir.bases[{position}]: {problem}"
    yield from _rest(table, folder)


def _authentication(own: Table, table: Table) -> Iterator[str]:
    kind = table["authentication"]
    if kind in BY_TOKEN and not table.get("issuers"):
        yield f"issuers: authentication = {kind} needs at least one; without any, nobody could call"
    if kind not in BY_TOKEN and own.get("issuers"):
        yield f"issuers: authentication = {kind} does not look at tokens; leave the issuers out, or change it"
    if kind == "none" and own.get("certificates"):
        yield f"certificates: authentication = {kind} does not look at certificates; leave them out, or change it"
    elif kind == "mutual-tls" or own.get("certificates") is not None:
        yield from _certificates(table.get("certificates", {}))


def _certificates(table: Table) -> Iterator[str]:
    if not table.get("proxies"):
        yield "certificates.proxies: certificates need the address of the proxy that checks them"
    if not table.get("subjects") and not table.get("fingerprints"):
        yield "certificates.subjects: certificates need subjects or fingerprints"
    for position, proxy in enumerate(table.get("proxies", ())):
        if problem := proxy_problem(proxy):
            yield f"certificates.proxies[{position}]: {problem}"


def _issuers(table: Table, network: Network) -> Iterator[str]:
    for position, issuer in enumerate(table.get("issuers", ())):
        where = f"issuers[{position}]"
        if ("jku" in issuer) == ("keys" in issuer):
            yield f"{where}: needs either jku or keys" + (", not both" if "jku" in issuer else "")
        if "jku" in issuer and (problem := address_problem(issuer["jku"], network)):
            yield f"{where}.jku: {problem}"
        algorithms = issuer.get("algorithms") or table.get("algorithms") or ("ES384", "RS384")
        for number, problem in key_problems(issuer.get("keys", ()), algorithms):
            yield f"{where}.keys[{number}]: {problem}"
        if table["authentication"] == "cds-hooks-jwt" and issuer.get("scopes"):
            yield f"{where}.scopes: CDS Hooks tokens have none; scopes are for authentication = oauth-bearer"
        if table["authentication"] == "oauth-bearer" and not issuer.get("audiences"):
            yield f"{where}.audiences: authentication = oauth-bearer needs the values of aud that are meant for us"
        if is_public(issuer["iss"], issuer.get("jku")) and table["extends"] != _SANDBOX:
            yield (
                f"{where}.iss: the key of the public sandbox is known to everybody; only a client that extends "
                f"{_SANDBOX} may believe it"
            )


def _network(table: Table) -> Iterator[str]:
    network, fhir = table["network"], table["fhir"]
    for position, text in enumerate(network.get("private", ())):
        if problem := private_range_problem(text):
            yield f"network.private[{position}]: {problem}"
    loopback, any_loopback = network.get("loopback", False), fhir.get("any_loopback", False)
    if (loopback or any_loopback) and not (
        table["authentication"] == "none" or table["extends"] in ("development", _SANDBOX)
    ):
        where = "network.loopback" if loopback else "fhir.any_loopback"
        yield (
            f"{where}: servers on this machine may only be called for clients without authentication, or that extend "
            f"development or {_SANDBOX}"
        )
    if any_loopback and not loopback:
        yield "fhir.any_loopback: needs network.loopback = true"


def _smart(table: Table) -> Iterator[str]:
    app, token_url = table.get("smart_client_id"), table.get("smart_token_url")
    if app and not table["fhir"].get("bases") and table["extends"] != "development":
        yield "smart_client_id: the form is launched by a server in fhir.bases, which lists none"
    if token_url and not app:
        yield "smart_token_url: is of no use without smart_client_id"
    if token_url and (problem := address_problem(token_url, _readable_network(table["network"]))):
        yield f"smart_token_url: {problem}"


def _readable_network(table: Table) -> Network:
    """Return the network that a client's addresses are judged by, without the entries that are mistakes themselves."""
    private = (ip_network(text) for text in table.get("private", ()) if private_range_problem(text) is None)
    return Network(tuple(private), loopback=table.get("loopback", False))


def _rest(table: Table, folder: Path) -> Iterator[str]:
    pilot = table.get("pilot", {})
    if table["mode"] == "pilot" and not pilot.get("users") and not pilot.get("percent"):
        yield "pilot: mode = pilot needs users or a percent above 0; mode = silent shows cards to nobody"
    for position, origin in enumerate(table["origins"]):
        if problem := origin_problem(origin):
            yield f"origins[{position}]: {problem}"
    yield from _smart(table)
    hosts = table["shape"].get("link_hosts", ())
    if "*" in hosts and len(hosts) > 1:
        yield "shape.link_hosts: * allows any host, so no other may stand beside it"
    if "site_file" in table and not (folder / table["site_file"]).is_file():
        yield "site_file: there is no such file"
    if "language" in table:
        try:
            load_wording(table["language"])
        except WordingError:
            yield "language: there are no sentences in this language"
