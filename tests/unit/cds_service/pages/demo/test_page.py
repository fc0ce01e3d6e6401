"""The addresses behind the demo EHR: what they offer, what they refuse, and when they are there at all."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from cds_service.clients.profile import Authentication
from cds_service.demo.requests import Demo as BundledDemo
from cds_service.demo.requests import load_demos
from cds_service.pages.demo.charts import DemoCharts
from cds_service.pages.demo.orderables import ORDERABLES, REASONS
from cds_service.pages.demo.page import Demo, demo_client, demo_is_on
from cds_service.pages.rendering.renderer import Renderer
from cds_service.pages.rendering.service_facts import PageFacts
from fhir_mappings.fhir.needs import DATA_NEEDS
from tests.protocol.builders import NOW, make_app
from tests.unit.cds_service.pages.demo.demo_cases import ICD, bundle, condition, hook_request, make_adviser

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    """A client of an application with default settings."""
    return make_app().test_client()


def test_page_runs_under_the_policy_of_all_pages(client: FlaskClient) -> None:
    """The page is served with the content policy, says as whom it calls, and is linked from the others."""
    response = client.get("/demo")
    assert response.status_code == 200
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "<strong>development</strong>" in response.text
    assert 'mode <strong id="mode">on</strong>' in response.text
    assert 'id="token"' not in response.text
    assert 'href="/demo"' in client.get("/", headers={"Accept": "text/html"}).text


def test_demo_is_absent_when_switched_off() -> None:
    """Nobody meets a demo where it was not wanted, and no page links to it."""
    client = make_app(demo=False).test_client()
    for path in ("/demo", "/demo/setup", "/demo/patients/pacemaker"):
        assert client.get(path).status_code == 404
    assert client.post("/demo/look", json={}).status_code == 404
    assert 'href="/demo"' not in client.get("/", headers={"Accept": "text/html"}).text


@pytest.mark.parametrize(
    ("kinds", "switch", "on"),
    [
        ([Authentication.NONE], None, True),
        ([Authentication.NONE, Authentication.CDS_HOOKS_JWT], None, False),
        ([Authentication.CDS_HOOKS_JWT], None, False),
        ([Authentication.CDS_HOOKS_JWT], True, True),
        ([Authentication.NONE], False, False),
    ],
)
def test_demo_needs_a_switch_once_callers_are_authenticated(
    kinds: list[Authentication], switch: bool | None, on: bool
) -> None:
    """A service that asks who calls shows its demo only when somebody insists."""
    profile = make_adviser().client
    clients = [replace(profile, name=f"c{number}", authentication=kind) for number, kind in enumerate(kinds)]
    assert demo_is_on(clients, switch) is on
    expected = next((one for one in clients if one.authentication is Authentication.NONE), clients[0])
    assert demo_client(clients) is expected


def test_setup_offers_what_can_be_done(client: FlaskClient) -> None:
    """Patients, orders, reasons, services and prefetch keys all come from the service itself."""
    offered = client.get("/demo/setup").get_json()
    assert [patient["id"] for patient in offered["patients"]] == [demo.name for demo in load_demos()]
    assert [key["key"] for key in offered["prefetchKeys"]] == [need.key for need in DATA_NEEDS]
    assert offered["services"] == {
        "order-select": "/cds-services/lumbar-mri-order-select",
        "order-sign": "/cds-services/lumbar-mri-order-sign",
    }


def test_every_code_to_order_by_is_known() -> None:
    """No study or reason is offered by a code that the criteria do not read as what it is called."""
    index = make_adviser().index
    for orderable in ORDERABLES:
        assert orderable.concept in index.concepts_of(orderable.system, orderable.code), orderable.name
    for reason in REASONS:
        for system, code in reason.codes:
            assert reason.concept in index.concepts_of(system, code), reason.name
            assert index.display_of(reason.concept, system, code)


@pytest.mark.parametrize("demo", load_demos(), ids=lambda demo: demo.name)
def test_look_agrees_with_the_answer(client: FlaskClient, demo: BundledDemo) -> None:
    """What the page shows as findings are those behind the very answer: same outcome, same status of every rule."""
    service = f"/cds-services/lumbar-mri-{demo.hook}"
    answered = client.post(service, data=demo.body(), content_type="application/json").get_json()
    seen = client.post("/demo/look", data=demo.body(), content_type="application/json").get_json()
    explained: list[Any] = next(iter(answered.get("extension", {}).values()), [])
    assert seen["outcomes"] == [item["outcome"] for item in explained]
    for item in explained:
        for finding in item["findings"]:
            status = finding["status"].replace("_", " ").lower()
            if finding["criterion"] == "R-CON-SAFE" and not finding.get("evidence"):
                status = "unknown"  # met for want of an eGFR: nobody has found a reason for caution
            row = seen["findings"].split(f">{finding['criterion']}<")[0].rsplit('<span class="finding-status', 1)[1]
            assert row.split(">")[1].startswith(status), finding["criterion"]


def test_findings_do_not_praise_what_the_card_warns_of(client: FlaskClient) -> None:
    """Beside a card that warns, the order is not called appropriate, and a missing eGFR is no reason that was found."""
    demo = next(demo for demo in load_demos() if demo.name == "cancer-history")
    seen = client.post("/demo/look", data=demo.body(), content_type="application/json").get_json()["findings"]
    assert "Due, with a caution" in seen
    assert ">Appropriate<" not in seen
    assert "No recent eGFR is on record" in seen


@pytest.mark.parametrize("demo", load_demos(), ids=lambda demo: demo.name)
def test_patient_can_be_opened(client: FlaskClient, demo: BundledDemo) -> None:
    """A chosen patient brings everything that a hook needs."""
    chart = client.get(f"/demo/patients/{demo.name}").get_json()
    request = json.loads(demo.body())
    assert chart["prefetch"] == request["prefetch"]
    assert chart["orders"] == request["context"]["draftOrders"]["entry"]


def test_unknown_patient_is_not_found(client: FlaskClient) -> None:
    """A wrong link is answered like any other wrong address of the service."""
    refused(client.get("/demo/patients/nobody"), 404, "not-found")


def refused(response: TestResponse, status: int, code: str) -> None:
    """Check that an answer is an OperationOutcome of a status and an issue code."""
    assert response.status_code == status
    assert response.get_json()["resourceType"] == "OperationOutcome"
    assert response.get_json()["issue"][0]["code"] == code


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"hook": "patient-view"}, 400, "value"),
        ({"hook": 7}, 400, "value"),
        ({"context": {}}, 400, "required"),
    ],
)
def test_look_refuses_what_the_hook_refuses(
    client: FlaskClient, change: dict[str, Any], status: int, code: str
) -> None:
    """A broken request is refused here in the same form, and never half shown."""
    refused(client.post("/demo/look", json=hook_request() | change), status, code)


def test_look_names_required_data_that_are_missing(client: FlaskClient) -> None:
    """Where the hook answers 412 nothing was assessed, and the page says for want of what."""
    seen = client.post("/demo/look", json=hook_request(conditions=...)).get_json()
    assert seen["outcomes"] == []
    assert "<strong>conditions</strong> is required and was not sent" in seen["findings"]


def test_look_tells_that_it_fetches_nothing(client: FlaskClient) -> None:
    """A request with a FHIR server may be answered from more than this view knows; it says so."""
    body = hook_request() | {"fhirServer": "http://127.0.0.1:1/fhir"}
    assert "this view does not" in client.post("/demo/look", json=body).get_json()["findings"]


def test_unread_sources_are_told_in_the_summary(client: FlaskClient) -> None:
    """The chart on the screen is as honest as a card: what failed or was not sent is no empty list."""
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
    body = hook_request(devices=failed, observations=..., appointments=...)
    summary = client.post("/demo/look", json=body).get_json()["summary"]
    assert '<dt>Devices</dt><dd><span class="chip warning">could not be read</span>' in summary
    assert '<dt>Observations</dt><dd><span class="chip warning">not sent</span>' in summary
    assert "appointments (not offered)" in summary


def test_summary_tells_how_the_records_were_read(client: FlaskClient) -> None:
    """What was recognised, set aside and not recognised is counted by source, and what was not is named."""
    known = condition("a", ICD, "M54.50", onset="2026-05-01", text="Low back pain")
    foreign = condition("b", "urn:local", "77", onset="2026-05-02", text="Bandscheibenabszess")
    aside = condition("c", ICD, "J30.9", onset="2026-05-02", text="Allergic rhinitis")
    body = hook_request(conditions=bundle(known, foreign, aside))
    summary = client.post("/demo/look", json=body).get_json()["summary"]
    row = '<th scope="row">conditions</th><td>1</td><td>1</td><td>1: Bandscheibenabszess</td>'
    assert row in summary


def test_hostile_texts_are_escaped(client: FlaskClient) -> None:
    """Markup in the chart's texts leaves as text in every part of the page."""
    patient = {"resourceType": "Patient", "id": "p", "name": [{"text": HOSTILE}]}
    pain = condition("c", ICD, "M54.50", onset="2026-05-01", text=HOSTILE)
    pain["id"] = HOSTILE
    device = {"resourceType": "Device", "id": "d", "type": {"text": HOSTILE}, "deviceName": [{"name": HOSTILE}]}
    body = hook_request(patient=patient, conditions=bundle(pain), devices=bundle(device))
    seen = client.post("/demo/look", json=body).get_json()
    for part in ("summary", "timeline", "findings"):
        assert "<script" not in seen[part]
        assert "<img" not in seen[part]
    assert "&lt;script&gt;" in seen["summary"]
    assert " style=" not in "".join(seen[part] for part in ("summary", "timeline", "findings"))


