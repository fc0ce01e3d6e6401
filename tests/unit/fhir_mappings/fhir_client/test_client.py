"""What is asked of a FHIR server and what is not, and what each way to fail makes of a source."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.fhir.needs import CORE_SOURCES, DATA_NEEDS
from fhir_mappings.fhir.sources import SourceState
from fhir_mappings.fhir_client.retrieval import FetchLimits, FhirServer, Result
from fhir_mappings.fhir_client.transport import FhirRequest, FhirResponse, TransportError
from tests.unit.fhir_mappings.fhir_client.asking import KEYS, NOTHING, Asking, all_but
from tests.unit.fhir_mappings.fhir_client.server import BASE, FAILURE, TOKEN, FakeServer, answer, refusal
from tests.unit.fhir_mappings.records import FOOT_DROP, PAIN, PATIENT, bundle, condition, observation, patient, record

COMPLETE, PARTIAL = SourceState.COMPLETE, SourceState.PARTIAL
UNAVAILABLE, NOT_PROVIDED, NOT_OFFERED = SourceState.UNAVAILABLE, SourceState.NOT_PROVIDED, SourceState.NOT_OFFERED
OTHER = {"reference": "Patient/pat-2"}
ACHE = condition(PAIN)


def test_everything_is_fetched_where_nothing_was_sent(asking: Asking) -> None:
    """Without a prefetch each need is asked for once, with the token, and what is not on record is none."""
    server = FakeServer((patient(), ACHE))
    found = asking.retrieve(server)
    assert server.paths == sorted(need.query(PATIENT) for need in DATA_NEEDS)
    assert {request.token for request in server.requests} == {TOKEN}
    assert {request.method for request in server.requests} == {"GET"}
    assert {reading.state for reading in found.readings.values()} == {COMPLETE}
    assert found.results == dict.fromkeys(KEYS, "empty") | {"patient": "ok", "conditions": "ok"}
    assert found.missing_required == ()
    assert sorted(call.resource_type for call in found.calls) == sorted(need.resource_type for need in DATA_NEEDS)
    assert asking.chart(found).entries["lbp_nonspecific"]


def test_only_what_is_missing_is_fetched(asking: Asking) -> None:
    """`null`, an empty Bundle, data and a failed query are all answers; only a key that was not sent is asked for."""
    server = FakeServer((patient(), ACHE, observation(FOOT_DROP)))
    given = {"patient": patient(), "conditions": bundle(), "procedures": FAILURE, "medications": bundle(total=9)}
    found = asking.retrieve(server, all_but("observations", **given))
    assert server.paths == [f"Observation?patient={PATIENT}&_sort=-date&_count=500"]
    assert found.results == {"observations": "ok"}
    assert found.readings["procedures"].state is UNAVAILABLE
    assert found.readings["medications"].state is PARTIAL
    assert found.readings["conditions"].resources == ()


def test_nothing_is_asked_where_nothing_is_missing(asking: Asking) -> None:
    """A whole prefetch needs no server."""
    server = FakeServer()
    found = asking.retrieve(server, NOTHING)
    assert (server.requests, found.results, found.calls) == ([], {}, ())


@pytest.mark.parametrize(
    ("special", "result"),
    [
        (answer(FAILURE, 401), "unauthorized"),
        (answer(FAILURE, 400), "http-error"),
        (answer(FAILURE, 500), "http-error"),
        (answer(b"", 302), "http-error"),
        (answer(b"", 204), "unreadable"),
        (answer(FAILURE), "failed"),
        (answer(bundle(FAILURE)), "failed"),
        (answer(b"<html>not fhir</html>"), "unreadable"),
        (answer(b"null"), "unreadable"),
        (answer([]), "unreadable"),
        (answer({}), "unreadable"),
        (answer({"resource": ACHE, "response": {"status": "200"}}), "unreadable"),
        (answer({"resourceType": "CapabilityStatement"}), "unreadable"),
        (answer(b'{"resourceType": "Bundle", "entry": ['), "unreadable"),
        (answer(b'{"resourceType": "Bundle", "id": "\xff"}'), "unreadable"),
        (answer(b'{"resourceType": "Bundle", "entry": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "unreadable"),
        (TransportError("timeout"), "timeout"),
        (TransportError("refused"), "refused"),
        (TransportError("too-large"), "too-large"),
        (TransportError("open"), "open"),
        (TransportError("a word of another day"), "connection"),
    ],
)
@pytest.mark.parametrize("key", ["patient", "conditions", "observations"])
def test_what_cannot_be_read_is_unavailable(
    asking: Asking, key: str, special: FhirResponse | TransportError, result: str
) -> None:
    """Whatever goes wrong with a call, its source is unavailable, never "none", and a required one is missing."""
    need = next(need for need in DATA_NEEDS if need.key == key)
    server = FakeServer((patient(), ACHE), special={need.resource_type: [special, special]})
    found = asking.retrieve(server, all_but(key))
    assert found.readings[key].state is UNAVAILABLE
    assert found.readings[key].resources == ()
    assert found.results == {key: result}
    assert found.missing_required == ((key,) if need.required else ())


@pytest.mark.parametrize(
    ("special", "result"),
    [
        (answer(FAILURE, 403), "forbidden"),
        (answer(FAILURE, 404), "not-found"),
        (answer(FAILURE, 410), "not-found"),
        (answer(FAILURE, 501), "not-supported"),
        (answer(refusal("not-supported"), 400), "not-supported"),
    ],
)
@pytest.mark.parametrize("key", ["patient", "conditions", "devices"])
def test_what_is_not_offered_is_not_provided(asking: Asking, key: str, special: FhirResponse, result: str) -> None:
    """A server that does not offer a type has not failed; one whose token names the type as granted has."""
    need = next(need for need in DATA_NEEDS if need.key == key)
    lacking = NOT_PROVIDED if need.resource_type in CORE_SOURCES or need.required else NOT_OFFERED
    for scope, state in ((None, lacking), ("launch", lacking), ("user/*.read", UNAVAILABLE)):
        server = FakeServer((patient(), ACHE), special={need.resource_type: [special] * 9})
        found = asking.retrieve(server, all_but(key), scope=scope)
        assert (found.readings[key].state, found.results) == (state, {key: result})
        assert found.missing_required == ((key,) if need.required else ())


def test_byte_order_mark_is_tolerated(asking: Asking) -> None:
    """Some servers write one."""
    server = FakeServer(special={"Condition": [answer(b'\xef\xbb\xbf{"resourceType": "Bundle"}')]})
    assert asking.retrieve(server, all_but("conditions")).results == {"conditions": "empty"}


@pytest.mark.parametrize("special", [bundle(ACHE, FAILURE), bundle(ACHE, total=7), {**bundle(ACHE), "entry": [7]}])
def test_an_answer_with_a_gap_is_partial(asking: Asking, special: Any) -> None:
    """An error beside matches, fewer matches than announced or a broken entry leave the source incomplete."""
    found = asking.retrieve(FakeServer(special={"Condition": [answer(special)]}), all_but("conditions"))
    assert found.readings["conditions"].state is PARTIAL
    assert found.results == {"conditions": "partial"}


def test_another_patient_is_not_the_patient(asking: Asking) -> None:
    """A server that answers a read with somebody else has not shown the patient."""
    server = FakeServer(special={"Patient": [answer(patient() | {"id": "pat-2"})]})
    chart = asking.chart(asking.retrieve(server, all_but("patient")))
    assert (chart.patient, chart.state("Patient"), chart.foreign) == (None, UNAVAILABLE, ("Patient",))


def test_records_of_others_are_not_used(asking: Asking) -> None:
    """A server that ignores the search parameters shows the patient's own records, whole once all is read."""
    others = [condition(FOOT_DROP, resource_id=f"other-{number}", subject=OTHER) for number in range(4)]
    server = FakeServer((patient(), *others, ACHE), ignores=True, page_size={"Condition": 2})
    chart = asking.chart(asking.retrieve(server))
    assert set(chart.entries) & {"motor_deficit", "lbp_nonspecific"} == {"lbp_nonspecific"}
    assert chart.foreign == ("Condition",)
    assert chart.state("Condition") is COMPLETE


