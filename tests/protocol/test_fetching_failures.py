"""Servers that fail, hang, lead away or may not be asked: an answer in time, and nothing taken for "none"."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from cds_service.egress.breaker import Breakers
from tests.ehr import clients_file
from tests.loopback_server import serving
from tests.protocol.builders import (
    PATIENT,
    SIGN,
    back_pain_since,
    bundle,
    concept,
    hook_request,
    prefetch,
)
from tests.protocol.fetching import (
    CAUDA_EQUINA,
    DEADLINE,
    OUTAGE,
    SLACK,
    TYPES,
    Hospital,
    fetching_hospital,
    offering,
    without,
)
from tests.protocol.fhir_stub import fhir_stub, reply
from tests.unit.cds_service.observability.test_metrics import value
from tests.unit.fhir_mappings.fhir_client.server import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.log_lines import LogLines
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


@pytest.mark.parametrize("special", [["Observation"], ["Observation", "Procedure", "MedicationRequest"]])
def test_slow_source_does_not_delay_the_answer(hospital: Hospital, ehr: FhirStub, special: list[str]) -> None:
    """What has come by the deadline is used; the card names what has not, and does not take it for absent."""
    ehr.special = dict.fromkeys(special, ehr.hang)
    began = time.monotonic()
    reply_ = hospital.call(offering(ehr), "quick")
    assert time.monotonic() - began < DEADLINE + SLACK
    assert hospital.sources["observations"] == "fetched:unavailable"
    assert hospital.sources["conditions"] == "fetched:complete"
    (found,) = reply_.assessments
    assert found["outcome"] == "CANNOT_DETERMINE"
    assert "observations" in reply_.cards[0]["detail"].lower()


def test_hanging_server_is_412_in_time(hospital: Hospital, ehr: FhirStub, log: LogLines) -> None:
    """A server that never answers costs the deadline and no more; all required data are named."""
    ehr.special = {"*": ehr.hang}
    began = time.monotonic()
    refused = hospital.call(offering(ehr), "quick")
    assert time.monotonic() - began < DEADLINE + SLACK
    assert (refused.status, refused.fields) == (412, ["prefetch.patient", "prefetch.conditions"])
    assert set(log.of(refused.headers["X-Request-ID"])["fhir_calls"]) == {"timeout"}


def test_trickling_server_is_412_in_time(hospital: Hospital) -> None:
    """Bytes that come one by one do not stretch the deadline."""

    def trickle(write: Any, stopping: Any) -> None:
        write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not stopping.wait(0.05):
            write(b" ")

    with serving(raw=trickle) as server:
        request = hook_request(SIGN, prefetch=None, fhirServer=f"http://127.0.0.1:{server.port}/fhir")
        began = time.monotonic()
        assert hospital.call(request, "quick").status == 412
        assert time.monotonic() - began < DEADLINE + SLACK


def test_pages_beyond_the_limit_leave_a_source_incomplete(hospital: Hospital) -> None:
    """After the agreed number of pages nothing more is read, and the source is not taken for whole."""
    observed = [
        {
            "resourceType": "Observation",
            "id": f"o-{number}",
            "status": "final",
            "code": concept("http://loinc.org", "8302-2"),
            "subject": {"reference": f"Patient/{PATIENT}"},
        }
        for number in range(6)
    ]
    with fhir_stub(prefetch(observations=bundle(*observed)), page_size={"Observation": 2}) as stub:
        reply_ = hospital.call(offering(stub), "paged")
        assert stub.asked.count("Observation") == 2
    assert hospital.sources["observations"] == "fetched:partial"
    assert reply_.assessments[0]["outcome"] == "CANNOT_DETERMINE"


@pytest.mark.parametrize("sent", [True, False])
def test_link_elsewhere_is_not_followed(hospital: Hospital, ehr: FhirStub, sent: bool) -> None:
    """A next link to another server gets no request and no token, whether we or the EHR received it."""
    with serving() as other:
        page = bundle() | {"link": [{"relation": "next", "url": f"http://127.0.0.1:{other.port}/fhir/Observation?p=2"}]}
        ehr.special = {"Observation": reply(page)}
        values = prefetch(observations=page) if sent else without("observations")
        reply_ = hospital.call(offering(ehr, values))
        assert other.received == []
    assert hospital.sources["observations"].endswith(":partial")
    assert reply_.assessments[0]["outcome"] == "CANNOT_DETERMINE"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_is_not_followed(hospital: Hospital, ehr: FhirStub, status: int) -> None:
    """A server cannot send us, or the token, to another place."""
    with serving() as other:
        target = f"http://127.0.0.1:{other.port}/fhir/Condition"
        ehr.special = {"Condition": reply("", status, Location=target)}
        refused = hospital.call(offering(ehr))
        assert other.received == []
    assert (refused.status, refused.fields) == (412, ["prefetch.conditions"])


def test_server_that_is_not_listed_is_not_asked(hospital: Hospital, ehr: FhirStub) -> None:
    """Nothing goes to a server that the client's profile does not name; what was sent is enough where it is all."""
    refused = hospital.call(offering(ehr), "listed")
    assert (refused.status, refused.fields) == (412, ["prefetch.patient", "prefetch.conditions"])
    assert hospital.call(offering(ehr, prefetch()), "listed").cards
    partly = hospital.call(offering(ehr, without("observations")), "listed")
    assert partly.assessments[0]["outcome"] == "CANNOT_DETERMINE"
    assert ehr.http.received == []