def test_timeline_has_a_text_alternative(client: FlaskClient) -> None:
    """Who does not see the picture has its title, a description, and a table with the same rows."""
    body = hook_request(conditions=bundle(condition("c", ICD, "M54.50", onset="2026-05-01")))
    timeline = client.post("/demo/look", json=body).get_json()["timeline"]
    assert timeline.count('role="img"') == 2
    assert "Symptoms: Low back pain, nonspecific, since 1 May 2026." in timeline
    assert "<td>Low back pain, nonspecific</td><td>since 1 May 2026</td>" in timeline


def test_empty_chart_has_no_picture(client: FlaskClient) -> None:
    """A chart without anything to draw says so instead of showing an empty grid."""
    timeline = client.post("/demo/look", json=hook_request()).get_json()["timeline"]
    assert "<svg" not in timeline
    assert "Nothing on record lies on the timeline" in timeline


def test_empty_timeline_names_what_was_not_read(client: FlaskClient) -> None:
    """With the conditions failed, an empty timeline is no reassurance: it says what is not available."""
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
    timeline = client.post("/demo/look", json=hook_request(conditions=failed)).get_json()["timeline"]
    assert "Nothing on record" not in timeline
    assert "in the sources received. <strong>Not available: conditions could not be read.</strong>" in timeline


