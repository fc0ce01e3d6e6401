"""The sheet that an EHR's registration form asks for: plain text, to print and to copy from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from cards.guideline.wording import Wording, load_wording
from cards.response.client_shape import SiteCode
from cards.suggestions.drafts import display_of, orderables
from cds_service.cli.client_report import issuer_terms, pages, proof
from cds_service.cli.terminal import printable
from cds_service.clients.profile import BY_TOKEN, Authentication
from fhir_mappings.fhir.needs import DATA_NEEDS, DataNeed
from fhir_mappings.fhir.searches import USUAL, templates_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cds_service.clients.profile import ClientProfile
    from cds_service.protocol.discovery import HookService

_ERRORS: Final = (
    "An HTTP status such as 412 (required data are missing), and an OperationOutcome as its body.",
    "Modes silent and pilot keep cards back, not errors: users who see no card cause them too.",
)


def client_sheet(client: ClientProfile, public_url: str, services: Sequence[HookService]) -> str:
    """Return the sheet for a client; `public_url` is the address under which it reaches the service."""
    base = f"{public_url.rstrip('/')}/cds-services"
    lines = [
        f"Registration of the lumbar MRI CDS service with {client.title or client.name}",
        "",
        f"Client name here:  {client.name}",
        f"Contact:           {client.contact or '(not given)'}",
        f"Mode here:         {client.mode}",
        "FHIR version:      R4 (4.0.1)",
        "CDS Hooks:         2.0",
        *_addresses(base, services),
        *_authentication(client, base, services),
        *_data(client),
        *_cards(client),
    ]
    return printable("\n".join(lines) + "\n")


def _addresses(base: str, services: Sequence[HookService]) -> Iterator[str]:
    yield from ("", "Discovery address (open to everybody: a token sent there is not looked at)", f"  {base}")
    for service in services:
        yield from ("", f"Service for the hook {service.hook} (id {service.id})", f"  {base}/{service.id}")
        yield from ("  Feedback", f"  {base}/{service.id}/feedback")


def _authentication(client: ClientProfile, base: str, services: Sequence[HookService]) -> Iterator[str]:
    yield from ("", f"How the client proves who it is: {proof(client)}")
    certificates = client.certificates
    if certificates:
        yield from (f"  Subject of the certificate: {subject}" for subject in certificates.subjects)
        yield from (f"  SHA-256 fingerprint: {fingerprint}" for fingerprint in certificates.fingerprints)
    if client.authentication not in BY_TOKEN:
        return
    for issuer in client.issuers:
        yield from ("  Expected iss", f"    {issuer.iss}")
        if issuer.jku:
            yield from ("  Expected jku", f"    {issuer.jku}")
        yield f"  Terms: {issuer_terms(issuer)}"
    yield "  Accepted aud"
    if client.authentication is Authentication.CDS_HOOKS_JWT:
        yield "    the address that is called, letter for letter but for one slash at its end:"
        yield from (f"    {base}/{service.id}{end}" for service in services for end in ("", "/feedback"))
    aliases = dict.fromkeys(audience for issuer in client.issuers for audience in issuer.audiences)
    if aliases:
        yield "    at every address:"
    yield from (f"    {audience}" for audience in aliases)


def _data(client: ClientProfile) -> Iterator[str]:
    form = client.fhir.form
    yield from ("", "Prefetch (key: template)")
    if form != USUAL:
        yield "  (as this client's server takes searches; discovery lists them in the usual form)"
    required = {need.key for need in client.needs if need.required}
    for key, template in templates_for(form, client.needs).items():
        yield f"  {key}: {template}" + ("  (required)" if key in required else "")
    yield from ("", "FHIR servers that are asked for what prefetch did not bring")
    yield from (f"  {base}" for base in client.fhir.bases)
    if client.fhir.any_loopback:
        yield "  any on this machine"
    elif not client.fhir.bases:
        yield "  none: no access token is needed"
        return
    yield from ("", "SMART scopes, version 2", f"  {' '.join(scopes(client.needs, version=2))}")
    yield from ("", "SMART scopes, version 1", f"  {' '.join(scopes(client.needs, version=1))}")


def scopes(needs: Sequence[DataNeed] = DATA_NEEDS, *, version: int) -> list[str]:
    """Return the SMART scopes that reading what is needed takes, in version 1 or 2 of their syntax.

    Searches ask for `rs`, because some servers return what a search found only to who may read it too. Medications are
    searched for and read by the ids that prescriptions name.
    """
    searched = {need.resource_type: bool(need.parameters) for need in needs} | {"Medication": True}
    return [
        f"patient/{name}.{'read' if version == 1 else 'rs' if search else 'r'}" for name, search in searched.items()
    ]


def _cards(client: ClientProfile) -> Iterator[str]:
    wording, hosts = load_wording(client.language or "en"), client.shape.link_hosts
    link = wording.text("meta", "link_url")
    yield from ("", "Links on cards")
    if hosts is None or urlsplit(link).hostname in hosts:
        yield f"  {link}"
    yield from (f"  https://{host}/" for host in sorted(hosts or ()))
    if hosts is not None and not hosts:
        yield "  none"
    yield from _builds(client, wording)
    yield from ("", "SMART apps on cards", "  none; appContext is not used")
    yield from ("", "Errors", *(f"  {line}" for line in _ERRORS))
    yield from ("", "Web pages that may call from a browser (CORS)", f"  {pages(client)}")


def _builds(client: ClientProfile, wording: Wording) -> Iterator[str]:
    """Yield the orders and reasons that the EHR's builders map, for a client that goes by codes of its own."""
    shape = client.shape
    if shape.action_style == "catalogue":
        yield from ("", "Orders that suggestions add (our name, what it is: the client's code)")
        for name in orderables():
            yield f"  {name}, {display_of(name, wording)}: {_site_code(shape.orderables.get(name))}"
    if shape.action_style == "catalogue" or shape.override_reasons:
        yield from ("", "Override reasons (our name, what it says: the code that is sent)")
        for name, ours in wording.get("overrides").items():
            code = shape.override_reasons.get(name) or SiteCode(ours["system"], ours["code"])
            yield f"  {name}, {ours['display']}: {_site_code(code)}"


def _site_code(code: SiteCode | None) -> str:
    return f"{code.system}|{code.code}" if code else "(none yet: it is said in words)"
