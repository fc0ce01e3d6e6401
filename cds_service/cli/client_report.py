"""What each client may do and gets, in sentences, for whoever answers for the configuration.

Printed by `lumbar-cds check-config`. Nothing in a profile is secret: keys are public, and are named by their ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cards.suggestions.drafts import orderables
from cds_service.cli.terminal import printable
from cds_service.clients.cors_origins import LOOPBACK
from cds_service.clients.file.cautions import cautions
from cds_service.clients.profile import BY_TOKEN, Authentication, Mode
from cds_service.clients.switches import EVERY_CLIENT, SwitchState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cds_service.clients.profile import ClientProfile, FhirAccess, Issuer

_PROOFS: Final = {
    Authentication.NONE: "nothing is asked",
    Authentication.CDS_HOOKS_JWT: "a JWT signed by the client, as CDS Hooks describes it",
    Authentication.OAUTH_BEARER: "an OAuth access token of an authorization server",
    Authentication.MUTUAL_TLS: "a client certificate, checked by a reverse proxy",
}
_MODES: Final = {
    Mode.OFF: "nothing is assessed, and every answer is without cards",
    Mode.SILENT: "orders are assessed and recorded, and nobody sees a card",
    Mode.PILOT: "users who take part see cards; for the others orders are assessed and recorded",
    Mode.ON: "everybody sees cards",
}
_STYLES: Final = {
    "replace": "another study is proposed by deleting one order and creating another",
    "update": "another study is proposed by changing the code of the order",
    "single": "another study is proposed by changing the code of the order, one action a suggestion",
    "catalogue": "orders are removed, and added by the client's own codes, one action a suggestion; the rest is words",
    "info": "cards carry no suggestions; what they would offer is said in words",
}
_ANSWERS: Final = {
    "order-note": "answers to questions are pressed, as notes of the order",
    "questionnaire-response": "answers to questions are pressed, as QuestionnaireResponses",
    "none": "answers to questions are typed: cards say the words",
}
_RATINGS: Final = {
    "none": "no appropriateness ratings",
    "root": "appropriateness ratings in systemActions",
    "extension": "appropriateness ratings in extension.systemActions",
    "both": "appropriateness ratings in systemActions and in extension.systemActions",
}


def clients_report(clients: Sequence[ClientProfile], file: Path | None, switched: SwitchState | None = None) -> str:
    """Return what is in force for every client; `file` is the clients file, None when there is none."""
    known = switched or SwitchState()
    lines = [f"Clients file: {file}" if file else "Clients file: none. These clients are built in:"]
    lines += _switched(known)
    for client in clients:
        lines += ["", *_client(client, known)]
    return printable("\n".join(lines))


def _switched(switched: SwitchState) -> Iterator[str]:
    for mode, reasons in ((Mode.OFF, switched.off), (Mode.SILENT, switched.silent)):
        for name, reason in reasons.items():
            who = "every client" if name == EVERY_CLIENT else name
            yield f"Switched {mode}: {who}" + (f" ({reason})" if reason else "")


def _client(client: ClientProfile, switched: SwitchState) -> Iterator[str]:
    yield f"Client {client.name}" + (f": {client.title}" if client.title else "")
    yield f"  Profile: starts from {client.extends}." if client.extends else "  Profile: of its own."
    if client.contact:
        yield f"  Contact: {client.contact}"
    yield from _callers(client)
    yield from _data(client)
    yield f"  Mode: {_mode(client, switched)}."
    yield f"  Cards: {_cards(client)}."
    yield f"  Limits: {_limits(client)}."
    for warning in cautions(client, switched.mode(client)):
        yield f"  WARNING: {warning}."


def _callers(client: ClientProfile) -> Iterator[str]:
    yield f"  Proof of who calls: {proof(client)}."
    for issuer in client.issuers:
        yield f"    Issuer {issuer.iss}: {issuer_terms(issuer)}."
    certificates = client.certificates
    if certificates:
        allowed = [f"subject {subject}" for subject in certificates.subjects]
        allowed += [f"SHA-256 fingerprint {fingerprint}" for fingerprint in certificates.fingerprints]
        yield f"    Certificates: {'; '.join(allowed)}."
        yield f"    Reported by a proxy at {', '.join(certificates.proxies)}."
    if client.origins:
        yield f"  Web pages: {pages(client)}."


def proof(client: ClientProfile) -> str:
    """Return how a client proves who it is."""
    asked = _PROOFS[client.authentication]
    both = client.authentication in BY_TOKEN and client.certificates is not None
    return f"{asked}, and with it {_PROOFS[Authentication.MUTUAL_TLS]}" if both else asked


def issuer_terms(issuer: Issuer) -> str:
    """Return what is asked of an issuer's tokens."""
    kids = ", ".join(str(key.get("kid")) for key in issuer.keys)
    terms = [
        f"keys from {issuer.jku}" if issuer.jku else f"inline keys {kids}",
        f"signed with {' or '.join(issuer.algorithms)}",
        f"tenant {' or '.join(issuer.tenants)}" if issuer.tenants else "any tenant",
    ]
    if issuer.subjects:
        terms.append(f"subject {' or '.join(issuer.subjects)}")
    if issuer.audiences:
        terms.append(f"audience {' or '.join(issuer.audiences)}")
    if issuer.scopes:
        terms.append(f"scopes {' '.join(issuer.scopes)}")
    terms.append(f"life at most {issuer.max_lifetime} s, clocks up to {issuer.leeway} s apart")
    return "; ".join(terms)


