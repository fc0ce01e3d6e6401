"""A FHIR server that is not ours: what is fetched from it is judged like what is sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from cds_service.demo.requests import load_demos
from tests.ehr import clients_file
from tests.fhir_server import FhirServer
from tests.protocol.builders import (
    HOOKS,
    ICD_10_CM,
    SIGN,
    HookClient,
    ListRecorder,
    back_pain_since,
    concept,
    hook_request,
    lumbar_mri,
    make_app,
    prefetch,
)
from tests.protocol.fhir_stub import chart_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

SERVICES_BY_HOOK: Final = {hook: service for service, hook in HOOKS.items()}
DEMOS: Final = {demo.name: json.loads(demo.body()) for demo in load_demos() if demo.outcome}
MANY: Final = 620  # more than one page of conditions


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FhirServer]:
    """A server that holds the patients of all demos, and one with a long list of conditions."""
    server = FhirServer(tmp_path_factory.mktemp("fhir"))
    for request in DEMOS.values():
        server.load(chart_of(request["prefetch"]))
    pains = [back_pain_since("2026-05-23") | {"id": f"pain-{number}"} for number in range(MANY)]
    syndrome = back_pain_since("2026-06-01") | {"id": "pain-last", "code": concept(ICD_10_CM, "G83.4")}
    server.load([prefetch()["patient"], *pains, syndrome])
    yield server
    server.stop()


@pytest.fixture(scope="module")
def records() -> ListRecorder:
    """The records of all calls."""
    return ListRecorder()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, records: ListRecorder) -> HookClient:
    """A service with a client that asks source by source, and one that asks by batch."""
    folder = tmp_path_factory.mktemp("service")
    fhir = {"deadline_ms": 30_000, "read_ms": 30_000}
    clients = {
        name: {"extends": "development", "origins": [f"https://{name}.example"], "fhir": fhir | {"batch": batch}}
        for name, batch in (("singly", False), ("batch", True))
    }
    return HookClient(make_app(recorder=records, clients_file=clients_file(folder, clients), data_dir=folder / "data"))


@pytest.mark.parametrize("how", ["singly", "batch"])
@pytest.mark.parametrize("demo", DEMOS)
def test_demo_gets_the_same_answer_by_fetching(
    client: HookClient, records: ListRecorder, server: FhirServer, demo: str, how: str
) -> None:
    """Cards, ids and what explains them do not depend on how the data came."""
    request = dict(DEMOS[demo])
    values, service = request.pop("prefetch"), SERVICES_BY_HOOK[request["hook"]]
    headers = {"Origin": f"https://{how}.example"}
    fetched = client.call(service, request | {"fhirServer": server.base}, headers=headers)
    assert set(records.kept[-1].sources.values()) == {"fetched:complete"}
    assert fetched.json == client.call(service, request | {"prefetch": values}, headers=headers).json


def test_partial_prefetch_is_completed(client: HookClient, records: ListRecorder, server: FhirServer) -> None:
    """Half of the keys come from the EHR, half from its server; the answer is the same."""
    request = dict(DEMOS["cauda-equina"])
    values, service = request.pop("prefetch"), SERVICES_BY_HOOK[request["hook"]]
    half = {key: value for number, (key, value) in enumerate(values.items()) if number % 2}
    answer = client.call(service, request | {"prefetch": half, "fhirServer": server.base})
    assert set(records.kept[-1].sources.values()) == {"fetched:complete", "prefetch:complete"}
    assert answer.json == client.call(service, request | {"prefetch": values}).json


def test_all_pages_of_a_long_list_are_read(client: HookClient, records: ListRecorder, server: FhirServer) -> None:
    """Among hundreds of conditions the one that matters is found, on whichever page it is."""
    answer = client.call(SIGN, hook_request(SIGN, prefetch=None, fhirServer=server.base))
    assert answer.assessments[0]["outcome"] == "EMERGENCY"
    assert records.kept[-1].sources["conditions"] == "fetched:complete"


def test_patient_who_is_not_there_is_412(client: HookClient, server: FhirServer) -> None:
    """A server that does not know the patient gives no reason to advise on somebody without a history."""
    order = lumbar_mri(subject={"reference": "Patient/nobody"})
    request = hook_request(SIGN, order, context={"patientId": "nobody"}, prefetch=None, fhirServer=server.base)
    refused = client.call(SIGN, request)
    assert (refused.status, refused.fields) == (412, ["prefetch.patient"])