@pytest.mark.parametrize("token_type", ["MAC", "DPoP", "Basic"])
def test_token_of_another_type_is_not_used(hospital: Hospital, ehr: FhirStub, token_type: str) -> None:
    """The hooks know bearer tokens only; another one is sent nowhere."""
    assert hospital.call(offering(ehr, token_type=token_type)).status == 412
    assert ehr.http.received == []
    assert hospital.call(offering(ehr, token_type="bearer")).cards


def test_token_without_a_server_is_refused(hospital: Hospital, ehr: FhirStub) -> None:
    """A token that comes without the address that it is for is a mistake of the client."""
    request = offering(ehr, prefetch())
    del request["fhirServer"]
    refused = hospital.call(request)
    assert (refused.status, refused.fields) == (400, ["fhirServer"])


def test_expired_token_is_412(hospital: Hospital, ehr: FhirStub, log: LogLines) -> None:
    """A server that refuses the token is not asked again with it, and the client hears what is missing."""
    ehr.special = {"*": reply(OUTAGE, 401)}
    refused = hospital.call(offering(ehr))
    assert (refused.status, refused.fields) == (412, ["prefetch.patient", "prefetch.conditions"])
    assert ehr.asked == TYPES
    assert log.of(refused.headers["X-Request-ID"])["fhir_calls"] == {"unauthorized": len(TYPES)}


@pytest.mark.parametrize(
    "answer",
    [reply(OUTAGE), reply("<html>sign in</html>"), reply(OUTAGE, 401), reply(OUTAGE, 500), reply("[]"), reply("")],
    ids=["outcome", "html", "unauthorized", "error", "list", "nothing"],
)
def test_source_that_fails_is_unavailable(hospital: Hospital, ehr: FhirStub, answer: Any) -> None:
    """Whatever comes instead of data is not taken for "none"."""
    ehr.special = {"Observation": answer}
    reply_ = hospital.call(offering(ehr))
    assert hospital.sources["observations"] == "fetched:unavailable"
    assert reply_.assessments[0]["outcome"] == "CANNOT_DETERMINE"


@pytest.mark.parametrize("status", [403, 404])
def test_source_that_is_not_offered_is_named(hospital: Hospital, ehr: FhirStub, status: int) -> None:
    """A type that the server does not offer is no failure of it, and still not taken for "none"."""
    ehr.special = {"Observation": reply(OUTAGE, status)}
    reply_ = hospital.call(offering(ehr))
    assert hospital.sources["observations"] == "fetched:not-provided"
    assert reply_.assessments[0]["outcome"] == "CANNOT_DETERMINE"
    ehr.special = {"Observation": reply(OUTAGE, status)}
    hospital.call(offering(ehr, scope="user/*.read"))
    assert hospital.sources["observations"] == "fetched:unavailable"


