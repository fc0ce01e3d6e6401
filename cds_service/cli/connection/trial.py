"""Everything that can be tried of one client's connection, in the order in which a first call would fail."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from cds_service.cli.connection.addresses import Found, Server, allowed_addresses, find_addresses
from cds_service.cli.connection.browser import browser_checks
from cds_service.cli.connection.check import Check, Status, failed, skipped
from cds_service.cli.connection.fhir_server import metadata_checks, token_check
from cds_service.cli.connection.keys import fetched_keys, inline_keys
from cds_service.cli.connection.our_service import OurService
from cds_service.cli.connection.public_address import public_checks
from cds_service.cli.connection.searches import SearchTrial
from cds_service.cli.connection.tls import tls_check
from cds_service.clients.profile import BY_TOKEN
from cds_service.egress.addresses import EgressError, read_address
from cds_service.egress.breaker import Breakers
from cds_service.egress.destinations import read_base
from cds_service.egress.fhir_transport import FhirTransport
from cds_service.egress.http import trust
from cds_service.egress.network import Network

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from cds_service.clients.profile import ClientProfile
    from cds_service.config.settings import Settings
    from cds_service.egress.addresses import Address
    from cds_service.egress.http import HttpClient
    from cds_service.egress.resolving import Resolver

_PATIENT_MS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried, with what; `url` is where the service runs now, `fhir` a base besides those of the client."""

    client: ClientProfile
    settings: Settings
    url: str
    http: HttpClient
    resolver: Resolver
    now: datetime
    token: str | None = None
    patient: str | None = None
    origins: Sequence[str] = ()
    fhir: str | None = None

    def checks(self) -> Iterator[Check]:
        """Yield each check as soon as it is done."""
        yield from self._keys()
        yield from self._fhir()
        with OurService(self.settings.ca_bundle) as service:
            yield from self._public(service)
            yield from browser_checks(self.client, self.origins, self.url, service)

    def _keys(self) -> Iterator[Check]:
        if self.client.authentication not in BY_TOKEN:
            yield skipped("keys.jwks", self.client.name, f"the client proves itself by {self.client.authentication}")
            return
        for issuer in self.client.issuers:
            if issuer.jku is None:
                yield inline_keys(issuer)
                continue
            yield from (
                found := self._reached(Server("keys", issuer.jku, read_address(issuer.jku, self.client.network)))
            ).checks
            if found.addresses:
                yield fetched_keys(issuer, self.client.network, self.http)
            else:
                yield skipped("keys.jwks", issuer.jku, "its server cannot be reached")

    def _fhir(self) -> Iterator[Check]:
        bases = dict.fromkeys([*self.client.fhir.bases, *([self.fhir] if self.fhir else [])])
        if not bases:
            yield skipped("fhir.dns", self.client.name, "no FHIR base is listed: data come from prefetch only")
        for base in bases:
            try:
                address = read_base(base, self.client.network)
            except EgressError as error:
                yield failed("fhir.egress", base, f"the address {error.sentence}", "Name another, or correct it.")
                continue
            yield from (found := self._reached(Server("fhir", address.url, address))).checks
            if found.addresses:
                yield from self._server(address)
            else:
                yield skipped("fhir.metadata", address.url, "its server cannot be reached")

    def _server(self, address: Address) -> Iterator[Check]:
        """Yield what a FHIR server answers; with the patience of a person, so that it is seen how late it is."""
        fhir = replace(self.client.fhir, connect_ms=_PATIENT_MS, read_ms=_PATIENT_MS, deadline_ms=_PATIENT_MS)
        patient_client = replace(self.client, fhir=fhir)

        def transport() -> FhirTransport:
            return FhirTransport(self.http, patient_client, Breakers(), address)

        base = address.url
        with closing(transport()) as asking:
            yield from metadata_checks(base, asking)
            yield token_check(base, asking, self.token, self.patient, self.now)
        if self.patient is None:
            yield skipped("fhir.searches", base, "searches are tried for a patient", "Name one with --patient.")
            return
        yield from SearchTrial(base, self.client.fhir, transport, self.token, self.patient).checks()

    def _public(self, service: OurService) -> Iterator[Check]:
        url = (self.settings.public_url or "").rstrip("/")
        if not url:
            remedy = "Set LUMBAR_CDS_PUBLIC_URL to the address under which clients reach the service."
            yield skipped("public.dns", self.client.name, "no public address is set", remedy)
            return
        anywhere = Network(loopback=True)
        try:
            address = read_address(url, anywhere)
        except EgressError as error:
            if error.reason != "private-address":
                yield failed("public.dns", url, f"the address {error.sentence}", "Correct LUMBAR_CDS_PUBLIC_URL.")
                return
            address = None
        if address is not None:
            server = Server("public", url, address)
            found = find_addresses(server, self.resolver)
            yield from found.checks
            if not found.addresses:
                return
            yield tls_check(server, found.addresses, trust(self.settings.ca_bundle), self.now)
        yield from public_checks(url, service)

    def _reached(self, server: Server) -> Found:
        """Look up a server, judge its addresses and its certificate; without addresses where one of them fails."""
        found = allowed_addresses(server, find_addresses(server, self.resolver), self.client.network)
        if not found.addresses:
            return found
        check = tls_check(server, found.addresses, trust(self.settings.ca_bundle), self.now)
        trusted = check.status is not Status.FAIL
        return Found((*found.checks, check), found.addresses if trusted else ())
