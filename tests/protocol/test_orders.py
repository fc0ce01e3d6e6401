"""From orders to an answer: what is ours, what is refused, what comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.protocol.builders import (
    CPT,
    ICD_10_CM,
    PATIENT,
    SELECT,
    SERVICES,
    SIGN,
    HookClient,
    bundle,
    concept,
    hook_request,
    ibuprofen_order,
    lumbar_mri,
    make_app,
    prefetch,
)

UNRELATED: dict[str, dict[str, Any]] = {
    "a medication": ibuprofen_order(),
    "an X-ray of the lumbar spine": lumbar_mri(code=concept(CPT, "72100")),
    "an order without a study yet": lumbar_mri(code={"coding": [{}]}, reasonCode=[]),
    "an order without a code": lumbar_mri(code=None),
    "a code as text only": lumbar_mri(code={"text": "see note"}),
    "a code without its system": lumbar_mri(code={"coding": [{"code": "72148"}]}),
    "a code that is a string": lumbar_mri(code="72148"),
    "a revoked order": lumbar_mri(status="revoked"),
    "an order not to do it": lumbar_mri(doNotPerform=True),
}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("order", UNRELATED.values(), ids=UNRELATED.keys())
def test_unrelated_order_is_silent(client: HookClient, service: str, order: dict[str, Any]) -> None:
    """An order that is none of ours is answered with no cards and nothing else."""
    assert client.call(service, hook_request(service, order)).json == {"cards": []}


def test_unselected_order_is_silent(client: HookClient) -> None:
    """At order-select only the selected orders count, although the others are there."""
    request = hook_request(SELECT, lumbar_mri(), ibuprofen_order(), context={"selections": ["MedicationRequest/med-1"]})
    assert client.call(SELECT, request).cards == []


@pytest.mark.parametrize("service", SERVICES)
def test_unrelated_order_needs_no_prefetch(client: HookClient, service: str) -> None:
    """Required data are required for lumbar MRI orders only."""
    assert client.call(service, hook_request(service, ibuprofen_order(), prefetch=None)).cards == []


@pytest.mark.parametrize("value", [None, "<html>", 7, [], {}, {"resourceType": "Bundle", "entry": "x"}])
def test_unrelated_order_leaves_prefetch_untouched(
    client: HookClient, monkeypatch: pytest.MonkeyPatch, value: object
) -> None:
    """The chart is not read for an order that is none of ours, whatever prefetch holds."""

    def read_nothing(*_arguments: object) -> None:
        pytest.fail("patient data were read")

    for step in "hooks.data_access.sent_sources", "hooks.adviser.read_chart":
        monkeypatch.setattr(f"cds_service.{step}", read_nothing)
    request = hook_request(SIGN, ibuprofen_order(), prefetch={"patient": value, "conditions": value, "other": value})
    assert client.call(SIGN, request).cards == []


@pytest.mark.parametrize("service", SERVICES)
def test_lumbar_mri_gets_a_card(client: HookClient, service: str) -> None:
    """Ten days of low back pain are answered with a card, and the answer explains itself."""
    reply = client.call(service, hook_request(service))
    assert reply.cards
    assert [found["order"] for found in reply.assessments] == ["ServiceRequest/mri-1"]


def test_every_order_is_assessed_before_signing(client: HookClient) -> None:
    """At order-sign each lumbar MRI order counts, others beside it do not."""
    reply = client.call(SIGN, hook_request(SIGN, lumbar_mri(1), ibuprofen_order(), lumbar_mri(2)))
    assert [found["order"] for found in reply.assessments] == ["ServiceRequest/mri-1", "ServiceRequest/mri-2"]


def test_same_request_gets_the_same_answer(client: HookClient) -> None:
    """A retried call is answered identically, uuids included."""
    first, second = (client.call(SIGN, hook_request(SIGN)).text for _ in range(2))
    assert first == second


def test_undated_order_is_judged_as_of_today() -> None:
    """An order that states no day is judged by the clock that the application was given."""
    request = hook_request(SIGN, lumbar_mri(authoredOn=None))
    assert HookClient(make_app()).call(SIGN, request).assessments[0]["outcome"] == "NOT_APPROPRIATE"


def test_production_profile_does_not_explain() -> None:
    """In production the answer holds cards only."""
    reply = HookClient(make_app(profile="production")).call(SIGN, hook_request(SIGN))
    assert set(reply.json) == {"cards"}


@pytest.mark.parametrize(
    ("values", "missing"),
    [(None, ["patient", "conditions"]), ({}, ["patient", "conditions"]), ({"patient": None}, ["conditions"])],
)
def test_missing_required_data_are_412(client: HookClient, values: dict[str, Any] | None, missing: list[str]) -> None:
    """Without patient or conditions there is no advice, and the answer says which keys to send."""
    reply = client.call(SIGN, hook_request(SIGN, prefetch=values))
    assert (reply.status, reply.fields) == (412, [f"prefetch.{key}" for key in missing])
    text = reply.json["issue"][0]["details"]["text"]
    assert all(key in text for key in missing)
    assert "prefetch" in text


@pytest.mark.parametrize("nothing", [None, bundle()])
def test_no_data_is_not_missing_data(client: HookClient, nothing: object) -> None:
    """Null and an empty Bundle say that there are no conditions: an answer, not a 412."""
    assert client.call(SIGN, hook_request(SIGN, prefetch=prefetch(conditions=nothing))).status == 200


@pytest.mark.parametrize("subject", ["Patient/pat-2", "https://ehr.example/fhir/Patient/pat-2", "Group/pat-2"])
def test_order_for_another_patient_is_refused(client: HookClient, subject: str) -> None:
    """An order whose subject is not the patient in context stops everything."""
    order = lumbar_mri(2, subject={"reference": subject})
    reply = client.call(SIGN, hook_request(SIGN, lumbar_mri(), order))
    assert (reply.status, reply.codes) == (400, ["invariant"])
    assert "context.draftOrders.entry.resource.subject" in reply.fields
    assert "pat-2" not in reply.text


def test_token_for_another_patient_is_refused(client: HookClient) -> None:
    """An access token that is bound to another patient stops everything."""
    token = {"access_token": "t", "patient": "pat-2"}
    reply = client.call(SIGN, hook_request(SIGN, fhirServer="https://ehr.example.org", fhirAuthorization=token))
    assert (reply.status, reply.codes) == (400, ["invariant"])
    assert "fhirAuthorization.patient" in reply.fields


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": f"https://ehr.example.org/fhir/Patient/{PATIENT}"},
        {"reference": f"Patient/{PATIENT}/_history/3"},
        {"identifier": {"value": "x"}},
        None,
    ],
)
def test_subject_that_may_be_the_patient_is_accepted(client: HookClient, subject: dict[str, Any] | None) -> None:
    """A reference to the patient in another form, or one that cannot be told, is no other patient."""
    assert client.call(SIGN, hook_request(SIGN, lumbar_mri(subject=subject))).status == 200


def test_as_many_orders_as_allowed_are_assessed(client: HookClient) -> None:
    """Twenty lumbar MRI orders in one request are all assessed."""
    reply = client.call(SIGN, hook_request(SIGN, *(lumbar_mri(number) for number in range(20))))
    assert len(reply.assessments) == 20


def test_too_many_orders_are_refused(client: HookClient) -> None:
    """More are refused as a whole: an answer for the first ones would look like approval of the rest."""
    reply = client.call(SIGN, hook_request(SIGN, *(lumbar_mri(number) for number in range(21))))
    assert (reply.status, reply.fields) == (400, ["context.draftOrders"])
    assert "20" in reply.json["issue"][0]["details"]["text"]


@pytest.mark.parametrize(
    "digits", ["1.10", "0.00", "1E400", "1.0e5", "-0.50", "123456789012345678901234567890", "1e-7"]
)
def test_numbers_of_an_order_keep_their_digits(client: HookClient, digits: str) -> None:
    """An order that comes back in an update holds its numbers as they were sent."""
    cauda_equina = concept("http://hl7.org/fhir/sid/icd-10-cm", "G83.4")
    request = hook_request(SIGN, lumbar_mri(reasonCode=[cauda_equina], quantityQuantity={"value": 987654321}))
    body = json.dumps(request).replace("987654321", digits)
    reply = client.call(SIGN, data=body)
    updates = [
        action["resource"]
        for card in reply.cards
        for suggestion in card.get("suggestions", [])
        for action in suggestion["actions"]
        if action["type"] == "update"
    ]
    assert updates
    written = digits.upper().replace("E5", "E+5").replace("E400", "E+400")
    assert f'"quantityQuantity":{{"value":{written}}}' in reply.text


NAMED = {"coding": [{"system": "http://hospital.example/orders", "code": "7", "display": "MRI L-SPINE WO CONTRAST"}]}


@pytest.mark.parametrize("service", SERVICES)
def test_order_known_by_its_name_gets_a_card(client: HookClient, service: str) -> None:
    """An order with a site's own code is assessed by what it is called, and the answer says so."""
    (found,) = client.call(service, hook_request(service, lumbar_mri(code=NAMED))).assessments
    assert (found["outcome"], found["recognisedBy"]) == ("NOT_APPROPRIATE", "text")
    (coded,) = client.call(service, hook_request(service)).assessments
    assert "recognisedBy" not in coded


