"""GET /cds-services."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from cds_service.protocol import schemas
from fhir_mappings.fhir.searches import templates_for

if TYPE_CHECKING:
    from tests.protocol.builders import HookClient


def test_lists_two_services_with_ids_of_their_own(client: HookClient) -> None:
    """There is one id for each hook, because some clients key services by URL."""
    services = client.open("/cds-services").json["services"]
    assert [(service["id"], service["hook"]) for service in services] == [
        ("lumbar-mri-order-select", "order-select"),
        ("lumbar-mri-order-sign", "order-sign"),
    ]


def test_fits_the_schema(client: HookClient) -> None:
    """The document has every recommended field, no empty value, and tokens that every client can resolve."""
    assert schemas.DISCOVERY_RESPONSE.errors(client.open("/cds-services").json) == []


def test_publishes_the_prefetch_templates(client: HookClient) -> None:
    """Both services ask for the data needs of the criteria."""
    for service in client.open("/cds-services").json["services"]:
        assert service["prefetch"] == templates_for()


def test_says_what_is_required(client: HookClient) -> None:
    """A person who connects a client reads which keys are needed, and what happens without them."""
    for service in client.open("/cds-services").json["services"]:
        assert "patient and conditions are required" in service["usageRequirements"]
        assert "412" in service["usageRequirements"]


def test_may_be_cached(client: HookClient) -> None:
    """The document carries a strong ETag and may be kept for five minutes."""
    headers = client.open("/cds-services").headers
    assert headers["Cache-Control"] == "public, max-age=300"
    assert headers["ETag"].startswith('"')


def test_unchanged_document_is_not_sent_again(client: HookClient) -> None:
    """A client that has the document is told so without a body."""
    tag = client.open("/cds-services").headers["ETag"]
    reply = client.open("/cds-services", headers={"If-None-Match": tag})
    assert (reply.status, reply.text) == (304, "")


def test_is_the_same_for_every_caller(client: HookClient) -> None:
    """Nothing in the document depends on who asks or how."""
    plain = client.open("/cds-services").text
    assert client.open("/cds-services?x=1", headers={"Authorization": "Bearer x", "Host": "other"}).text == plain


def test_searches_are_bounded_and_repeat_no_parameter(client: HookClient) -> None:
    """Clients add no `_count` of their own, and some drop a parameter that comes twice."""
    for service in client.open("/cds-services").json["services"]:
        for key, template in service["prefetch"].items():
            _, _, query = template.partition("?")
            names = [name for name, _ in parse_qsl(query)]
            assert len(names) == len(set(names)), key
            assert ("_count" in names) == (key != "patient"), key
