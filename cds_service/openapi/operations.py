"""The addresses and what may be done there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from cds_service.demo.requests import load_demos
from cds_service.openapi.components import REFUSED_WITH
from cds_service.protocol.discovery import SERVICES, HookService, discovery_document

JSON: Final = "application/json"
_FHIR: Final = "application/fhir+json"
_REQUEST_ID: Final = {"X-Request-ID": {"$ref": "#/components/headers/X-Request-ID"}}
# The empty one: whether a caller may prove nothing is up to the clients that are configured.
_CALLERS: Final[Sequence[Mapping[str, Any]]] = ({}, {"cdsHooksJwt": []}, {"oauthBearer": []}, {"mutualTls": []})
_CALL_REFUSALS: Final = ("BadRequest", "Unauthorized", "NotFound", "TooLarge", "MediaType", "TooManyCalls", "Crash")

_EXAMPLE_FEEDBACK: Final = {
    "accepted": {
        "summary": "A suggestion was accepted",
        "value": {
            "feedback": [
                {
                    "card": "4e0a3a1e-3292-40bd-b4ee-7a3a4a7a1a11",
                    "outcome": "accepted",
                    "acceptedSuggestions": [{"id": "c2f4ca43-96d7-4ad9-a4b1-0b6a7a9d2a11"}],
                    "outcomeTimestamp": "2026-06-02T10:16:00Z",
                }
            ]
        },
    },
    "overridden": {
        "summary": "The card was dismissed with a reason",
        "value": {
            "feedback": [
                {
                    "card": "4e0a3a1e-3292-40bd-b4ee-7a3a4a7a1a11",
                    "outcome": "overridden",
                    "overrideReason": {
                        "reason": {
                            "system": "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes",
                            "code": "expert-contradicts",
                        },
                        "userComment": "Asked for by spine surgery.",
                    },
                    "outcomeTimestamp": "2026-06-02T10:16:00Z",
                }
            ]
        },
    },
}


def paths() -> dict[str, Any]:
    """Return every address of the interface with its operations, in the order in which people meet them."""
    found: dict[str, Any] = {"/cds-services": {"get": _discovery()}}
    for service in SERVICES:
        found[f"/cds-services/{service.id}"] = {"post": _hook(service)}
    for service in SERVICES:
        found[f"/cds-services/{service.id}/feedback"] = {"post": _feedback(service)}
    return found | {
        "/fhir/ValueSet": {"get": _value_sets()},
        "/fhir/ValueSet/{id}": {"get": _value_set()},
        "/fhir/Questionnaire": {"get": _questionnaires()},
        "/fhir/Questionnaire/lumbar-mri": {"get": _questionnaire()},
        "/livez": {"get": _live()},
        "/readyz": {"get": _ready()},
        "/metrics": {"get": _metrics()},
        "/": {"get": _start()},
        "/criteria.json": {"get": _criteria()},
        "/scenarios.json": {"get": _scenarios()},
        "/examples/{name}.json": {"get": _example()},
        "/openapi.json": {"get": _description()},
    }


@dataclass(frozen=True, slots=True)
class Operation:
    """What may be done at one address; refusals are names of reusable responses."""

    id: str
    tag: str
    summary: str
    description: str
    answers: Mapping[str, Any]
    refusals: Sequence[str] = ("Crash",)
    security: Sequence[Mapping[str, Any]] = ()
    more: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the operation as OpenAPI describes it."""
        refused = {str(REFUSED_WITH[item]): {"$ref": f"#/components/responses/{item}"} for item in self.refusals}
        return {
            "operationId": self.id,
            "tags": [self.tag],
            "summary": self.summary,
            "description": self.description,
            "security": list(self.security),
            **self.more,
            "responses": {**self.answers, **refused},
        }


def answer(description: str, schema: str, media_type: str = JSON, **more: Any) -> dict[str, Any]:
    """Return an answer whose body fits a component."""
    content = {"schema": {"$ref": f"#/components/schemas/{schema}"}, **more}
    return {"description": description, "headers": _REQUEST_ID, "content": {media_type: content}}


def _object(description: str) -> dict[str, Any]:
    """Return the answer that is an object without a schema of its own here."""
    return {"description": description, "headers": _REQUEST_ID, "content": {JSON: {"schema": {"type": "object"}}}}


def _body(schema: str, examples: Mapping[str, Any]) -> dict[str, Any]:
    content = {"schema": {"$ref": f"#/components/schemas/{schema}"}, "examples": examples}
    return {"required": True, "content": {JSON: content}}


def parameter(name: str, place: str, description: str, example: str) -> dict[str, Any]:
    """Return a text in the address; what stands in its path is required."""
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": description,
        "schema": {"type": "string"},
        "example": example,
    }


def _discovery() -> dict[str, Any]:
    return Operation(
        id="discover",
        tag="CDS Hooks",
        summary="List the services",
        description="Both services with their prefetch templates, the same for all. May be kept for five minutes.",
        answers={"200": answer("The services", "DiscoveryResponse", example=discovery_document())},
    ).document()


def _hook(service: HookService) -> dict[str, Any]:
    text = (
        f'{service.note} Other orders are answered with `{{"cards": []}}` before any patient data is decoded. Data '
        "that is not sent in prefetch is asked for at `fhirServer`, where the client's configuration allows it."
    )
    return Operation(
        id=f"call-{service.hook}",
        tag="CDS Hooks",
        summary=service.title,
        description=text,
        answers={"200": answer("The cards; none when nothing needs saying", "HookResponse")},
        refusals=(*_CALL_REFUSALS, "DataMissing", "Overloaded"),
        security=_CALLERS,
        more={"requestBody": _body("HookRequest", dict(_demo_examples(service.hook)))},
    ).document()


