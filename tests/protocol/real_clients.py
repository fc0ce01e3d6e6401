"""Requests as real test clients build them, made again from what their public source does.

HL7-DaVinci/crd-request-generator, Medplum's client, the CDS Hooks sandbox on its PAMA screen, and the opioid CDS
examples; each takes a request as it should be and returns what that client would send in its place.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from fhir_mappings.fhir_client.transport import FhirRequest
from tests.unit.fhir_mappings.fhir_client.server import BASE, FakeServer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.protocol.fhir_stub import FhirStub

CRD_SCOPE: Final = "patient/Patient.read patient/Observation.read"
_NO_TOKEN: Final = object()


def crd_request_generator(
    request: Mapping[str, Any], stub: FhirStub, token: object = _NO_TOKEN, *, with_prefetch: bool = True
) -> dict[str, Any]:
    """Return what HL7's CRD client sends: its token is empty, or missing, where no log-in took place.

    The Bundle of drafts has no type, the scope is written into the program, and the prefetch has keys of its own.
    """
    context = request["context"]
    drafts = [entry["resource"] for entry in context["draftOrders"]["entry"]]
    authorization: dict[str, Any] = {
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": CRD_SCOPE,
        "subject": "cds-service4",
    }
    if token is not _NO_TOKEN:
        authorization["access_token"] = token
    sent: dict[str, Any] = {
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "fhirServer": stub.base,
        "hook": request["hook"],
        "fhirAuthorization": authorization,
        "context": {
            "userId": "Practitioner/example",
            "patientId": context["patientId"],
            "encounterId": "enc89284",
            "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": draft} for draft in drafts]},
        },
        "extension": {"davinci-crd.configuration": {"alt-drug": True}},
    }
    if request["hook"] == "order-select":
        sent["context"]["selections"] = [f"{draft['resourceType']}/{draft['id']}" for draft in drafts]
    if with_prefetch:
        entries = [{"resource": resource} for resource in (*drafts, request["prefetch"]["patient"])]
        sent["prefetch"] = {
            "serviceRequestBundle": {"resourceType": "Bundle", "type": "collection", "entry": entries},
            "coverageBundle": {"resourceType": "Bundle", "type": "collection", "entry": []},
        }
    return sent


def medplum(request: Mapping[str, Any], templates: Mapping[str, str], server: FakeServer) -> dict[str, Any]:
    """Return what Medplum's client sends: every template evaluated against its own store, and no FHIR server."""
    context = {key: value for key, value in request["context"].items() if key != "userId"}
    found = {}
    for key, template in templates.items():
        query = template.replace("{{context.patientId}}", context["patientId"])
        answer = server.send(FhirRequest(f"{BASE}/{query}"), 1.0)
        found[key] = json.loads(answer.body) if answer.status == 200 else None
    return {"hook": request["hook"], "hookInstance": request["hookInstance"], "context": context, "prefetch": found}


def pama_screen(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the sandbox's PAMA screen sends: a plan without a date, in a Bundle without a type."""
    drafts = [dict(entry["resource"]) for entry in request["context"]["draftOrders"]["entry"]]
    for draft in drafts:
        draft |= {"intent": "plan"}
        draft.pop("authoredOn", None)
        draft.pop("encounter", None)
    context = {
        "patientId": request["context"]["patientId"],
        "userId": "Practitioner/COREPRACTITIONER1",
        "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": draft} for draft in drafts]},
        "selections": [f"{draft['resourceType']}/{draft['id']}" for draft in drafts],
    }
    return {**request, "hook": "order-select", "context": context}


def opioid_cds(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request in the style of the opioid CDS examples: the patient by reference, prefetch values wrapped."""
    patient = f"Patient/{request['context']['patientId']}"
    wrapped = {key: {"response": {"status": "200 OK"}, "resource": value} for key, value in request["prefetch"].items()}
    context = {**request["context"], "patientId": patient}
    return {**request, "context": context, "patient": patient, "user": context["userId"], "prefetch": wrapped}