def test_data_of_another_patient_are_not_used(hospital: Hospital) -> None:
    """A server that ignores search parameters returns other patients' data, which are left out."""
    other = CAUDA_EQUINA | {"subject": {"reference": "Patient/pat-2"}}
    values = prefetch(conditions=bundle(back_pain_since("2026-05-23"), other))
    with fhir_stub(values, ignores=True) as stub:
        fetched = hospital.call(offering(stub))
    assert "EMERGENCY" not in fetched.text
    assert fetched.json == hospital.call(hook_request(SIGN, prefetch=values)).json


def test_patient_of_the_token_must_be_the_one_in_context(hospital: Hospital, ehr: FhirStub) -> None:
    """A token for another patient is a mix-up, found before anything is asked."""
    assert hospital.call(offering(ehr, patient="pat-2")).status == 400
    assert ehr.http.received == []


@pytest.mark.parametrize("identity", ["../Practitioner", "pat-1?_format=xml", "a/b", "%2e%2e", "x" * 300])
def test_patient_id_cannot_change_the_address(hospital: Hospital, ehr: FhirStub, identity: str) -> None:
    """What stands in place of an id and could be more than that is not put into an address."""
    request = offering(ehr)
    request["context"]["patientId"] = identity
    del request["context"]["draftOrders"]["entry"][0]["resource"]["subject"]
    assert hospital.call(request).status == 412
    assert ehr.http.received == []


def test_what_was_fetched_is_counted(hospital: Hospital, ehr: FhirStub) -> None:
    """Operators see how FHIR servers answer, and how each source was had."""
    ehr.special = {"Observation": reply(OUTAGE, 401)}
    before = [
        value(hospital.client, "fhir_calls_total", client="patient", result="unauthorized"),
        value(hospital.client, "sources_total", source="observations", state="fetched:unavailable"),
    ]
    hospital.call(offering(ehr))
    after = [
        value(hospital.client, "fhir_calls_total", client="patient", result="unauthorized"),
        value(hospital.client, "sources_total", source="observations", state="fetched:unavailable"),
    ]
    assert after == [number + 1 for number in before]


def test_server_that_keeps_failing_is_given_a_rest(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """After calls that failed a server is not asked for a moment; the call that finds it well again is complete."""
    clock = FakeClock()
    monkeypatch.setattr("cds_service.hooks.engine.Breakers", partial(Breakers, clock=clock))
    profile = {"extends": "development", "origins": ["https://patient.example"], "fhir": {"retries": 0}}
    hospital = Hospital(clients_file(tmp_path, {"patient": profile}))
    with fhir_stub(prefetch(), {"*": reply(OUTAGE, 500)}) as stub, fhir_stub(prefetch()) as well:
        for _ in range(2):
            assert hospital.call(offering(stub)).status == 412
        asked = len(stub.http.received)
        assert asked == 2 * len(TYPES)
        assert hospital.call(offering(stub)).status == 412
        assert len(stub.http.received) == asked
        assert hospital.client.open("/readyz").json["circuits"] == {"open": 1}
        assert value(hospital.client, "circuits", client="patient", state="open") == 1
        assert value(hospital.client, "fhir_calls_total", client="patient", result="open") == len(TYPES)
        assert hospital.call(offering(stub, prefetch())).cards
        assert hospital.call(offering(well)).cards
        stub.special = {}
        clock.now += 1
        recovered = hospital.call(offering(stub))
        assert set(hospital.sources.values()) == {"fetched:complete"}
        assert recovered.json == hospital.call(hook_request(SIGN)).json
        assert hospital.client.open("/readyz").json["circuits"] == {"closed": 1}


def test_missing_scope_for_required_data_is_412(hospital: Hospital, ehr: FhirStub) -> None:
    """Without the right to read conditions there is no advice, and the answer says which data are missing."""
    refused = hospital.call(offering(ehr, scope="patient/Patient.rs"))
    assert (refused.status, refused.fields) == (412, ["prefetch.conditions"])
    assert "conditions" in refused.json["issue"][0]["details"]["text"]


def test_failed_prefetch_is_not_repeated(hospital: Hospital, ehr: FhirStub) -> None:
    """The EHR has tried already where it sends an OperationOutcome; the source counts as unavailable."""
    reply_ = hospital.call(offering(ehr, prefetch(observations=OUTAGE)))
    assert ehr.http.received == []
    assert hospital.sources["observations"] == "prefetch:unavailable"
    assert reply_.assessments[0]["outcome"] == "CANNOT_DETERMINE"