def test_timeline_marks_rows_that_may_lack_records(client: FlaskClient) -> None:
    """A picture of what was read names, for eyes and for readers, the rows whose source failed."""
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
    body = hook_request(conditions=bundle(condition("c", ICD, "M54.50", onset="2026-05-01")), diagnosticReports=failed)
    timeline = client.post("/demo/look", json=body).get_json()["timeline"]
    assert "Imaging may be incomplete: diagnostic reports could not be read." in timeline
    assert "<strong>Imaging</strong> (diagnostic reports could not be read)" in timeline
    assert (
        '<td>Imaging</td><td>may be incomplete</td><td colspan="2">diagnostic reports could not be read</td>'
        in timeline
    )


@pytest.mark.parametrize(
    ("patient", "name"),
    [
        (
            {"resourceType": "Patient", "id": "q", "name": [{"family": "Other"}]},
            "Patient record is of somebody else, not used",
        ),
        ({"resourceType": "Patient", "name": [{"family": "Other"}]}, "Patient record has no id, not used"),
        ({"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}, "Patient could not be read"),
        (..., "Patient was not sent"),
    ],
)
def test_banner_never_shows_somebody_else(client: FlaskClient, patient: Any, name: str) -> None:
    """Above a chart stands its own patient or why there is none, never the name or the birth date of another."""
    banner = client.post("/demo/look", json=hook_request(patient=patient)).get_json()["patient"]
    assert banner == {"id": "", "name": name, "gender": "", "birthDate": "", "age": ""}


def test_banner_finds_the_patient_in_a_bundle(client: FlaskClient) -> None:
    """A client that searched for the patient gets the one the hook is about."""
    people = bundle(*({"resourceType": "Patient", "id": name, "name": [{"family": name}]} for name in ("q", "p")))
    banner = client.post("/demo/look", json=hook_request(patient=people)).get_json()["patient"]
    assert banner["name"] == "p"


def test_unknown_finding_says_why(client: FlaskClient) -> None:
    """A rule that stays unknown although every source was read says what it waits for."""
    findings = client.post("/demo/look", json=hook_request()).get_json()["findings"]
    row = findings[findings.index("Implant that may forbid or limit MRI") :].split("</tr>")[0]
    assert "No implant is on record, which does not exclude one: ask the patient before any MRI." in row


def test_findings_claim_no_absence_beside_what_nobody_read(client: FlaskClient) -> None:
    """A problem that nobody recognised may be an implant; the page does not say that none is on record."""
    foreign = condition("b", "urn:local", "77", onset="2026-05-02", text="Herzschrittmacher")
    seen = client.post("/demo/look", json=hook_request(conditions=bundle(foreign))).get_json()
    assert "No implant is on record" not in seen["findings"]
    assert "may be of an implant" in seen["findings"]


def test_markdown_is_rendered_harmless(client: FlaskClient) -> None:
    """Details come back as HTML in their order, without anything that could act."""
    html = client.post("/demo/render", json={"texts": ["**a**", HOSTILE]}).get_json()["html"]
    assert html[0] == "<p><strong>a</strong></p>\n"
    assert "<script" not in html[1]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "structure"),
        ({"texts": "a"}, "structure"),
        ({"texts": [1]}, "structure"),
        ({"texts": [""] * 201}, "too-costly"),
    ],
)
def test_render_takes_a_list_of_texts(client: FlaskClient, body: dict[str, Any], code: str) -> None:
    """Anything else is refused in words."""
    refused(client.post("/demo/render", json=body), 400, code)


