"""Everything in one call, where a server takes it, and without it where it does not."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir.sources import SourceState
from fhir_mappings.fhir_client.transport import FhirResponse, TransportError
from tests.unit.fhir_mappings.fhir_client.asking import KEYS, NOTHING, Asking, all_but
from tests.unit.fhir_mappings.fhir_client.server import BASE, FAILURE, TOKEN, FakeServer, answer
from tests.unit.fhir_mappings.fhir_client.test_deadline import Gate
from tests.unit.fhir_mappings.records import FOOT_DROP, PAIN, PATIENT, bundle, condition, observation, patient

RECORDS = (patient(), condition(PAIN), *(observation(FOOT_DROP, resource_id=f"o-{number}") for number in range(5)))
COMPLETE, UNAVAILABLE = SourceState.COMPLETE, SourceState.UNAVAILABLE


def test_one_call_for_everything(asking: Asking) -> None:
    """A batch asks the base for every need, and answers as single calls would."""
    server = FakeServer(RECORDS)
    found = asking.retrieve(server, batch=True, references=["Condition/condition-icd-M54-50"])
    (request,) = server.requests
    assert (request.method, request.url, request.token) == ("POST", BASE, TOKEN)
    sent = json.loads(request.body or b"")
    assert (sent["resourceType"], sent["type"]) == ("Bundle", "batch")
    urls = [entry["request"]["url"] for entry in sent["entry"]]
    assert urls == [*(need.query(PATIENT) for need in DATA_NEEDS), "Condition/condition-icd-M54-50"]
    assert {entry["request"]["method"] for entry in sent["entry"]} == {"GET"}
    single = asking.retrieve(FakeServer(RECORDS))
    assert found.results == single.results
    assert asking.chart(found).entries == asking.chart(single).entries


def test_pages_of_a_batch_are_followed(asking: Asking) -> None:
    """A source whose first page came with the batch is read to its end, beside the pages of the prefetch."""
    server = FakeServer(RECORDS, page_size={"Observation": 2})
    paged = bundle(RECORDS[1], link=[{"relation": "next", "url": "Condition?page=2"}], total=None)
    server.special = {"Condition?page=2": [answer(bundle())]}
    found = asking.retrieve(server, {"conditions": paged}, batch=True)
    assert server.count("Observation") == 2
    assert len(found.readings["observations"].resources) == 5
    assert {found.readings[key].state for key in ("conditions", "observations")} == {COMPLETE}


def test_each_answer_of_a_batch_has_its_own_fate(asking: Asking) -> None:
    """A search that is refused inside a batch does not bring its source, and costs no other."""
    special = {"Procedure": [answer(FAILURE, 403)], "Encounter": [answer(FAILURE, 404)], "Device?": [answer(b"", 500)]}
    found = asking.retrieve(FakeServer(RECORDS, special=special), batch=True)
    expected = {"procedures": "forbidden", "encounters": "not-found", "devices": "http-error"}
    assert {key: found.results[key] for key in expected} == expected
    assert found.results["conditions"] == "ok"


@pytest.mark.parametrize(
    "whole",
    [
        answer(FAILURE, 400),
        answer(FAILURE, 403),
        answer(FAILURE, 500),
        answer(FAILURE),
        answer(b"<html>"),
        answer(b"\xff"),
        answer(b"[" * 100_000),
        answer({"resourceType": "Bundle"}),
        answer(bundle()),
        answer({"resourceType": "Bundle", "entry": [{"response": {"status": "200"}}]}),
        answer({"resourceType": "Bundle", "entry": [{"response": {"status": "OK"}}] * len(DATA_NEEDS)}),
        answer({"resourceType": "Bundle", "entry": [{"response": {}}] * len(DATA_NEEDS)}),
        answer({"resourceType": "Parameters", "entry": [{"response": {"status": "200"}}] * len(DATA_NEEDS)}),
        TransportError("too-large"),
    ],
)
def test_a_batch_that_fails_is_asked_in_single_calls(asking: Asking, whole: FhirResponse | TransportError) -> None:
    """A server that takes no batch, or answers something else to it, is asked as if there were none."""
    server = FakeServer(RECORDS, special={"": [whole]})
    found = asking.retrieve(server, batch=True)
    assert len(server.requests) == 1 + len(DATA_NEEDS)
    assert found.results == asking.retrieve(FakeServer(RECORDS)).results


def test_one_missing_need_is_no_batch(asking: Asking) -> None:
    """A Bundle around one search gains nothing."""
    server = FakeServer(RECORDS)
    asking.retrieve(server, all_but("conditions"), batch=True)
    assert [request.method for request in server.requests] == ["GET"]
    asking.retrieve(server, NOTHING, batch=True)
    assert len(server.requests) == 1


def test_a_late_batch_is_all_unavailable() -> None:
    """A batch that does not arrive in time leaves everything unavailable, without another call."""
    gate = Gate(answer(bundle()))
    server = FakeServer(RECORDS, special={"": gate})
    with ThreadPoolExecutor(16) as executor:
        found = Asking(executor).retrieve(server, batch=True, seconds=0.2)
        gate.opened.set()
    assert found.results == dict.fromkeys(KEYS, "timeout")
    assert {reading.state for reading in found.readings.values()} == {UNAVAILABLE}
    assert len(server.requests) == 1
    calls: Any = [(call.resource_type, call.result) for call in found.calls]
    assert calls == [("Bundle", "timeout")]
