"""The public CDS Hooks Sandbox: what its pages send, and what they do with what they get."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.ehr import Ehr, hook
from tests.protocol.builders import (
    CPT,
    HOOKS,
    PATIENT,
    SELECT,
    SERVICES,
    SIGN,
    HookClient,
    Reply,
    back_pain_since,
    bundle,
    ibuprofen_order,
    lumbar_mri,
    prefetch,
)
from tests.unit.cds_service.observability.test_metrics import value

if TYPE_CHECKING:
    from tests.log_lines import LogLines

ORIGIN: Final = "https://sandbox.cds-hooks.org"
SNOMED: Final = "http://snomed.info/sct"
RATING: Final = "http://fhir.org/argonaut/Extension/pama-rating"
ADDRESS: Final = "http://localhost:8080"
# Reasons that its screen offers, and studies.
REASONS: Final = {
    "low back pain": "279039007",
    "cauda equina": "192970008",
    "radiculopathy": "128196005",
    "after laminectomy": "202725007",
    "pacemaker": "441509002",
    "cochlear implant": "359612003",
    "pregnant": "77386006",
    "claustrophobia": "19887002",
    "kidney disease": "709044004",
    "nothing of the spine": "25064002",
}
STUDIES: Final = {"MRI": "72148", "MRI with contrast": "72149", "MRI with and without": "72158", "CT": "72131"}


class Sandbox:
    """The page: signs each call with a key that everybody has, and reads answers as its scripts do."""

    def __init__(self, client: HookClient) -> None:
        """Open it with a service."""
        self._client = client
        self._ehr = Ehr(ORIGIN, "public-key")
        self.rating: str | None = None
        self.study: dict[str, Any] | None = None
        self.reasons: list[dict[str, Any]] = []

    def headers(self, path: str) -> dict[str, str]:
        """Return what the browser and the page send."""
        token = self._ehr.token("", {"jku": f"{ORIGIN}/.well-known/jwks.json"}, aud=f"{ADDRESS}{path}")
        return {"Origin": ORIGIN, "Authorization": f"Bearer {token}"}

    def discover(self, path: str = "/cds-services") -> list[dict[str, Any]]:
        """Return the services at an address as it was typed."""
        reply = self._client.open(path, headers=self.headers(path))
        assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN
        services: list[dict[str, Any]] = reply.json["services"]
        return services

    def post(self, path: str, document: Any) -> Reply:
        """Post to an address, and see the answer as a script may: only with the headers that allow it."""
        headers = self.headers(path)
        asking = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
        asking["Access-Control-Request-Headers"] = "authorization,content-type"
        preflight = self._client.open(path, "OPTIONS", headers=asking)
        assert preflight.status == 200
        assert preflight.headers["Access-Control-Allow-Origin"] == ORIGIN
        reply = self._client.open(path, "POST", json=document, headers=headers)
        assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN
        return reply

    def pama(
        self, coding: dict[str, Any], *reasons: str, service: str = SELECT, path: str = "", **members: Any
    ) -> Reply:
        """Edit the order on the PAMA screen, which calls at once."""
        order = {
            "resourceType": "ServiceRequest",
            "id": "example-request-id",
            "status": "draft",
            "intent": "plan",
            "code": {"coding": [coding]},
            "subject": {"reference": f"Patient/{PATIENT}"},
            "reasonCode": [{"coding": [{"system": SNOMED, "code": code, "display": "A reason"}]} for code in reasons],
        }
        request = {
            "hookInstance": str(uuid.UUID(int=9)),
            "hook": HOOKS[service],
            "context": {
                "patientId": PATIENT,
                "userId": "Practitioner/COREPRACTITIONER1",
                "selections": ["ServiceRequest/example-request-id"],
                "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": order}]},
            },
            "prefetch": prefetch(),
        }
        reply = self.post(path or hook(service), request | members)
        if reply.status == 200:
            self._read_ratings(reply.json)
        return reply

    def _read_ratings(self, response: dict[str, Any]) -> None:
        for action in response.get("extension", {}).get("systemActions", ()):
            if action["type"] == "update" and action["resource"]["id"] == "example-request-id":
                found = [item for item in action["resource"]["extension"] if item["url"] == RATING]
                self.rating = found[0]["valueCodeableConcept"]["coding"][0]["code"]

    def accept(self, suggestion: dict[str, Any]) -> None:
        """Take a suggestion: only its updates count, and what they lack stops the script."""
        for action in suggestion["actions"]:
            if action["type"] == "update":
                resource = action["resource"]
                rating = next(item for item in resource["extension"] if item["url"] == RATING)
                self.rating = rating["valueCodeableConcept"]["coding"][0]["code"]
                self.study = resource["code"]["coding"][0]
                self.reasons = [reason["coding"][0] for reason in resource.get("reasonCode", ())]


@pytest.fixture
def sandbox(client: HookClient) -> Sandbox:
    """The page, on a development service."""
    return Sandbox(client)


def study(code: str = "72148") -> dict[str, Any]:
    """Return a study as its screen offers it."""
    return {"system": CPT, "code": code, "display": "MRI lumbar spine"}


def suggestions(reply: Reply) -> list[dict[str, Any]]:
    """Return the buttons of all cards."""
    return [suggestion for card in reply.cards for suggestion in card.get("suggestions", ())]


@pytest.mark.parametrize("path", ["/cds-services", "/cds-services/", "//cds-services"])
def test_service_is_found(sandbox: Sandbox, client: HookClient, path: str) -> None:
    """However the address was typed, both services are found, with ids of their own."""
    services = sandbox.discover(path)
    assert {service["id"]: service["hook"] for service in services} == HOOKS


def test_calls_are_those_of_the_sandbox(sandbox: Sandbox, client: HookClient) -> None:
    """The origin of the page decides which profile counts; a token that proves nothing is no reason to refuse."""
    before = value(client, "hook_calls_total", client="cds-hooks-sandbox")
    sandbox.pama(study())
    assert value(client, "hook_calls_total", client="cds-hooks-sandbox") == before + 1


@pytest.mark.parametrize("path", [f"/cds-services/{SELECT}", f"/cds-services//{SELECT}", f"/cds-services/{SELECT}/"])
def test_call_at_page_load_is_silent(sandbox: Sandbox, path: str) -> None:
    """Before a study is chosen the page calls with an empty coding, which is no mistake."""
    reply = sandbox.pama({}, path=path)
    assert (reply.status, reply.json) == (200, {"cards": []})
    assert sandbox.rating is None


def test_card_and_rating_are_shown(sandbox: Sandbox) -> None:
    """An MRI for ten days of low back pain brings a card with buttons, and the rating where the page looks for it."""
    reply = sandbox.pama(study(), REASONS["low back pain"])
    assert sandbox.rating == "not-appropriate"
    assert reply.json["systemActions"] == reply.json["extension"]["systemActions"]
    (card,) = reply.cards
    assert card["uuid"]
    assert all(suggestion["uuid"] and suggestion["actions"] for suggestion in card["suggestions"])


@pytest.mark.parametrize("reason", REASONS.values(), ids=REASONS.keys())
@pytest.mark.parametrize("code", STUDIES.values(), ids=STUDIES.keys())
def test_every_suggestion_can_be_accepted(sandbox: Sandbox, code: str, reason: str) -> None:
    """Whatever is ordered for whatever reason, no button stops the page, and the order keeps its reasons."""
    for reasons in ((reason,), (reason, REASONS["low back pain"]), ()):
        for suggestion in suggestions(sandbox.pama(study(code), *reasons)):
            sandbox.reasons = []
            sandbox.accept(suggestion)
            if sandbox.reasons:
                assert [found["code"] for found in sandbox.reasons[: len(reasons)]] == list(reasons)


@pytest.mark.parametrize(
    ("reason", "code", "changed", "rating"),
    [
        ("low back pain", "72148", "444831000124102", "no-criteria-apply"),
        ("cauda equina", "72149", "72149", "appropriate"),
        ("after laminectomy", "72148", "72158", "appropriate"),
    ],
)
def test_accepted_suggestion_changes_the_study(
    sandbox: Sandbox, reason: str, code: str, changed: str, rating: str
) -> None:
    """The page shows the study that the suggestion brings, its reasons, and what it would be rated."""
    suggestion, *_ = suggestions(sandbox.pama(study(code), REASONS[reason]))
    sandbox.accept(suggestion)
    assert sandbox.study
    assert sandbox.study["code"] == changed
    assert sandbox.rating == rating
    assert sandbox.reasons[0]["code"] == REASONS[reason]


def test_failed_queries_are_left_out(sandbox: Sandbox) -> None:
    """The page leaves out the keys whose queries failed; what is there is enough, or the answer says what is not."""
    values = {key: prefetch()[key] for key in ("patient", "conditions")}
    assert sandbox.pama(study(), REASONS["cauda equina"], prefetch=values).cards[0]["indicator"] == "critical"
    refused = sandbox.pama(study(), prefetch={"patient": values["patient"]})
    assert (refused.status, refused.fields) == (412, ["prefetch.conditions"])


@pytest.mark.parametrize("hook_sent", ["order-sign", "patient-view"])
def test_service_counts_where_the_hook_disagrees(sandbox: Sandbox, log: LogLines, hook_sent: str) -> None:
    """Screen and hook are separate settings there; the service that was called says which is meant, and it is noted."""
    usual = sandbox.pama(study(), REASONS["low back pain"])
    reply = sandbox.pama(study(), REASONS["low back pain"], hook=hook_sent)
    assert reply.json == usual.json
    assert "hook-mismatch" in log.of(reply.headers["X-Request-ID"])["remarks"]


@pytest.mark.parametrize("selections", [None, "example", [7, {}], {"a": 1}])
def test_selections_may_be_odd_where_the_hook_disagrees(sandbox: Sandbox, selections: Any) -> None:
    """Another hook's context may say anything, or nothing, about selections; it is never a crash."""
    request: dict[str, Any] = {
        "hook": "order-sign",
        "context": {
            "patientId": PATIENT,
            "userId": "Practitioner/COREPRACTITIONER1",
            "selections": selections,
            "draftOrders": bundle(lumbar_mri()),
        },
    }
    assert sandbox.pama(study(), **request).status == 200


