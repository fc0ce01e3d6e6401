"""What a hook request must look like, and what is tolerated."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.protocol.builders import (
    ICD_10_CM,
    SELECT,
    SERVICES,
    SIGN,
    back_pain_since,
    bundle,
    concept,
    hook_request,
    ibuprofen_order,
    lumbar_mri,
    prefetch,
)

if TYPE_CHECKING:
    from tests.log_lines import LogLines
    from tests.protocol.builders import HookClient

TOKEN = {"access_token": "t", "token_type": "Bearer", "expires_in": 300, "scope": "user/*.read", "subject": "lumbar"}

NULL = object()  # a member that is null, where None would leave it out


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("member", ["hook", "hookInstance", "context"])
def test_missing_member_is_named(client: HookClient, service: str, member: str) -> None:
    """A request without a required member is refused, and the member named."""
    reply = client.call(service, hook_request(service, **{member: None}))
    assert (reply.status, reply.codes, reply.fields) == (400, ["required"], [member])


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("member", ["patientId", "draftOrders"])
def test_missing_context_member_is_named(client: HookClient, service: str, member: str) -> None:
    """A context without a required member is refused, and the member named by its path."""
    request = hook_request(service)
    del request["context"][member]
    reply = client.call(service, request)
    assert (reply.status, reply.codes, reply.fields) == (400, ["required"], [f"context.{member}"])


@pytest.mark.parametrize("named", ["not at all", None, [None], ["", None]])
def test_order_select_without_selections_is_about_all_drafts(client: HookClient, log: LogLines, named: Any) -> None:
    """Some clients do not say which orders were selected; every draft counts then, and the access line remarks it."""
    request = hook_request(SELECT, lumbar_mri(), lumbar_mri(2), context={"selections": None})
    if named != "not at all":
        request["context"]["selections"] = named
    reply = client.call(SELECT, request)
    assert (reply.status, len(reply.assessments)) == (200, 2)
    assert log.of(reply.headers["X-Request-ID"])["remarks"] == ["no-selections"]


def test_selection_is_found_among_what_names_nothing(client: HookClient) -> None:
    """A selection may stand among entries that are null or blank."""
    selections = [None, "ServiceRequest/mri-2", ""]
    request = hook_request(SELECT, lumbar_mri(), lumbar_mri(2), context={"selections": selections})
    (assessed,) = client.call(SELECT, request).assessments
    assert assessed["order"] == "ServiceRequest/mri-2"


def test_all_faults_are_named_at_once(client: HookClient) -> None:
    """Whoever connects an EHR mends a request once, not once for each fault."""
    broken = {"hook": "order-sign", "context": {"draftOrders": [], "encounterId": 7}, "prefetch": [], "fhirServer": 1}
    reply = client.call(SELECT, broken)
    expected = {
        "hook": "value",
        "hookInstance": "required",
        "context.patientId": "required",
        "context.draftOrders": "structure",
        "context.encounterId": "structure",
        "prefetch": "structure",
        "fhirServer": "structure",
    }
    assert (reply.status, dict(zip(reply.fields, reply.codes, strict=True))) == (400, expected)


def test_faults_without_end_are_not_all_named(client: HookClient) -> None:
    """A list of nonsense is answered with what somebody would read."""
    reply = client.call(SELECT, hook_request(SELECT, context={"selections": [7] * 5000}))
    assert (reply.status, len(reply.fields)) == (400, 20)


def test_order_sign_needs_no_selections(client: HookClient) -> None:
    """order-sign has no selections; a stray value there is ignored."""
    assert client.call(SIGN, hook_request(SIGN)).status == 200
    assert client.call(SIGN, hook_request(SIGN, context={"selections": "stray"})).status == 200


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"hook": ["order-select"]}, "hook"),
    ({"hook": "patient-view"}, "hook"),
    ({"hook": "order-sign"}, "hook"),
    ({"hookInstance": ""}, "hookInstance"),
    ({"hookInstance": 7}, "hookInstance"),
    ({"hookInstance": "x" * 201}, "hookInstance"),
    ({"context": "x"}, "context"),
    ({"context": {"draftOrders": []}}, "context.draftOrders"),
    ({"context": {"draftOrders": {"resourceType": "Patient"}}}, "context.draftOrders.resourceType"),
    ({"context": {"draftOrders": {"entry": []}}}, "context.draftOrders.resourceType"),
    ({"context": {"draftOrders": {"resourceType": "Bundle", "entry": {}}}}, "context.draftOrders.entry"),
    ({"context": {"patientId": 7}}, "context.patientId"),
    ({"context": {"patientId": " "}}, "context.patientId"),
    ({"context": {"userId": 7}}, "context.userId"),
    ({"context": {"encounterId": {}}}, "context.encounterId"),
    ({"context": {"selections": "ServiceRequest/mri-1"}}, "context.selections"),
    ({"context": {"selections": ["ServiceRequest/mri-1", 7]}}, "context.selections[1]"),
    ({"prefetch": []}, "prefetch"),
    ({"prefetch": "x"}, "prefetch"),
    ({"fhirServer": 7}, "fhirServer"),
    ({"fhirServer": "https://ehr.example.org", "fhirAuthorization": "t"}, "fhirAuthorization"),
    ({"fhirServer": "https://e", "fhirAuthorization": {"access_token": 7}}, "fhirAuthorization.access_token"),
    ({"fhirAuthorization": TOKEN}, "fhirServer"),
    ({"fhirAuthorization": TOKEN | {"patient": 7}, "fhirServer": "https://e"}, "fhirAuthorization.patient"),
]


@pytest.mark.parametrize(("members", "path"), WRONG, ids=[f"{path}-{number}" for number, (_, path) in enumerate(WRONG)])
def test_wrong_value_is_named(client: HookClient, members: dict[str, Any], path: str) -> None:
    """A value that breaks the contract is refused, its field named and nothing of it repeated."""
    request = hook_request(SELECT)
    context = members.get("context")
    if isinstance(context, dict):
        request["context"] |= context
    else:
        request |= members
    reply = client.call(SELECT, request)
    assert (reply.status, reply.fields) == (400, [path])
    assert "order-sign" not in reply.json["issue"][0]["details"]["text"]


def test_null_context_is_refused(client: HookClient) -> None:
    """A context of null is not a context."""
    request = hook_request(SELECT)
    request["context"] = None
    assert client.call(SELECT, request).fields == ["context"]


TOLERATED: dict[str, dict[str, Any]] = {
    "unknown members": {"futureField": {"x": [1]}, "user": "Practitioner/1"},
    "an extension of any form": {"extension": {"org.example": {"a": 1}}},
    "an extension that is a list": {"extension": [{"url": "x"}]},
    "an instance with a prefix": {"hookInstance": "urn:uuid:0c6fdc1a-6f0e-4f0e-9a44-2c8d7a9a1b01"},
    "an instance that is no UUID": {"hookInstance": "not-a-uuid"},
    "a user by bare id": {"context": {"userId": "prac-1"}},
    "an unknown context member": {"context": {"unknown": {"z": 1}}},
    "a token": {"fhirServer": "https://ehr.example.org/fhir", "fhirAuthorization": TOKEN},
    "a token of a few members": {"fhirServer": "https://e", "fhirAuthorization": {"access_token": "t"}},
    "a token for the patient": {"fhirServer": "https://e", "fhirAuthorization": TOKEN | {"patient": "pat-1"}},
    "a token that is empty": {"fhirServer": "https://e", "fhirAuthorization": TOKEN | {"access_token": ""}},
    "a token that is null": {"fhirServer": "https://e", "fhirAuthorization": TOKEN | {"access_token": None}},
    "an authorization without a token": {"fhirServer": "https://e", "fhirAuthorization": {}},
    "an empty token without a server": {"fhirAuthorization": TOKEN | {"access_token": " "}},
    "an empty server": {"fhirServer": ""},
    "an empty server beside a token": {"fhirServer": "", "fhirAuthorization": TOKEN},
    "a server of null beside a token": {"fhirServer": NULL, "fhirAuthorization": TOKEN},
    "an empty user": {"context": {"userId": ""}},
    "no user": {"context": {"userId": None}},
    "a patient by reference": {"context": {"patientId": "Patient/pat-1"}},
}


@pytest.mark.parametrize("members", TOLERATED.values(), ids=TOLERATED.keys())
def test_tolerated_form_gets_the_same_advice(client: HookClient, members: dict[str, Any]) -> None:
    """What real clients send beyond or beside the contract does not change the advice."""
    usual = client.call(SIGN, hook_request(SIGN))
    request = hook_request(SIGN, **members)
    request |= {name: None for name, value in members.items() if value is NULL}
    reply = client.call(SIGN, request)
    assert [card["summary"] for card in reply.cards] == [card["summary"] for card in usual.cards]


@pytest.mark.parametrize("member", ["fhirAuthorization", "fhirServer", "encounterId", "userId"])
def test_null_counts_as_left_out(client: HookClient, member: str) -> None:
    """Clients that write null for "none" are served."""
    request = hook_request(SIGN)
    (request["context"] if member in request["context"] or member == "encounterId" else request)[member] = None
    assert client.call(SIGN, request).status == 200


def test_null_prefetch_counts_as_none(client: HookClient) -> None:
    """A prefetch of null holds no keys, so required data are missing."""
    request = hook_request(SIGN)
    request["prefetch"] = None
    assert client.call(SIGN, request).status == 412


ODD_BUNDLES: dict[str, Any] = {
    "no entry": {"resourceType": "Bundle", "type": "collection"},
    "empty entry": {"resourceType": "Bundle", "entry": []},
    "null entry": {"resourceType": "Bundle", "entry": None},
    "entries of all kinds": {"resourceType": "Bundle", "entry": [{}, None, "x", 7, [], {"resource": None}]},
    "resources of all kinds": {
        "resourceType": "Bundle",
        "entry": [{"resource": "x"}, {"resource": []}, {"resource": {}}, {"resource": 7}],
    },
}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("orders", ODD_BUNDLES.values(), ids=ODD_BUNDLES.keys())
def test_bundle_without_readable_orders_is_silent(client: HookClient, service: str, orders: dict[str, Any]) -> None:
    """Bundles that hold no order that can be read have no lumbar MRI order in them."""
    reply = client.call(service, hook_request(service, context={"draftOrders": orders}))
    assert reply.cards == []


def test_bundle_without_type_is_read(client: HookClient) -> None:
    """Older clients leave the Bundle's type out."""
    orders = bundle(ibuprofen_order(), lumbar_mri())
    del orders["type"]
    assert client.call(SIGN, hook_request(SIGN, context={"draftOrders": orders})).cards != []


@pytest.mark.parametrize("place", ["order", "chart"])
def test_half_a_character_costs_one_character(client: HookClient, log: LogLines, place: str) -> None:
    """A note that was cut inside an emoji is read with U+FFFD in its place, and the access line remarks it."""
    note = [{"text": "pain MARK since May"}]
    order = lumbar_mri(note=note, reasonCode=[concept(ICD_10_CM, "G83.4")]) if place == "order" else lumbar_mri()
    pain = back_pain_since("2026-05-23") | ({"note": note} if place == "chart" else {})
    body = json.dumps(hook_request(SIGN, order, prefetch=prefetch(conditions=bundle(pain))))
    reply = client.call(SIGN, data=body.replace("MARK", "\\ud83d"))
    assert (reply.status, len(reply.assessments)) == (200, 1)
    assert log.of(reply.headers["X-Request-ID"])["remarks"] == ["lone-surrogate"]
    if place == "order":
        (action,) = reply.cards[0]["suggestions"][0]["actions"]
        assert action["resource"]["note"] == [{"text": "pain \ufffd since May"}]
