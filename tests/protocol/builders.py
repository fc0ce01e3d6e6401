"""Requests, feedback and a client for tests of the protocol. Every answer is checked on its way to the test."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fhir.resources.R4B.operationoutcome import OperationOutcome

from cds_service.app import create_app
from cds_service.config.settings import load_settings
from cds_service.hooks.storage import Storage
from cds_service.protocol import schemas
from cds_service.records.invocations import NullRecorder
from cds_service.records.stores import NullFeedbackStore
from fhir_mappings.fhir.needs import DATA_NEEDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from cds_service.records.invocations import Invocation, Recorder
    from cds_service.records.stores import FeedbackStore

SELECT = "lumbar-mri-order-select"
SIGN = "lumbar-mri-order-sign"
HOOKS = {SELECT: "order-select", SIGN: "order-sign"}
SERVICES = tuple(HOOKS)

PATIENT = "pat-1"
NOW = datetime(2026, 6, 2, 12, tzinfo=UTC)
CPT = "http://www.ama-assn.org/go/cpt"
LOINC = "http://loinc.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"


# A card with everything that a card may have.
FULL_CARD: dict[str, Any] = {
    "uuid": str(uuid.UUID(int=1)),
    "summary": "x" * 139,
    "indicator": "warning",
    "source": {"label": "Guidance", "url": "https://example.org", "topic": {"code": "a", "system": "http://b"}},
    "suggestions": [
        {
            "label": "Do this",
            "uuid": str(uuid.UUID(int=2)),
            "isRecommended": True,
            "actions": [
                {"type": "delete", "description": "Remove", "resourceId": "ServiceRequest/1"},
                {"type": "create", "description": "Add", "resource": {"resourceType": "ServiceRequest"}},
                {"type": "update", "description": "Change", "resource": {"resourceType": "ServiceRequest", "id": "1"}},
            ],
        }
    ],
    "selectionBehavior": "at-most-one",
    "overrideReasons": [{"code": "a", "system": "http://b", "display": "c"}],
    "links": [{"label": "More", "url": "https://example.org/x", "type": "absolute"}],
}


def make_app(feedback: FeedbackStore | None = None, recorder: Recorder | None = None, **settings: Any) -> Flask:
    """Return an application whose today is 2 June 2026 and which stores nothing unless told where."""
    storage = Storage(feedback or NullFeedbackStore(), recorder or NullRecorder())
    return create_app(load_settings({}, **settings), clock=lambda: NOW, storage=storage)


class ListRecorder:
    """Keeps the records of calls in a list."""

    def __init__(self) -> None:
        """Begin with none."""
        self.kept: list[Invocation] = []

    def record(self, invocation: Invocation) -> None:
        """Keep a record."""
        self.kept.append(invocation)

    def close(self, timeout: float = 5.0) -> bool:
        """Everything is kept already."""
        return True


def concept(system: str, code: str, display: str = "") -> dict[str, Any]:
    """Return a CodeableConcept."""
    coding = {"system": system, "code": code} | ({"display": display} if display else {})
    return {"coding": [coding]}


LOW_BACK_PAIN = concept(ICD_10_CM, "M54.50", "Low back pain, unspecified")


def lumbar_mri(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a draft order for MRI of the lumbar spine; a change of None leaves the element out."""
    order = {
        "resourceType": "ServiceRequest",
        "id": f"mri-{number}",
        "status": "draft",
        "intent": "order",
        "code": concept(CPT, "72148"),
        "subject": {"reference": f"Patient/{PATIENT}"},
        "authoredOn": "2026-06-02",
        "reasonCode": [LOW_BACK_PAIN],
    }
    return _given(order | changes)


def ibuprofen_order() -> dict[str, Any]:
    """Return a draft order that is none of ours."""
    return {
        "resourceType": "MedicationRequest",
        "id": "med-1",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": concept(RXNORM, "197806"),
        "subject": {"reference": f"Patient/{PATIENT}"},
    }


def bundle(*resources: Mapping[str, Any], kind: str = "searchset") -> dict[str, Any]:
    """Return a Bundle of resources."""
    entries = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": kind} | ({"entry": entries} if entries else {})


def back_pain_since(day: str) -> dict[str, Any]:
    """Return a Condition: low back pain since a day."""
    return {
        "resourceType": "Condition",
        "id": "pain-1",
        "clinicalStatus": concept("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"),
        "code": LOW_BACK_PAIN,
        "subject": {"reference": f"Patient/{PATIENT}"},
        "onsetDateTime": day,
    }