def test_another_client_must_name_its_hook(client: HookClient) -> None:
    """What is forgiven to the sandbox's page is a mistake anywhere else."""
    sent = {"hook": "order-sign", "hookInstance": "1", "context": {}}
    assert client.call(SELECT, sent).fields[0] == "hook"


@pytest.mark.parametrize("service", SERVICES)
def test_order_of_a_medication_is_silent(sandbox: Sandbox, service: str) -> None:
    """The prescribing screens call with a medication, and at order-sign without selections."""
    context: dict[str, Any] = {
        "patientId": PATIENT,
        "userId": "Practitioner/COREPRACTITIONER1",
        "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": ibuprofen_order()}]},
    }
    if service == SELECT:
        context["selections"] = ["MedicationRequest/med-1"]
    request = {"hook": HOOKS[service], "hookInstance": "a-b", "context": context}
    assert sandbox.post(hook(service), request).json == {"cards": []}


def test_imaging_order_is_signed(sandbox: Sandbox) -> None:
    """The PAMA order at order-sign, which has no button there, is answered all the same."""
    reply = sandbox.pama(study(), REASONS["low back pain"], service=SIGN)
    assert reply.cards
    assert sandbox.rating == "not-appropriate"


@pytest.mark.parametrize("end", ["", "/"])
def test_what_was_done_is_reported(sandbox: Sandbox, end: str) -> None:
    """Accepting and dismissing are reported as the page does it: a reason has a code, a system, and no display."""
    (card,) = sandbox.pama(study(), REASONS["low back pain"]).cards
    stamp = {"card": card["uuid"], "outcomeTimestamp": "2026-06-02T12:00:05.123Z"}
    reason = {name: card["overrideReasons"][0][name] for name in ("code", "system")}
    reports = [
        stamp | {"outcome": "accepted", "acceptedSuggestions": [{"id": card["suggestions"][0]["uuid"]}]},
        stamp | {"outcome": "overridden"},
        stamp | {"outcome": "overridden", "overrideReason": {"reason": reason}},
    ]
    for report in reports:
        reply = sandbox.post(f"{hook(SELECT)}/feedback{end}", {"feedback": [report]})
        assert (reply.status, reply.json) == (200, {})


def test_no_html_of_the_chart_is_rendered(sandbox: Sandbox) -> None:
    """The page renders HTML in a card's detail, so nothing that was sent may stand there as HTML."""
    pain = back_pain_since("2026-05-23")
    pain["code"] = {"coding": pain["code"]["coding"], "text": "<img src=x onerror=alert(1)>"}
    reply = sandbox.pama(study(), REASONS["low back pain"], prefetch=prefetch(conditions=bundle(pain)))
    assert reply.cards
    assert "<img" not in json.dumps(reply.json["cards"])