def test_records_of_others_only_are_not_none(asking: Asking) -> None:
    """A server that shows nothing but others' records, in part or whole, has not said that the patient has none."""
    others = [condition(FOOT_DROP, resource_id=f"other-{number}", subject=OTHER) for number in range(4)]
    for pages in (1, 10):
        server = FakeServer((patient(), *others), ignores=True, page_size={"Condition": 2})
        chart = asking.chart(asking.retrieve(server, pages=pages))
        assert chart.state("Condition") is PARTIAL


@pytest.mark.parametrize("patient_id", ["../../admin?x=", "PID&_revinclude=*", "..", ".", "", "a/b", "x" * 300])
def test_an_id_that_is_no_id_is_not_sent(asking: Asking, patient_id: str) -> None:
    """Nothing is asked about a patient whose id would change the address; everything is unavailable."""
    server = FakeServer()
    paged = bundle(ACHE, link=[{"relation": "next", "url": f"{BASE}/Condition?page=2"}])
    drug = record("MedicationRequest", "m", medicationReference={"reference": "Medication/x"})
    sent = {"conditions": paged, "medications": bundle(drug)}
    found = asking.retrieve(server, sent, patient_id=patient_id, references=["Condition/c"])
    assert (server.requests, found.calls) == ([], ())
    assert set(found.results.values()) == {Result.UNUSABLE_ID}
    states = {key: reading.state for key, reading in found.readings.items()}
    assert states == dict.fromkeys(KEYS, UNAVAILABLE) | {"conditions": PARTIAL, "medications": COMPLETE}
    assert found.missing_required == ("patient",)