@pytest.mark.parametrize(
    "elements",
    [
        {"reasonReference": [{"reference": "Condition/x", "display": "Cauda equina syndrome"}]},
        {"contained": [{"resourceType": "Condition", "id": "c", "code": {"text": "Suspected cauda equina syndrome"}}]},
        {"patientInstruction": "Call us: you told us of numbness around the saddle."},
    ],
)
def test_words_that_come_with_an_order_ask(client: HookClient, elements: dict[str, Any]) -> None:
    """Words beside the reason keep an order from being called not appropriate, and fire nothing."""
    (found,) = client.call(SIGN, hook_request(SIGN, lumbar_mri(**elements))).assessments
    assert (found["outcome"], "C-INFO-NEED" in found["messages"]) == ("CANNOT_DETERMINE", True)


def test_long_id_stays_off_the_card(client: HookClient) -> None:
    """An id of 190 characters names the order in the actions, and nowhere that a person reads."""
    name = "eW" + "x" * 188
    reply = client.call(SIGN, hook_request(SIGN, lumbar_mri(id=name, reasonCode=[concept(ICD_10_CM, "G83.4")])))
    (card,) = reply.cards
    assert name not in card["summary"] + card["detail"]
    assert [action["resource"]["id"] for action in card["suggestions"][0]["actions"]] == [name]