def _demo_examples(hook: str) -> Iterator[tuple[str, Any]]:
    for demo in load_demos():
        if demo.hook == hook:
            value = msgspec.json.decode(demo.body())
            yield demo.name, {"summary": demo.title, "description": demo.expect, "value": value}


def _feedback(service: HookService) -> dict[str, Any]:
    kept = {"description": "Everything was kept", "headers": _REQUEST_ID, "content": {JSON: {"example": {}}}}
    return Operation(
        id=f"feedback-{service.hook}",
        tag="CDS Hooks",
        summary=f"Feedback on the cards of {service.id}",
        description=(
            "What clinicians did with cards. An entry that cannot be read is named with 400 and the others are kept; a "
            "batch may be sent again, since what is known already is kept once."
        ),
        answers={"200": kept},
        refusals=(*_CALL_REFUSALS, "StoreUnavailable"),
        security=_CALLERS,
        more={"requestBody": _body("FeedbackRequest", _EXAMPLE_FEEDBACK)},
    ).document()


def _value_sets() -> dict[str, Any]:
    parameters = [
        parameter("_id", "query", "The id.", "cauda-equina"),
        parameter("name", "query", "The beginning of the name, in any case.", "Cauda"),
        parameter("url", "query", "The canonical address.", "https://lumbar-mri-cds.org/fhir/ValueSet/cauda-equina"),
    ]
    return Operation(
        id="search-value-sets",
        tag="Terminology",
        summary="Search the value sets",
        description="The value sets behind the advice: all, or those that fit. Commas within a filter mean “or”.",
        answers={"200": answer("A searchset", "ValueSetSearchset", _FHIR)},
        more={"parameters": parameters},
    ).document()


def _value_set() -> dict[str, Any]:
    return Operation(
        id="read-value-set",
        tag="Terminology",
        summary="Read a value set",
        description="One value set, with its codes by system.",
        answers={"200": answer("The value set", "ValueSet", _FHIR)},
        refusals=("NotFound", "Crash"),
        more={"parameters": [parameter("id", "path", "The id.", "cauda-equina")]},
    ).document()


def _questionnaires() -> dict[str, Any]:
    url = "https://lumbar-mri-cds.org/fhir/Questionnaire/lumbar-mri"
    return Operation(
        id="search-questionnaires",
        tag="Terminology",
        summary="Find the questions",
        description="The one Questionnaire by its canonical address, as a QuestionnaireResponse names it.",
        answers={"200": answer("A searchset, empty for any other address", "QuestionnaireSearchset", _FHIR)},
        more={"parameters": [parameter("url", "query", "The canonical address, with |version or without.", url)]},
    ).document()


def _questionnaire() -> dict[str, Any]:
    return Operation(
        id="read-questionnaire",
        tag="Terminology",
        summary="Read the questions",
        description=(
            "The questions that cards ask, as a FHIR Questionnaire. Its answers are read back by linkId from any "
            "QuestionnaireResponse of the day."
        ),
        answers={"200": answer("The questionnaire", "Questionnaire", _FHIR)},
    ).document()


def _live() -> dict[str, Any]:
    answers = {"200": answer("It does", "Liveness")}
    return Operation("live", "Operation", "Whether the process answers", "For supervisors.", answers).document()


def _ready() -> dict[str, Any]:
    return Operation(
        id="ready",
        tag="Operation",
        summary="Whether hooks are answered",
        description="For load balancers. A broken store is reported and does not make the service unready.",
        answers={"200": answer("They are", "Readiness"), "503": answer("Starting or stopping", "Readiness")},
    ).document()


def _metrics() -> dict[str, Any]:
    return Operation(
        id="metrics",
        tag="Operation",
        summary="Counters and latencies",
        description="For Prometheus, in its text format; names no patient, user or address.",
        answers={
            "200": {"description": "The numbers", "content": {"text/plain": {"schema": {"type": "string"}}}},
            "401": {"description": "A token is set, and was not brought"},
        },
        security=({}, {"metricsToken": []}),
    ).document()


def _start() -> dict[str, Any]:
    page = answer("What runs here", "ServiceFacts")
    page["content"]["text/html"] = {"schema": {"type": "string"}}
    return Operation(
        id="start",
        tag="Documentation",
        summary="What runs here",
        description="A page for people; with `Accept: application/json` the same facts for programs.",
        answers={"200": page},
    ).document()


def _criteria() -> dict[str, Any]:
    answers = {"200": _object("The guideline as in force for the client, or for the first one where none is named")}
    return Operation(
        id="download-criteria",
        tag="Documentation",
        summary="The guideline as data",
        description="Outcomes in their order, rules, numbers, statements, messages, concepts with codes, and releases; "
        "`/criteria` and `/criteria/codes` show the same to people.",
        answers=answers,
        more={"parameters": [parameter("client", "query", "The name of a configured client.", "general-hospital")]},
    ).document()


def _scenarios() -> dict[str, Any]:
    text = "The invented cases that the service is tested with, in words; `/scenarios` shows the same to people."
    answers = {"200": _object("All scenarios, with the version of the guideline that they are about")}
    return Operation("download-scenarios", "Documentation", "The scenarios as data", text, answers).document()


def _example() -> dict[str, Any]:
    return Operation(
        id="read-example",
        tag="Documentation",
        summary="An example request",
        description="The bundled hook requests, with invented patients.",
        answers={"200": answer("A request as it is posted", "HookRequest")},
        refusals=("NotFound", "Crash"),
        more={"parameters": [parameter("name", "path", "The name.", "cauda-equina")]},
    ).document()


def _description() -> dict[str, Any]:
    answers = {"200": _object("OpenAPI 3.1")}
    return Operation("describe", "Documentation", "This description", "For tools.", answers).document()
