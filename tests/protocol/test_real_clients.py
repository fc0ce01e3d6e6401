"""Requests as real clients build them get the advice that a request by the book gets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cds_service.demo.requests import load_demos
from tests.protocol.builders import SELECT, SERVICES, hook_request
from tests.protocol.fetching import SERVICES_BY_HOOK, TOKEN
from tests.protocol.fhir_stub import chart_of, fhir_stub
from tests.protocol.real_clients import crd_request_generator, medplum, opioid_cds, pama_screen
from tests.unit.fhir_mappings.fhir_client.server import FakeServer

if TYPE_CHECKING:
    from tests.protocol.builders import HookClient, Reply

DEMOS = [demo.name for demo in load_demos() if demo.outcome]


def demo(name: str) -> dict[str, Any]:
    """Return the request of a demo."""
    (found,) = [found for found in load_demos() if found.name == name]
    request: dict[str, Any] = json.loads(found.body())
    return request


def told(reply: Reply) -> tuple[list[str], list[str]]:
    """Return the outcomes and the summaries of the cards."""
    return [found["outcome"] for found in reply.assessments], [card["summary"] for card in reply.cards]


def call(client: HookClient, request: dict[str, Any]) -> Reply:
    """Call the service of a request's hook."""
    return client.call(SERVICES_BY_HOOK[request["hook"]], request)


@pytest.mark.parametrize("token", ["", None, "missing"])
@pytest.mark.parametrize("name", DEMOS)
def test_crd_request_generator(client: HookClient, name: str, token: str | None) -> None:
    """HL7's CRD client without a log-in: no token is sent, its scope is not believed, its own keys are let be."""
    request = demo(name)
    with fhir_stub(request["prefetch"]) as stub:
        sent = crd_request_generator(request, stub, *(() if token == "missing" else (token,)))
        assert told(call(client, sent)) == told(call(client, request))
        assert {received.headers.get("authorization") for received in stub.http.received} == {None}


def test_crd_request_generator_with_a_token(client: HookClient) -> None:
    """With a token its scope counts: conditions are plainly not granted, and the answer says what is missing."""
    request = demo("pacemaker")
    with fhir_stub(request["prefetch"]) as stub:
        refused = call(client, crd_request_generator(request, stub, TOKEN, with_prefetch=False))
        assert (refused.status, refused.fields) == (412, ["prefetch.conditions"])


@pytest.mark.parametrize("name", DEMOS)
def test_medplum(client: HookClient, name: str) -> None:
    """Medplum's client evaluates every template itself, and names neither a server nor a user."""
    request = demo(name)
    service = SERVICES_BY_HOOK[request["hook"]]
    offered = {entry["id"]: entry["prefetch"] for entry in client.open("/cds-services").json["services"]}
    sent = medplum(request, offered[service], FakeServer(chart_of(request["prefetch"])))
    assert told(call(client, sent)) == told(call(client, request))


@pytest.mark.parametrize("name", DEMOS)
def test_pama_screen(client: HookClient, name: str) -> None:
    """A plan without a date is judged as an order of today."""
    request = demo(name)
    summaries = told(call(client, request | {"hook": "order-sign"}))
    assert told(call(client, pama_screen(request))) == summaries


def test_pama_screen_at_page_load(client: HookClient) -> None:
    """Before a study is chosen there is nothing to say."""
    sent = pama_screen(hook_request(SELECT))
    (entry,) = sent["context"]["draftOrders"]["entry"]
    entry["resource"] |= {"code": {"coding": [{}]}, "reasonCode": []}
    assert call(client, sent).json == {"cards": []}


@pytest.mark.parametrize("service", SERVICES)
def test_opioid_cds(client: HookClient, service: str) -> None:
    """A patient named by reference, members of old versions and wrapped prefetch values change nothing."""
    request = hook_request(service)
    assert told(call(client, opioid_cds(request))) == told(call(client, request))
