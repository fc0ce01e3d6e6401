"""What a client has and how its server takes searches: no finding is lost by either, and every view sees the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest

from cds_service.hooks.engine import Engine
from cds_service.pages.demo.inspection import look_at
from fhir_mappings.fhir.needs import CORE_SOURCES
from fhir_mappings.fhir.searches import OBSERVATION_CATEGORIES
from tests.ehr import clients_file
from tests.protocol.builders import (
    NOW,
    PATIENT,
    SIGN,
    back_pain_since,
    bundle,
    concept,
    hook_request,
    prefetch,
)
from tests.protocol.fetching import OUTAGE, TYPES, Hospital, offering, without
from tests.protocol.fhir_stub import fhir_stub, reply
from tests.unit.fhir_mappings.fhir_client.server import refusal

if TYPE_CHECKING:
    from tests.loopback_server import Received
    from tests.loopback_server import Reply as Answered
    from tests.protocol.builders import Reply

NO_ENCOUNTER: Final = [name for name in ("Patient", *CORE_SOURCES) if name != "Encounter"]
# A full bladder, the urgent finding of these tests; it has no category.
RETENTION: Final = {
    "resourceType": "Observation",
    "id": "pvr",
    "status": "final",
    "code": concept("http://loinc.org", "9197-5"),
    "subject": {"reference": f"Patient/{PATIENT}"},
    "effectiveDateTime": "2026-06-01",
    "valueQuantity": {"value": 480, "unit": "mL", "system": "http://unitsofmeasure.org", "code": "mL"},
}
ACHE: Final = prefetch(conditions=bundle(back_pain_since("2026-05-23")))


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    """A service with clients that differ in what they have and how they are searched."""
    clients: dict[str, Any] = {
        "plain": {},
        "limited": {},
        "laboratory": {"fhir": {"observation_categories": ["laboratory"]}},
        "short": {"sources": NO_ENCOUNTER},
        "full": {"sources": TYPES},
    }
    for name, profile in clients.items():
        profile |= {"extends": "development", "origins": [f"https://{name}.example"]}
    return Hospital(clients_file(tmp_path_factory.mktemp("data"), clients))


def outcome(answer: Reply) -> str:
    """Return the outcome of the only order."""
    (found,) = answer.assessments
    told: str = found["outcome"]
    return told


def seen(hospital: Hospital, request: dict[str, Any], client: str) -> list[str]:
    """Return the outcomes that the demo page shows for a request."""
    engine: Engine = hospital.client.flask.application.extensions["engine"]
    look = look_at(json.dumps(request).encode(), engine.advisers[client], NOW.date())
    return [order.outcome for order in look.orders]


@pytest.mark.parametrize("whole", [None, bundle(), OUTAGE, "not sent"])
def test_finding_sent_by_category_counts(hospital: Hospital, whole: Any) -> None:
    """A full bladder among the examinations is an emergency, whatever stands under the key of all Observations."""
    values = {**ACHE, "observations": whole, "observationsExam": bundle(RETENTION)}
    if whole == "not sent":
        del values["observations"]
    request = hook_request(SIGN, prefetch=values)
    assert outcome(hospital.call(request, "plain")) == "EMERGENCY"
    assert hospital.sources["observations"] == "prefetch:partial"


def test_finding_of_the_only_category_counts(hospital: Hospital) -> None:
    """Where a profile searches by one category, the key that the sheet prints for it is the whole source."""
    values = {**without("observations"), "observationsLaboratory": bundle(RETENTION)}
    request = hook_request(SIGN, prefetch=values)
    assert outcome(hospital.call(request, "laboratory")) == "EMERGENCY"
    assert hospital.sources["observations"] == "prefetch:complete"
    with fhir_stub(ACHE) as stub:
        assert outcome(hospital.call(offering(stub, values), "laboratory")) == "EMERGENCY"
        assert "Observation" not in stub.asked


def test_finding_without_a_category_is_fetched(hospital: Hospital) -> None:
    """A server that takes no large page is searched whole with smaller ones: what has no category is not lost."""
    values = ACHE | {"observations": bundle(RETENTION)}
    with fhir_stub(values) as stub:

        def limited(request: Received) -> Answered:
            query = parse_qs(urlsplit(request.path).query)
            large = int(query.get("_count", ["0"])[0]) > 200
            return reply(refusal("value"), 400)(request) if large else stub.usual(request)

        stub.special = {"Observation": limited, "Condition": limited}
        for _ in range(2):
            assert outcome(hospital.call(offering(stub), "limited")) == "EMERGENCY"
            assert hospital.sources["observations"] == "fetched:complete"
        assert stub.asked.count("Observation") == 3 + 1


def test_core_source_that_is_not_listed_is_fetched(hospital: Hospital) -> None:
    """What every answer rests on is asked for though `sources` leaves it out, and then nothing is missed."""
    with fhir_stub(ACHE) as stub:
        assert outcome(hospital.call(offering(stub), "plain")) == "NOT_APPROPRIATE"
        stub.http.received.clear()
        assert outcome(hospital.call(offering(stub), "short")) == "NOT_APPROPRIATE"
        assert hospital.sources["encounters"] == "fetched:complete"
        assert stub.asked == sorted(("Patient", *CORE_SOURCES))


@pytest.mark.parametrize(
    ("client", "values"),
    [
        ("plain", {**without("observations"), "observationsExam": bundle(RETENTION)}),
        ("laboratory", {**without("observations"), "observationsLaboratory": bundle(RETENTION)}),
        ("plain", {key: value for key, value in ACHE.items() if key != "medicationStatements"}),
        ("full", {key: value for key, value in ACHE.items() if key != "medicationStatements"}),
    ],
)
def test_demo_page_sees_what_the_hook_sees(hospital: Hospital, client: str, values: dict[str, Any]) -> None:
    """The page that looks inside a request reads it as its client's profile says, like the answer."""
    request = hook_request(SIGN, prefetch=values)
    assert seen(hospital, request, client) == [outcome(hospital.call(request, client))]


@pytest.mark.parametrize(("status", "calls"), [(401, 1), (404, 1), (400, 3 + len(OBSERVATION_CATEGORIES))])
def test_refusal_of_the_caller_is_not_answered_with_more_searches(hospital: Hospital, status: int, calls: int) -> None:
    """A refused token is not sent again in another form, nor a type asked for that is not there."""
    with fhir_stub(ACHE, {"Observation": reply(refusal("processing"), status)}) as stub:
        assert outcome(hospital.call(offering(stub), "plain")) == "CANNOT_DETERMINE"
        assert stub.asked.count("Observation") == calls
