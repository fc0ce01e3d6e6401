"""What prefetch did not bring is fetched, over real connections and within one deadline."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from cds_service.demos import load_demos
from cds_service.egress.breaker import Breakers
from fhir_mappings.needs import DATA_NEEDS
from tests.ehr import clients_file
from tests.fhir_stub import chart_of, fhir_stub, reply
from tests.loopback_server import serving
from tests.protocol.builders import (
    HOOKS,
    ICD_10_CM,
    PATIENT,
    SIGN,
    HookClient,
    ListRecorder,
    Reply,
    back_pain_since,
    bundle,
    concept,
    hook_request,
    ibuprofen_order,
    make_app,
    prefetch,
)
from tests.unit.cds_service.test_metrics import value
from tests.unit.fhir_mappings.fhir_client.server import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.fhir_stub import FhirStub
    from tests.log_lines import LogLines

DEADLINE: Final = 0.4
SLACK: Final = 0.6  # for a machine that is busy with other tests
TYPES: Final = sorted(need.resource_type for need in DATA_NEEDS)
SERVICES_BY_HOOK: Final = {hook: service for service, hook in HOOKS.items()}
TOKEN: Final = "token-of-the-call"
OUTAGE: Final = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
CAUDA_EQUINA: Final = back_pain_since("2026-06-01") | {"id": "ces", "code": concept(ICD_10_CM, "G83.4")}


class Hospital:
    """A service with clients that differ in how their FHIR server may be asked; told apart by their origin."""

    def __init__(self, file: Any) -> None:
        """Start it."""
        self.records = ListRecorder()
        self.client = HookClient(make_app(recorder=self.records, clients_file=file, data_dir=file.parent / "data"))

    def call(self, request: Mapping[str, Any], client: str = "patient", **headers: str) -> Reply:
        """Call as a client."""
        sent = {"Origin": f"https://{client}.example", **headers}
        return self.client.call(SERVICES_BY_HOOK[request["hook"]], request, headers=sent)

    @property
    def sources(self) -> Mapping[str, str]:
        """How the data of the last call were had."""
        return self.records.kept[-1].sources


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    """A service whose clients ask any server of this machine, patiently or not, or only one that is not there."""
    quick = {"deadline_ms": int(DEADLINE * 1000), "connect_ms": 200, "read_ms": 350, "retries": 0}
    clients: dict[str, Any] = {
        "patient": {"extends": "development"},
        "quick": {"extends": "development", "fhir": quick},
        "batch": {"extends": "development", "fhir": {"batch": True}},
        "paged": {"extends": "development", "fhir": {"pages": 2}},
        "silent": {"extends": "development", "mode": "silent"},
        "off": {"extends": "development", "mode": "off"},
        "listed": {
            "extends": "development",
            "fhir": {"bases": ["http://127.0.0.1:9/fhir"], "any_loopback": False},
        },
    }
    for name, profile in clients.items():
        profile["origins"] = [f"https://{name}.example"]
    return Hospital(clients_file(tmp_path_factory.mktemp("fetching"), clients))


@pytest.fixture
def ehr() -> Iterator[FhirStub]:
    """The server of a patient with ten days of low back pain."""
    with fhir_stub(prefetch()) as stub:
        yield stub


def offering(stub: FhirStub, values: Mapping[str, Any] | None = None, **authorization: Any) -> dict[str, Any]:
    """Return a request that names a server and a token for it, and sends no prefetch unless given."""
    given = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 300, "subject": "cds", **authorization}
    given = {name: value for name, value in given.items() if value is not None}
    sent = {"fhirServer": stub.base, "fhirAuthorization": given}
    return hook_request(SIGN, prefetch=None if values is None else dict(values), **sent)


def without(*keys: str, **values: Any) -> dict[str, Any]:
    """Return a prefetch that lacks some keys."""
    return {key: value for key, value in prefetch(**values).items() if key not in keys}


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


def test_failed_prefetch_is_not_repeated(hospital: Hospital, ehr: FhirStub) -> None:
    """The EHR has tried already where it sends an OperationOutcome; the source counts as unavailable."""
    reply_ = hospital.call(offering(ehr, prefetch(observations=OUTAGE)))
    assert ehr.http.received == []
    assert hospital.sources["observations"] == "prefetch:unavailable"
    assert reply_.assessments[0]["outcome"] == "CANNOT_DETERMINE"


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
    """A type that the token does not cover is not asked for, and counts as unavailable."""
    reply_ = hospital.call(offering(ehr, scope="patient/Patient.r patient/Condition.read launch patient/Device.rs"))
    assert ehr.asked == ["Condition", "Device", "Patient"]
    assert hospital.sources["observations"] == "fetched:unavailable"
    assert reply_.assessments[0]["outcome"] == "CANNOT_DETERMINE"


def test_missing_scope_for_required_data_is_412(hospital: Hospital, ehr: FhirStub) -> None:
    """Without the right to read conditions there is no advice, and the answer says which data are missing."""
    refused = hospital.call(offering(ehr, scope="patient/Patient.rs"))
    assert (refused.status, refused.fields) == (412, ["prefetch.conditions"])
    assert "conditions" in refused.json["issue"][0]["details"]["text"]


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


def test_all_pages_are_read(hospital: Hospital) -> None:
    """A red flag on the last page counts like one on the first."""
    conditions = bundle(
        *(back_pain_since("2026-05-23") | {"id": f"pain-{number}"} for number in range(4)), CAUDA_EQUINA
    )
    with fhir_stub(prefetch(conditions=conditions), page_size={"Condition": 2}) as stub:
        assert hospital.call(offering(stub)).assessments[0]["outcome"] == "EMERGENCY"
        assert stub.asked.count("Condition") == 3
        assert {request.headers["authorization"] for request in stub.http.received} == {f"Bearer {TOKEN}"}


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


def test_next_link_of_a_prefetch_is_followed(hospital: Hospital, ehr: FhirStub) -> None:
    """A prefetch that holds the first page only is completed from the server."""
    link = [{"relation": "next", "url": f"{ehr.base}/Condition?patient={PATIENT}&page=2"}]
    ehr.special = {"Condition": reply(bundle(CAUDA_EQUINA))}
    values = prefetch(conditions=bundle(back_pain_since("2026-05-23")) | {"link": link})
    assert hospital.call(offering(ehr, values)).assessments[0]["outcome"] == "EMERGENCY"
    assert [request.path for request in ehr.http.received] == [f"/fhir/Condition?patient={PATIENT}&page=2"]


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
    [reply(OUTAGE), reply("<html>sign in</html>"), reply(OUTAGE, 403), reply(OUTAGE, 500), reply("[]"), reply("")],
    ids=["outcome", "html", "forbidden", "error", "list", "nothing"],
)
def test_source_that_fails_is_unavailable(hospital: Hospital, ehr: FhirStub, answer: Any) -> None:
    """Whatever comes instead of data is not taken for "none"."""
    ehr.special = {"Observation": answer}
    reply_ = hospital.call(offering(ehr))
    assert hospital.sources["observations"] == "fetched:unavailable"
    assert reply_.assessments[0]["outcome"] == "CANNOT_DETERMINE"


def test_outcome_entries_are_no_failures(hospital: Hospital, ehr: FhirStub) -> None:
    """Some servers put remarks into a searchset; the data beside them count."""
    page = bundle(back_pain_since("2026-05-23"))
    remark = {"severity": "information", "code": "informational", "details": {"text": "filtered"}}
    outcome = {"resourceType": "OperationOutcome", "issue": [remark]}
    page["entry"].append({"resource": outcome, "search": {"mode": "outcome"}})
    ehr.special = {"Condition": reply(page)}
    assert hospital.call(offering(ehr)).cards == hospital.call(hook_request(SIGN)).cards


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


def test_what_was_fetched_is_counted(hospital: Hospital, ehr: FhirStub) -> None:
    """Operators see how FHIR servers answer, and how each source was had."""
    ehr.special = {"Observation": reply(OUTAGE, 403)}
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
    """After many failures in a row a server is not asked for a while; then one call tries it, and all may again."""
    clock = FakeClock()
    monkeypatch.setattr("cds_service.engine.Breakers", partial(Breakers, seconds=10.0, clock=clock))
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
        clock.now += 11
        hospital.call(offering(stub))
        assert hospital.call(offering(stub)).cards
        assert hospital.client.open("/readyz").json["circuits"] == {"closed": 1}


def test_stub_holds_the_whole_chart() -> None:
    """The comparison above compares something: no resource of a demo is lost on the way into the server."""
    values = json.loads(load_demos()[0].body())["prefetch"]
    assert len(chart_of(values)) == 3
