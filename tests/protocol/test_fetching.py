"""What prefetch did not bring is fetched over real connections, and judged like what is sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cds_service.demo.requests import load_demos
from tests.protocol.builders import (
    PATIENT,
    SIGN,
    back_pain_since,
    bundle,
    concept,
    hook_request,
    ibuprofen_order,
    prefetch,
)
from tests.protocol.fetching import (
    CAUDA_EQUINA,
    TOKEN,
    TYPES,
    Hospital,
    fetching_hospital,
    offering,
    without,
)
from tests.protocol.fhir_stub import chart_of, fhir_stub, reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.protocol.fhir_stub import FhirStub


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    """A service whose clients differ in how their server may be asked."""
    return fetching_hospital(tmp_path_factory.mktemp("fetching"))


@pytest.fixture
def ehr() -> Iterator[FhirStub]:
    """The server of a patient with ten days of low back pain."""
    with fhir_stub(prefetch()) as stub:
        yield stub


def test_everything_is_fetched(hospital: Hospital, ehr: FhirStub) -> None:
    """Without a prefetch every source is asked for once, and the answer is the one that a prefetch gets."""
    reply_ = hospital.call(offering(ehr))
    assert ehr.asked == TYPES
    assert set(hospital.sources.values()) == {"fetched:complete"}
    assert reply_.json == hospital.call(hook_request(SIGN)).json


def test_only_what_is_missing_is_fetched(hospital: Hospital, ehr: FhirStub) -> None:
    """What was sent is not asked for again, and neither is what the EHR says there is none of."""
    values = without("conditions", "devices", procedures=None)
    reply_ = hospital.call(offering(ehr, values))
    assert ehr.asked == ["Condition", "Device"]
    assert hospital.sources["conditions"] == "fetched:complete"
    assert hospital.sources["observations"] == hospital.sources["procedures"] == "prefetch:complete"
    assert reply_.cards == hospital.call(hook_request(SIGN)).cards


def test_nothing_is_fetched_when_all_was_sent(hospital: Hospital, ehr: FhirStub) -> None:
    """A whole prefetch is enough."""
    assert hospital.call(offering(ehr, prefetch())).cards
    assert ehr.http.received == []


@pytest.mark.parametrize("client", ["patient", "batch"])
@pytest.mark.parametrize("demo", [demo.name for demo in load_demos() if demo.outcome])
def test_fetched_data_are_judged_like_sent_ones(hospital: Hospital, demo: str, client: str) -> None:
    """Each demo gets the same cards by prefetch, by fetching one by one, and by one batch."""
    (body,) = [json.loads(found.body()) for found in load_demos() if found.name == demo]
    values = body.pop("prefetch")
    with fhir_stub(values) as stub:
        fetched = hospital.call(body | {"fhirServer": stub.base}, client)
        assert stub.asked[0] == ("" if client == "batch" else TYPES[0])
    assert fetched.json == hospital.call(body | {"prefetch": values}, client).json


def test_token_goes_to_the_server_and_the_callers_proof_does_not(hospital: Hospital, ehr: FhirStub) -> None:
    """Each request carries the access token of the call, and nothing of what the caller sent to us."""
    mine = {"Authorization": "Bearer proof.of.caller", "Cookie": "a=b", "X-Request-ID": "traced", "User-Agent": "ehr"}
    hospital.call(offering(ehr), **mine)
    assert len(ehr.http.received) == len(TYPES)
    for request in ehr.http.received:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert request.headers["accept"] == "application/fhir+json"
        told = " ".join(request.headers.values()) + request.path
        assert not [word for word in ("proof.of.caller", "a=b", "traced", "ehr.example") if word in told]


def test_open_server_is_asked_without_a_token(hospital: Hospital, ehr: FhirStub) -> None:
    """A server that needs no token gets none, and none of an earlier call."""
    request = offering(ehr)
    hospital.call(request)
    del request["fhirAuthorization"]
    assert hospital.call(request).cards
    assert [found.headers.get("authorization") for found in ehr.http.received[len(TYPES) :]] == [None] * len(TYPES)


def test_scopes_are_respected(hospital: Hospital, ehr: FhirStub) -> None:
    """A type that the token plainly does not cover is not asked for, and named as not provided."""
    reply_ = hospital.call(offering(ehr, scope="patient/Patient.r patient/Condition.read launch patient/Device.rs"))
    assert ehr.asked == ["Condition", "Device", "Patient"]
    assert hospital.sources["observations"] == "fetched:not-provided"
    assert reply_.assessments[0]["outcome"] == "CANNOT_DETERMINE"
    assert "observations" in reply_.cards[0]["detail"]


def test_all_pages_are_read(hospital: Hospital) -> None:
    """A red flag on the last page counts like one on the first."""
    conditions = bundle(
        *(back_pain_since("2026-05-23") | {"id": f"pain-{number}"} for number in range(4)), CAUDA_EQUINA
    )
    with fhir_stub(prefetch(conditions=conditions), page_size={"Condition": 2}) as stub:
        assert hospital.call(offering(stub)).assessments[0]["outcome"] == "EMERGENCY"
        assert stub.asked.count("Condition") == 3
        assert {request.headers["authorization"] for request in stub.http.received} == {f"Bearer {TOKEN}"}


def test_next_link_of_a_prefetch_is_followed(hospital: Hospital, ehr: FhirStub) -> None:
    """A prefetch that holds the first page only is completed from the server."""
    link = [{"relation": "next", "url": f"{ehr.base}/Condition?patient={PATIENT}&page=2"}]
    ehr.special = {"Condition": reply(bundle(CAUDA_EQUINA))}
    values = prefetch(conditions=bundle(back_pain_since("2026-05-23")) | {"link": link})
    assert hospital.call(offering(ehr, values)).assessments[0]["outcome"] == "EMERGENCY"
    assert [request.path for request in ehr.http.received] == [f"/fhir/Condition?patient={PATIENT}&page=2"]


def test_outcome_entries_are_no_failures(hospital: Hospital, ehr: FhirStub) -> None:
    """Some servers put remarks into a searchset; the data beside them count."""
    page = bundle(back_pain_since("2026-05-23"))
    remark = {"severity": "information", "code": "informational", "details": {"text": "filtered"}}
    outcome = {"resourceType": "OperationOutcome", "issue": [remark]}
    page["entry"].append({"resource": outcome, "search": {"mode": "outcome"}})
    ehr.special = {"Condition": reply(page)}
    assert hospital.call(offering(ehr)).cards == hospital.call(hook_request(SIGN)).cards


def test_order_that_is_not_ours_asks_for_nothing(hospital: Hospital, ehr: FhirStub) -> None:
    """No patient data are fetched for the nearly all calls that we have nothing to say about."""
    request = offering(ehr)
    request["context"]["draftOrders"] = bundle(ibuprofen_order(), kind="collection")
    assert hospital.call(request).json == {"cards": []}
    assert ehr.http.received == []


def test_modes_decide_whether_data_are_fetched(hospital: Hospital, ehr: FhirStub) -> None:
    """A silent client is assessed with all its data; one that is off is left alone."""
    assert hospital.call(offering(ehr), "off").json == {"cards": []}
    assert ehr.http.received == []
    assert hospital.call(offering(ehr), "silent").json == {"cards": []}
    assert ehr.asked == TYPES


def test_batch_is_one_request(hospital: Hospital, ehr: FhirStub) -> None:
    """Where the profile says so, one Bundle asks for everything; a server that takes none is asked one by one."""
    hospital.call(offering(ehr), "batch")
    assert [(request.method, request.path) for request in ehr.http.received] == [("POST", "/fhir")]
    ehr.fake.batches = False
    assert hospital.call(offering(ehr), "batch").cards
    assert ehr.asked == sorted(["", "", *TYPES])


def test_drug_is_looked_up(hospital: Hospital) -> None:
    """A prescription that only refers to its drug is read together with it."""
    drug = {"resourceType": "Medication", "id": "drug", "code": concept("http://snomed.info/sct", "1")}
    order = {
        "resourceType": "MedicationRequest",
        "id": "m-1",
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{PATIENT}"},
        "medicationReference": {"reference": "Medication/drug"},
    }
    with fhir_stub({**prefetch(medications=bundle(order)), "drug": drug}) as stub:
        assert hospital.call(offering(stub)).status == 200
        assert stub.asked == sorted([*TYPES, "Medication"])


def test_stub_holds_the_whole_chart() -> None:
    """The comparison above compares something: no resource of a demo is lost on the way into the server."""
    values = json.loads(load_demos()[0].body())["prefetch"]
    assert len(chart_of(values)) == 3