def test_types_out_of_scope_are_not_asked_for(asking: Asking) -> None:
    """A type that the token does not cover is not offered, without a call; one that it covers in part is partial."""
    scope = "launch patient/Patient.r user/Condition.rs?category=problem-list-item patient/Observation.read"
    server = FakeServer((patient(), ACHE))
    found = asking.retrieve(server, scope=scope)
    assert [path.split("?", maxsplit=1)[0] for path in server.paths] == [
        "Condition",
        "Observation",
        f"Patient/{PATIENT}",
    ]
    expected = {"patient": "ok", "conditions": "partial", "observations": "empty"}
    assert found.results == dict.fromkeys(KEYS, "not-in-scope") | expected
    assert found.readings["conditions"].state is PARTIAL
    assert found.readings["procedures"].state is NOT_PROVIDED
    assert found.missing_required == ()


@pytest.mark.parametrize(
    ("scope", "asked"),
    [("user/Patient.write", False), ("", True), ("launch openid", True), (None, True), ("patient/*.read", True)],
)
def test_scopes_that_cover_nothing(asking: Asking, scope: str | None, asked: bool) -> None:
    """Scopes that plainly cover no type leave nothing to ask; where none can be read, the server decides."""
    server = FakeServer((patient(),))
    found = asking.retrieve(server, scope=scope)
    assert bool(server.requests) is asked
    assert found.missing_required == (() if asked else ("patient", "conditions"))


@pytest.mark.parametrize("base", [BASE, f"{BASE}/"])
def test_base_with_and_without_a_slash(asking: Asking, base: str) -> None:
    """The base may end with a slash, and no address then has two."""
    server = FakeServer((patient(),))
    asking.retrieve(server, base=base)
    assert not any("//" in path or path.startswith("/") for path in server.paths)


def test_a_fault_of_our_own_is_not_taken_for_no_answer(asking: Asking) -> None:
    """What no transport should raise comes out as it is: a crash is an error, not an empty chart."""
    server = FakeServer(special={"Condition": [KeyError("a defect")]})
    with pytest.raises(KeyError, match="a defect"):
        asking.retrieve(server)


def test_nothing_secret_is_shown() -> None:
    """The reprs that may end in a log hold neither address nor token."""
    shown = repr(FhirServer(BASE, FakeServer(), FetchLimits(1.0), TOKEN)) + repr(FhirRequest(BASE, token=TOKEN))
    assert TOKEN not in shown
    assert "ehr.example" not in shown


@pytest.mark.parametrize(
    ("special", "scope", "state"),
    [
        (answer(FAILURE, 404), None, "not-offered"),
        (answer(b'{"resourceType":"OperationOutcome","issue":[{"code":"not-supported"}]}', 400), None, "not-offered"),
        (answer(FAILURE, 403), None, "not-offered"),
        (answer(FAILURE, 403), "patient/*.rs", "unavailable"),
        (answer(FAILURE, 401), None, "unavailable"),
        (answer(FAILURE, 500), None, "unavailable"),
    ],
)
def test_a_search_shows_what_a_server_does_not_have(
    asking: Asking, special: object, scope: str | None, state: str
) -> None:
    """What was not sent and is not to be had counts as not offered, never where the search merely failed."""
    kinds = ("MedicationStatement", "Encounter")
    server = FakeServer((patient(), ACHE), special={kind: [special] * 9 for kind in kinds})
    found = asking.retrieve(server, scope=scope)
    assert found.readings["medicationStatements"].state == state
    assert found.readings["encounters"].state == ("not-provided" if state == "not-offered" else "unavailable")


def test_core_source_is_asked_for_though_not_listed(asking: Asking) -> None:
    """A profile that leaves out what every answer rests on is asked for it: found, it counts; absent, it is missed."""
    listed = ("Patient", "Condition", "Appointment")
    server = FakeServer((patient(), ACHE))
    assert asking.retrieve(server, offered=listed).readings["encounters"].state is COMPLETE
    assert server.count("Device") == 0
    lacking = FakeServer(special={name: [answer(FAILURE, 404)] for name in ("Encounter?", "Appointment?")})
    states = {key: reading.state for key, reading in asking.retrieve(lacking, offered=listed).readings.items()}
    assert (states["encounters"], states["appointments"]) == (NOT_PROVIDED, UNAVAILABLE)
