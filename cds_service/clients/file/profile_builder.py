"""Builds the profile of a client from its complete, checked table."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cards.response.client_shape import ClientShape, SiteCode
from cds_service.clients.cors_origins import tidy_origin
from cds_service.clients.normalization import plain_fingerprint, without_slash
from cds_service.clients.profile import (
    BY_TOKEN,
    REMEMBER_HOURS,
    Authentication,
    Certificates,
    ClientProfile,
    FhirAccess,
    Issuer,
    Mode,
    Pilot,
)
from cds_service.egress.network import Network

if TYPE_CHECKING:
    from collections.abc import Mapping


def build_profile(name: str, table: Mapping[str, Any], folder: Path | None = None) -> ClientProfile:
    """Return the profile; `folder` is where the path of a site file begins.

    Issuers and certificates that the authentication does not look at are left out: nobody is to think they count.
    Certificates of a client with tokens are looked at, since then a call must bring both.
    """
    site_file, limits = table.get("site_file"), table.get("limits", {})
    authentication = Authentication(table["authentication"])
    issuers = table.get("issuers", ()) if authentication in BY_TOKEN else ()
    certificates = None if authentication is Authentication.NONE else table.get("certificates")
    return ClientProfile(
        name=name,
        extends=table["extends"],
        title=table.get("title", "").strip(),
        contact=table.get("contact", "").strip(),
        authentication=authentication,
        issuers=tuple(_issuer(issuer, table.get("algorithms")) for issuer in issuers),
        certificates=_certificates(certificates) if certificates else None,
        network=_network(table["network"]),
        fhir=_fhir(table["fhir"]),
        origins=tuple(dict.fromkeys(tidy_origin(origin) for origin in table["origins"])),
        mode=Mode(table["mode"]),
        pilot=_pilot(table.get("pilot", {})),
        shape=_shape(table),
        strict_hook=table.get("strict_hook", True),
        strict_tokens=table.get("strict_tokens", False),
        sources=tuple(table["sources"]) if "sources" in table else None,
        verbosity=table.get("verbosity"),
        explain=table.get("explain"),
        language=table.get("language"),
        site_file=(folder or Path()) / site_file if site_file else None,
        smart_client_id=table.get("smart_client_id", ""),
        smart_token_url=table.get("smart_token_url", ""),
        remember_hours=int(table.get("remember_hours", REMEMBER_HOURS)),
        **_whole(limits),
    )


def _issuer(table: Mapping[str, Any], algorithms: list[str] | None) -> Issuer:
    inherited = {"algorithms": algorithms} if algorithms else {}
    return Issuer(**_tuples(_whole({**inherited, **table})))


def _certificates(table: Mapping[str, Any]) -> Certificates:
    fingerprints = list(dict.fromkeys(map(plain_fingerprint, table.get("fingerprints", ()))))
    return Certificates(**_tuples({**table, "fingerprints": fingerprints}))


def _network(table: Mapping[str, Any]) -> Network:
    return Network(tuple(map(ip_network, table.get("private", ()))), loopback=table.get("loopback", False))


def _fhir(table: Mapping[str, Any]) -> FhirAccess:
    bases = tuple(dict.fromkeys(map(without_slash, table.get("bases", ()))))
    categories = tuple(table.get("observation_categories", ()))
    return FhirAccess(**_whole({**table, "bases": bases, "observation_categories": categories}))


def _pilot(table: Mapping[str, Any]) -> Pilot:
    return Pilot(frozenset(table.get("users", ())), int(table.get("percent", 0)))


def _shape(table: Mapping[str, Any]) -> ClientShape:
    shape = table["shape"]
    behavior, hosts = shape["selection_behavior"], shape["link_hosts"]
    given = {
        name: shape[name]
        for name in ("rating_mechanism", "updates", "recommends", "detail", "answers")
        if name in shape
    }
    return ClientShape(
        action_style=shape["action_style"],
        selection_behavior=None if behavior == "card" else behavior,
        rating_place=shape["rating_place"],
        link_hosts=None if hosts == ["*"] else frozenset(hosts),
        orderables=_site_codes(table.get("orderables", {})),
        override_reasons=_site_codes(table.get("override_reasons", {})),
        **given,
    )


def _site_codes(table: Mapping[str, Any]) -> Mapping[str, SiteCode]:
    return {name: SiteCode(**code) for name, code in table.items()}


def _whole(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table with its numbers as integers: to JSON Schema, 42.0 is one."""
    return {name: int(value) if isinstance(value, float) else value for name, value in table.items()}


def _tuples(table: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}