def test_bodies_are_json_of_a_bounded_size() -> None:
    """A form of another site, and a body beyond the service's limit, are turned away."""
    client = make_app(max_body_bytes=2048).test_client()
    refused(client.post("/demo/look", data="{}", content_type="text/plain"), 415, "not-supported")
    refused(client.post("/demo/render", json={"texts": ["x" * 4096]}), 413, "too-long")


@pytest.mark.parametrize("mode", ["silent", "off"])
def test_mode_that_hides_cards_is_told(mode: str) -> None:
    """Whoever tries a client that is shown no cards is not left wondering."""
    app = Flask("demo", static_folder=None)
    facts = PageFacts("1", "1", "development", "nobody is authenticated", demo_enabled=True)
    demo = Demo(Renderer(facts), make_adviser(), DemoCharts(), lambda: NOW, mode=lambda: mode)
    app.register_blueprint(demo.blueprint())
    assert 'id="mode-withholds">: cards are not shown to anybody' in app.test_client().get("/demo").text


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("on", "The rules give: "),
        ("pilot", "Said to users of the pilot: "),
        ("silent", "Would have said: "),
        ("off", "Would have said: "),
    ],
)
def test_look_says_said_only_of_what_is_said(mode: str, said: str) -> None:
    """What a mode keeps back is not called said, and the page learns the mode that is in force with each look."""
    app = Flask("demo", static_folder=None)
    facts = PageFacts("1", "1", "development", "nobody is authenticated", demo_enabled=True)
    demo = Demo(Renderer(facts), make_adviser(), DemoCharts(), lambda: NOW, mode=lambda: mode)
    app.register_blueprint(demo.blueprint())
    seen = app.test_client().post("/demo/look", json=hook_request()).get_json()
    assert (seen["mode"], seen["speaks"]) == (mode, True)
    assert f"<p>{said}" in seen["findings"]


def test_service_that_authenticates_asks_for_a_token() -> None:
    """Where every caller proves who it is, the demo takes a token to send along, instead of failing silently."""
    app = Flask("demo", static_folder=None)
    adviser = make_adviser()
    signed = replace(adviser, client=replace(adviser.client, authentication=Authentication.OAUTH_BEARER))
    facts = PageFacts("1", "1", "production", "every caller is authenticated", demo_enabled=True)
    app.register_blueprint(Demo(Renderer(facts), signed, DemoCharts(), lambda: NOW, mode=lambda: "on").blueprint())
    assert 'id="token"' in app.test_client().get("/demo").text
