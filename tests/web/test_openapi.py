"""The description of the interface: valid, complete, and true of what is answered."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from cds_service.demo.requests import load_demos
from cds_service.openapi.document import openapi_document
from cds_service.pages.insights.filters import PARAMETERS, PERIODS
from cds_service.records.insights.export import export_tables
from cds_service.records.insights.insights import read_insights
from cds_service.records.insights.selection import Selection
from cds_service.records.opening import open_database
from tests.protocol.builders import SELECT, SIGN, feedback_entry, hook_request, ibuprofen_order
from tests.web.html import Html

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask
    from werkzeug.test import TestResponse

# Pages for people, the files that they load, and what only the demo's script asks.
PAGES: Final = {
    *("/criteria", "/criteria/codes", "/scenarios", "/review", "/why/{name}", "/docs", "/static/{version}/{name}"),
    *("/demo", "/demo/setup", "/demo/patients/{chart_id}", "/demo/look", "/demo/render"),
    # The form, which only its own script asks, and the demo's login and FHIR server, which only the form asks.
    *("/form", "/form/launch", "/form/{client}", "/form/assess"),
    *("/demo/smart/launch", "/demo/smart/launch/{launch}/written", "/demo/smart/authorize", "/demo/smart/token"),
    *(f"/demo/smart/fhir/{below}" for below in (".well-known/smart-configuration", "{resource_type}")),
    *(f"/demo/smart/fhir/{below}" for below in ("{resource_type}/{resource_id}", "QuestionnaireResponse")),
}
SERVICES: Final = (SELECT, SIGN)
DOCUMENT: Final = openapi_document()
METHODS: Final = {"GET", "POST"}


def check(schema: str, instance: Any) -> None:
    """Fail when a document does not fit a component of the description."""
    Draft202012Validator({"components": DOCUMENT["components"], "$ref": f"#/components/schemas/{schema}"}).validate(
        instance
    )


def test_description_is_valid() -> None:
    """Tools that read OpenAPI 3.1 take the description."""
    validate(DOCUMENT)


def test_served_description_is_this_one(app: Flask) -> None:
    """What is served is what these tests look at, and may be kept for a while."""
    response = app.test_client().get("/openapi.json")
    assert response.get_json() == json.loads(json.dumps(DOCUMENT))
    assert response.cache_control.max_age == 300


def test_address_of_the_service_is_named() -> None:
    """Where a public address is configured, generated clients call it."""
    assert openapi_document("https://cds.example/x")["servers"] == [{"url": "https://cds.example/x"}]


def test_every_address_is_described(app: Flask) -> None:
    """No address is answered that the description does not know, and none is described that is not answered."""
    routed = set()
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        if path not in PAGES:
            routed |= {(name, method) for name in _concrete(path) for method in (rule.methods or set()) & METHODS}
    described = {(path, method.upper()) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert routed == described


def _concrete(path: str) -> list[str]:
    """Return the addresses of a route as the description has them: each service is one of its own."""
    path = path.replace("{value_set_id}", "{id}").replace("{questionnaire_id}", "lumbar-mri")
    return [path.replace("{service_id}", service) for service in SERVICES] if "{service_id}" in path else [path]


def test_operations_have_names_of_their_own() -> None:
    """A generated client has a method for each operation."""
    names = [document["operationId"] for methods in DOCUMENT["paths"].values() for document in methods.values()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("demo", load_demos(), ids=lambda demo: demo.name)
def test_examples_fit_and_are_answered_as_described(app: Flask, demo: Any) -> None:
    """Each example fits its schema, and so does the answer to it."""
    path = f"/cds-services/lumbar-mri-{demo.hook}"
    example = DOCUMENT["paths"][path]["post"]["requestBody"]["content"]["application/json"]["examples"][demo.name]
    check("HookRequest", example["value"])
    answer = app.test_client().post(path, json=example["value"])
    check("HookResponse", answer.get_json())


@pytest.mark.parametrize("name", ["accepted", "overridden"])
def test_feedback_examples_are_taken(app: Flask, name: str) -> None:
    """Each example of feedback fits its schema and is taken."""
    path = f"/cds-services/{SIGN}/feedback"
    example = DOCUMENT["paths"][path]["post"]["requestBody"]["content"]["application/json"]["examples"][name]
    check("FeedbackRequest", example["value"])
    assert app.test_client().post(path, json=example["value"]).status_code == 200


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/cds-services", "DiscoveryResponse"),
        ("/livez", "Liveness"),
        ("/readyz", "Readiness"),
        ("/fhir/ValueSet", "ValueSetSearchset"),
        ("/fhir/ValueSet/cauda-equina", "ValueSet"),
        ("/examples/cauda-equina.json", "HookRequest"),
        ("/", "ServiceFacts"),
    ],
)
def test_answers_are_as_described(app: Flask, path: str, schema: str) -> None:
    """Each address answers with what its schema says."""
    response = app.test_client().get(path, headers={"Accept": "application/json"})
    assert response.status_code == 200
    check(schema, response.get_json())


def _post(app: Flask, path: str, body: Any, **headers: str) -> TestResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return app.test_client().post(path, data=data, headers={"Content-Type": "application/json", **headers})


@pytest.mark.parametrize(
    ("name", "body", "headers"),
    [
        ("BadRequest", b"{", {}),
        ("DataMissing", hook_request(SIGN) | {"prefetch": {}}, {}),
        ("TooLarge", b" " * (6 * 1024 * 1024), {}),
        ("MediaType", b"{}", {"Content-Type": "text/plain"}),
    ],
)
def test_refusals_are_as_described(app: Flask, name: str, body: Any, headers: dict[str, str]) -> None:
    """Each refusal has the status that the description names, and its form."""
    response = _post(app, f"/cds-services/{SIGN}", body, **headers)
    check("OperationOutcome", response.get_json())
    described = DOCUMENT["paths"][f"/cds-services/{SIGN}"]["post"]["responses"][str(response.status_code)]
    assert described == {"$ref": f"#/components/responses/{name}"}


def test_accepted_calls_are_as_described(app: Flask) -> None:
    """Silence and thanks are answers too."""
    silence = _post(app, f"/cds-services/{SELECT}", hook_request(SELECT, ibuprofen_order()))
    assert silence.get_json() == {"cards": []}
    check("HookResponse", silence.get_json())
    thanks = _post(app, f"/cds-services/{SELECT}/feedback", {"feedback": [feedback_entry()]})
    assert (thanks.status_code, thanks.get_json()) == (200, {})


def test_unknown_example_is_not_found(app: Flask) -> None:
    """A name that no example has is a 404 in the usual form."""
    response = app.test_client().get("/examples/none.json")
    assert response.status_code == 404
    check("OperationOutcome", response.get_json())


def test_page_without_scripts_lists_the_addresses(app: Flask) -> None:
    """Who runs no scripts still sees every address, and where the rest stands."""
    page = Html(app.test_client().get("/docs").text)
    assert [path for path in DOCUMENT["paths"] if path not in page.text] == []
    assert "/openapi.json" in page.links


def test_exports_are_described(tmp_path: Path) -> None:
    """Where the insights can be had, every export and every filter is in the description, which stays valid."""
    document = openapi_document(insights=True)
    validate(document)
    export = document["paths"]["/insights/export/{name}.csv"]["get"]
    allowed = {parameter["name"]: parameter["schema"].get("enum") for parameter in export["parameters"]}
    assert list(allowed) == ["name", *PARAMETERS]
    database = open_database(None, tmp_path)
    insights = read_insights(database, Selection(), "day")
    database.close()
    assert allowed["name"] == list(export_tables(insights))
    assert allowed["period"] == list(PERIODS)