def pages(client: ClientProfile) -> str:
    """Return the web pages that may call."""
    return (
        ", ".join("any page of this machine" if origin == LOOPBACK else origin for origin in client.origins) or "none"
    )


def _data(client: ClientProfile) -> Iterator[str]:
    fhir, network = client.fhir, client.network
    if client.sources is not None:
        had = ", ".join(client.sources) or "none"
        yield f"  Sources: it has {had}. Others are not asked for or missed, but for those that every answer rests on."
    servers = [*fhir.bases, *(["any FHIR server on this machine"] if fhir.any_loopback else [])]
    if not servers:
        yield "  Data: from prefetch only; no FHIR server is asked."
        return
    yield f"  Data: what prefetch did not bring is fetched from {', '.join(servers)}."
    yield (
        f"    Within {fhir.deadline_ms} ms for all of it (connecting {fhir.connect_ms} ms, reading {fhir.read_ms} ms), "
        f"{_count(fhir.retries, 'retry', 'retries')}, {_count(fhir.pages, 'page')} a search, at most "
        f"{fhir.max_bytes} bytes an answer, {'in one batch' if fhir.batch else 'in parallel'}."
    )
    if form := _form(fhir):
        yield f"    Searches and prefetch templates: {form}."
    if network.private:
        yield f"    Private addresses: {', '.join(map(str, network.private))}."


def _form(fhir: FhirAccess) -> str:
    """Return what is unusual in how searches are written; nothing where they are as discovery lists them."""
    parts = []
    if fhir.observation_categories:
        parts.append(f"Observations by category ({', '.join(fhir.observation_categories)})")
    parts += [] if fhir.sort else ["no _sort"]
    parts += [] if fhir.include else ["no _include"]
    if fhir.page_size is not None:
        parts.append(f"pages of {fhir.page_size}" if fhir.page_size else "no _count")
    return "; ".join(parts)


def _mode(client: ClientProfile, switched: SwitchState) -> str:
    mode = switched.mode(client)
    said = f"{mode}: {_MODES[mode]}"
    if mode is Mode.PILOT:
        said += f" ({_count(len(client.pilot.users), 'user')} listed, and {client.pilot.percent} percent of all)"
    return said if mode is client.mode else f"{said}; switched down from {client.mode}"


def _cards(client: ClientProfile) -> str:
    shape = client.shape
    parts = [_STYLES[shape.action_style]]
    if shape.action_style == "catalogue":
        parts += ["changes of the order too"] if shape.updates else []
        missing = [name for name in orderables() if name not in shape.orderables]
        parts.append(f"no code of its own for {', '.join(missing)}" if missing else "a code of its own for everything")
    parts += [] if shape.recommends else ["no suggestion is marked as recommended"]
    parts += ["short texts"] if shape.detail == "short" else []
    if shape.override_reasons:
        parts.append(f"its own codes for {_count(len(shape.override_reasons), 'override reason')}")
    parts.append(_ANSWERS[shape.answers_by])
    parts += ["questions can be answered in a form, too"] if client.smart_client_id else []
    if shape.selection_behavior:
        parts.append(f"selectionBehavior is always {shape.selection_behavior}")
    parts.append(_RATINGS[shape.rating_place])
    if shape.link_hosts is None:
        parts.append("links to any host")
    else:
        parts.append(f"links to {', '.join(sorted(shape.link_hosts))} only" if shape.link_hosts else "no links")
    parts.append(f"verbosity {client.verbosity or 'as the settings say'}")
    parts.append(f"language {client.language or 'as the settings say'}")
    if client.explain is not None:
        parts.append("assessments are added to answers" if client.explain else "no assessments in answers")
    if client.site_file:
        parts.append(f"guideline as changed by {client.site_file}")
    return "; ".join(parts)


def _limits(client: ClientProfile) -> str:
    usual = "as the settings say"
    rate = f"{client.calls_per_minute} calls a minute" if client.calls_per_minute else "any number of calls"
    size = f"{client.max_body_bytes} bytes a body" if client.max_body_bytes else f"size of a body {usual}"
    orders = f"{client.max_orders} orders a call" if client.max_orders else f"orders a call {usual}"
    return f"{rate}; {size}; {orders}"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
