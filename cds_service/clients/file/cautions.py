"""What is allowed in a profile and may not be what somebody wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cds_service.clients.file.addresses import is_loopback
from cds_service.clients.file.public_keys import believes_everybody
from cds_service.clients.profile import Authentication, Mode
from cds_service.clients.test_keys import is_test_issuer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cds_service.clients.profile import ClientProfile

_SLOW_MS: Final = 450


def cautions(client: ClientProfile, mode: Mode) -> Iterator[str]:
    """Yield sentences, without a full stop, about a client in the mode that is in force."""
    yield from _trust(client)
    yield from _mode(client, mode)
    yield from _sources(client)
    fhir = client.fhir
    if not fhir.bases and not fhir.any_loopback:
        yield "no FHIR base is listed: data that prefetch does not bring are unavailable"
    elif fhir.deadline_ms > _SLOW_MS and client.authentication is not Authentication.NONE:
        yield f"fetching may take {fhir.deadline_ms} ms, while CDS Hooks asks for an answer within 500 ms"
    if client.shape.link_hosts is not None and not client.shape.link_hosts:
        yield "no link host is listed: cards carry no link to the guidance"
    if client.shape.answers_by == "questionnaire-response" and not _may_read_forms(client):
        yield "answers are made QuestionnaireResponses, which `sources` does not list: no later call would see them"
    if client.shape.action_style == "catalogue" and not client.shape.orderables:
        yield "no orderable has a code of the client: no order can be added by pressing a button"
    if client.shape.rating_place != "none" and not client.shape.rating_mechanism:
        yield "ratings are sent without shape.rating_mechanism, the G-code that the PAMA profile asks for"


def _may_read_forms(client: ClientProfile) -> bool:
    return client.sources is None or "QuestionnaireResponse" in client.sources


def _trust(client: ClientProfile) -> Iterator[str]:
    if client.authentication is Authentication.NONE:
        yield "nobody is authenticated"
    elif believes_everybody(client):
        yield "the key of the public sandbox is known to everybody, so its tokens prove nothing"
    if any(is_test_issuer(issuer.iss) for issuer in client.issuers):
        yield "a test key is believed: whoever has its private part can call as this client"
    certificates = client.certificates
    if certificates:
        wide = [proxy for proxy in certificates.proxies if "/" in proxy and not is_loopback(proxy.partition("/")[0])]
        if wide:
            yield f"every machine in {', '.join(wide)} is believed to be the proxy"


def _sources(client: ClientProfile) -> Iterator[str]:
    listed = client.sources
    if listed is not None and (
        left := [need.resource_type for need in client.needs if need.resource_type not in listed]
    ):
        yield (
            f"sources leaves out {', '.join(left)}: every answer rests on them, so they are asked for all the same, "
            "and as long as they are not read no order is called not appropriate"
        )


def _mode(client: ClientProfile, mode: Mode) -> Iterator[str]:
    if mode is Mode.OFF:
        yield "mode off: orders of this client are not looked at"
    elif mode is Mode.SILENT:
        yield "mode silent: nobody sees a card"
    elif mode is Mode.PILOT and not client.pilot.percent:
        yield "mode pilot with 0 percent: only listed users see cards"