def prefetch(**values: Any) -> dict[str, Any]:
    """Return every prefetch key: a patient of 38 with ten days of low back pain and nothing else, unless given."""
    found: dict[str, Any] = {need.key: bundle() for need in DATA_NEEDS}
    found["patient"] = {"resourceType": "Patient", "id": PATIENT, "gender": "female", "birthDate": "1988-04-17"}
    found["conditions"] = bundle(back_pain_since("2026-05-23"))
    return found | values


def hook_request(service: str = SELECT, *orders: Mapping[str, Any], **members: Any) -> dict[str, Any]:
    """Return a hook request for a service, with one lumbar MRI order unless others are given.

    A member of None is left out; `context` is merged into the usual context by the same rule.
    """
    drafts = orders or (lumbar_mri(),)
    context: dict[str, Any] = {
        "userId": "Practitioner/prac-1",
        "patientId": PATIENT,
        "draftOrders": bundle(*drafts, kind="collection"),
    }
    if service == SELECT:
        context["selections"] = [f"{order['resourceType']}/{order['id']}" for order in drafts]
    changed = members.pop("context", {})
    request = {
        "hook": HOOKS[service],
        "hookInstance": str(uuid.UUID(int=1)),
        "context": None if changed is None else _given(context | changed),
        "prefetch": prefetch(),
    }
    return _given(request | members)


def _given(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def feedback_entry(**changes: Any) -> dict[str, Any]:
    """Return a feedback entry: a card was overridden, without a reason."""
    entry = {
        "card": str(uuid.UUID(int=7)),
        "outcome": "overridden",
        "outcomeTimestamp": "2026-06-02T20:06:12Z",
    }
    return _given(entry | changes)


@dataclass(frozen=True)
class Reply:
    """An answer that has passed the checks that every answer has to pass."""

    status: int
    text: str
    headers: Mapping[str, str] = field(repr=False)

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.text)

    @property
    def cards(self) -> list[Any]:
        """The cards of a hook's answer."""
        assert self.status == 200, self.text
        cards: list[Any] = self.json["cards"]
        return cards

    @property
    def assessments(self) -> list[Any]:
        """What the answer explains about each order."""
        found: list[Any] = self.json["extension"]["org.lumbar-mri-cds.assessments"]
        return found

    @property
    def fields(self) -> list[str]:
        """The fields that an error names."""
        return [name for issue in self.json["issue"] for name in issue.get("expression", [])]

    @property
    def codes(self) -> list[str]:
        """The issue codes of an error."""
        return [issue["code"] for issue in self.json["issue"]]


class HookClient:
    """Posts to an application in this process and checks each answer before handing it on."""

    def __init__(self, app: Flask) -> None:
        """Take the application."""
        self.flask: FlaskClient = app.test_client()

    def call(self, service: str, request: Any = None, **options: Any) -> Reply:
        """Call a hook with a request, or with a raw body in `data`."""
        reply = self._post(f"/cds-services/{service}", request, **options)
        if reply.status == 200:
            assert schemas.HOOK_RESPONSE.errors(reply.json) == []
        return reply

    def report(self, service: str, entries: Sequence[Any] | None = None, **options: Any) -> Reply:
        """Send feedback entries, or a raw body in `data`."""
        return self._post(f"/cds-services/{service}/feedback", {"feedback": entries}, **options)

    def open(self, path: str, method: str = "GET", **options: Any) -> Reply:
        """Send any request; the path is sent as it stands, double slashes at its beginning too."""
        base = "http://localhost"
        return _checked(self.flask.open(f"{base}{path}", base_url=base, method=method, **options))

    def _post(self, path: str, document: Any, **options: Any) -> Reply:
        sent = {"data": json.dumps(document), "content_type": "application/json"} | options
        return self.open(path, "POST", **sent)


def _checked(response: TestResponse) -> Reply:
    """Check what every answer has: no redirect, a request id, JSON; an error is a valid OperationOutcome."""
    assert not 300 <= response.status_code < 400 or response.status_code == 304
    request_id = response.headers["X-Request-ID"]
    if response.status_code >= 400:
        assert response.mimetype == "application/json"
        OperationOutcome.model_validate_json(response.data)
        for issue in json.loads(response.data)["issue"]:
            assert issue["severity"] in {"error", "fatal"}
            assert issue["details"]["text"]
            assert request_id in issue["diagnostics"]
    return Reply(response.status_code, response.get_data(as_text=True), dict(response.headers))
