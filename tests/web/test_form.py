"""The form in a browser: from a card that asks to the signature, and what a clinician sees on the way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
import requests
from playwright.sync_api import expect

from tests.fhir_server import FhirServer
from tests.protocol.fhir_stub import chart_of
from tests.web.browser import PHONE, accessible, fits, opened_page, running_service
from tests.web.demo_ehr import DemoEhr, request, unwatched
from tests.web.form_page import FormPage
from tests.web.smart_ehr import WRITES, SmartEhr, running_ehr

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser-form")]

SIGN: Final = "/cds-services/lumbar-mri-order-sign"
CLIENTS: Final = """\
[clients.here]
extends = "development"
[clients.here.fhir]
bases = ["{base}"]
"""


def open_form(ehr: DemoEhr) -> FormPage:
    """Open the form of the first card."""
    with ehr.page.context.expect_page() as opened:
        ehr.page.get_by_role("button", name="Answer in a form").first.click()
    return FormPage(opened.value)


def decide(form: FormPage) -> None:
    """Answer so that the order is decided."""
    form.press("saddle numbness, a bladder or bowel change, leg weakness", "No")
    form.press("Is back pain, or pain running down a leg", "Yes")
    form.press("begin less than six weeks ago", "No")
    form.press("Have six weeks of treatment failed", "Yes")
    form.says("fits the guidance")


def test_from_the_card_to_the_signature(page: Page) -> None:
    """A card asks, the form is answered with the advice following, saved, and the next signature asks nothing."""
    ehr = DemoEhr(page, "no-history")
    ehr.sign()
    assert "questions to answer" in ehr.summaries[0]
    form = open_form(ehr)
    form.says("not decided")
    assert form.page.locator("#patient").inner_text().startswith(page.locator("#person-name").inner_text())
    form.press("saddle numbness, a bladder or bowel change, leg weakness", "Yes")
    form.press("saddle numbness, or a bladder or bowel change", "Yes")
    form.says("emergency")
    expect(form.page.locator(".card.critical[role=alert]")).to_contain_text("Call spine surgery")
    form.press("saddle numbness, or a bladder or bowel change", "No")
    form.press("saddle numbness, a bladder or bowel change, leg weakness", "No")
    form.says("not decided")
    decide(form)
    form.save()
    page.bring_to_front()
    ehr.sign()
    assert not any("questions" in summary for summary in ehr.summaries)
    assert ehr.answered()["extension"]["org.lumbar-mri-cds.assessments"][0]["outcome"] == "APPROPRIATE"


def test_by_keyboard_alone(page: Page) -> None:
    """Keys answer the question that has the focus, the next open one gets it, and Enter saves."""
    ehr = DemoEhr(page, "no-history")
    ehr.sign()
    form = open_form(ehr)
    questions = form.page.locator(".question")
    expect(questions.first).to_be_focused()
    form.page.keyboard.press("ArrowDown")
    expect(questions.nth(1)).to_be_focused()
    form.page.keyboard.press("ArrowUp")
    for key, position in (("n", 1), ("y", 2), ("n", 3)):
        form.page.keyboard.press(key)
        expect(questions.nth(position)).to_be_focused()
    form.page.keyboard.press("y")
    expect(form.page.locator("#save")).to_be_focused()
    form.says("fits the guidance")
    form.page.keyboard.press("Enter")
    expect(form.page.locator("#saved")).to_contain_text("Saved in the record")
    assert questions.first.get_by_role("button", name="No", exact=True).get_attribute("aria-pressed") == "true"


def held(page: Page, address: str) -> list[Route]:
    """Hold the requests to an address until they are let go."""
    found: list[Route] = []
    page.route(address, lambda route: found.append(route))  # noqa: PLW0108 - it takes no builtin
    return found


def test_keys_faster_than_the_advice(page: Page) -> None:
    """Each key answers the next question though no advice has come yet; one that is held down answers one alone."""
    ehr = DemoEhr(page, "no-history")
    ehr.sign()
    form = open_form(ehr)
    questions = form.page.locator(".question")
    expect(questions.first).to_be_focused()
    held(form.page, "**/form/assess")
    form.page.keyboard.press("n")
    form.page.keyboard.down("y")
    for _ in range(3):
        form.page.keyboard.down("y")  # repeats
    pressed = [question.locator("[aria-pressed=true]").all_inner_texts() for question in questions.all()]
    assert pressed[:3] == [["No"], ["Yes"], []]


def test_focus_stays_where_somebody_has_gone(page: Page) -> None:
    """Advice that comes when somebody has gone on moves the keyboard nowhere: the next key would answer another one."""
    ehr = DemoEhr(page, "no-history")
    ehr.sign()
    form = open_form(ehr)
    questions = form.page.locator(".question")
    expect(questions.first).to_be_focused()
    asked = held(form.page, "**/form/assess")
    with form.page.expect_request("**/form/assess"):
        form.page.keyboard.press("n")
    form.page.keyboard.press("ArrowDown")
    asked[0].continue_()
    expect(form.page.locator("#save")).to_be_enabled()
    expect(questions.nth(2)).to_be_focused()


def test_no_answer_is_taken_while_it_saves(page: Page) -> None:
    """An answer given while the EHR takes the form would look saved: none is taken until it is, or was refused."""
    ehr = DemoEhr(page, "no-history")
    ehr.sign()
    form = open_form(ehr)
    decide(form)
    sent = held(form.page, "**/QuestionnaireResponse")
    form.page.get_by_role("button", name="Save the answers").click()
    expect(form.page.locator(".question button:enabled")).to_have_count(0)
    sent[0].fulfill(status=403, body="{}")
    expect(form.page.locator("#by-hand")).to_be_visible()
    expect(form.page.locator(".question button:disabled")).to_have_count(0)


@pytest.mark.parametrize("patient", ["no-history", "pacemaker"])
def test_on_a_phone(browser: Browser, service_url: str, patient: str) -> None:
    """The form fits a narrow window and is accessible, in either colour scheme, with the implant section too."""
    for scheme in ("light", "dark"):
        with opened_page(browser, service_url, viewport=PHONE, color_scheme=scheme) as page:
            ehr = DemoEhr(page, patient)
            ehr.sign()
            form = open_form(ehr)
            fits(form.page)
            accessible(form.page)


def test_implant_is_screened(page: Page) -> None:
    """Which implant it is goes into the same form; a UDI is read as it is typed."""
    ehr = DemoEhr(page, "pacemaker")
    ehr.sign()
    form = open_form(ehr)
    form.page.get_by_label("Implant or device").fill("Pacemaker")
    form.page.get_by_label("UDI, typed or scanned").fill("(01)00643169007222(21)PVY1")
    expect(form.page.locator("#label")).to_contain_text("device identifier 00643169007222, serial number PVY1")
    # What was typed this moment is not yet in what would be saved.
    model = form.page.get_by_label("Maker and model")
    typed = "field => { field.dispatchEvent(new Event('input')); return document.getElementById('save').disabled; }"
    assert model.evaluate(typed) is True
    form.save()
    page.bring_to_front()
    ehr.sign()
    written = ehr.sent()["prefetch"]["questionnaireResponses"]["entry"][0]["resource"]
    links = [item["linkId"] for group in written["item"] for item in group["item"]]
    assert links == ["lumbar-mri.implant.device", "lumbar-mri.implant.udi"]


@pytest.fixture(scope="module")
def fhir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FhirServer]:
    """A FHIR server that is not ours."""
    server = FhirServer(tmp_path_factory.mktemp("form-fhir"))
    yield server
    server.stop()


@pytest.fixture
def real(fhir: FhirServer, tmp_path: Path) -> Iterator[tuple[SmartEhr, str]]:
    """An EHR on that server which holds the patient without a history, and a service that it may launch."""
    body = request("no-history")
    order = body["context"]["draftOrders"]["entry"][0]["resource"]
    fhir.load([*chart_of(body["prefetch"]), {name: value for name, value in order.items() if name != "encounter"}])
    ehr = SmartEhr(body["context"]["patientId"], fhir=fhir.base)
    with running_ehr(ehr):
        file = tmp_path / "clients.toml"
        file.write_text(CLIENTS.format(base=ehr.base), encoding="utf-8")
        with running_service(tmp_path, CLIENTS_FILE=str(file)) as url:
            yield ehr, url
    # What one test has answered, the next form would not ask.
    for entry in fhir.read(f"QuestionnaireResponse?patient={ehr.patient}").get("entry", ()):
        answer = fhir.session.delete(f"{fhir.base}/QuestionnaireResponse/{entry['resource']['id']}", timeout=30)
        assert answer.ok


def signed(url: str, ehr: SmartEhr, **prefetch: Any) -> dict[str, Any]:
    """Return what a signature is answered with, all but the answers read from the prefetch."""
    body = request("no-history")
    body |= {"hook": "order-sign", "prefetch": body["prefetch"] | prefetch}
    body["context"].pop("selections", None)
    answer = requests.post(f"{url}{SIGN}", json=body, timeout=30)
    assert answer.ok, answer.text
    document: dict[str, Any] = answer.json()
    links = [link for card in document["cards"] for link in card.get("links", ()) if link["type"] == "smart"]
    ehr.context = links[0]["appContext"] if links else ""
    return document


@pytest.mark.parametrize("scope", [WRITES, None])
def test_saves_to_a_real_server(
    browser: Browser, real: tuple[SmartEhr, str], fhir: FhirServer, scope: str | None
) -> None:
    """A FHIR server that is not ours takes the answers, and a search finds them for the next call: decided.

    An EHR that does not name what it granted has granted what was asked for.
    """
    ehr, url = real
    ehr.scope = scope
    assert "questions" in signed(url, ehr)["cards"][0]["summary"]
    with unwatched(browser, url) as page:
        form = FormPage.launched(page, ehr.base)
        decide(form)
        form.save()
    found = fhir.read(f"QuestionnaireResponse?patient={ehr.patient}")
    assert found["total"] >= 1
    again = signed(url, ehr, questionnaireResponses=found)
    assert again["extension"]["org.lumbar-mri-cds.assessments"][0]["outcome"] == "APPROPRIATE"
    assert not any("questions" in card["summary"] for card in again["cards"])
    assert ehr.written[0]["author"] == {"reference": "Practitioner/doc-1"}


@pytest.mark.parametrize(
    ("scope", "refuses", "said"),
    [("patient/Condition.rs", False, "has not let the form write"), ("user/*.write", True, "did not take the answers")],
)
def test_what_is_not_saved_is_copied(
    browser: Browser,
    real: tuple[SmartEhr, str],
    scope: str,
    refuses: bool,
    said: str,
) -> None:
    """Without the scope, or where the server refuses, the form says so, and its words decide as a note of the order."""
    ehr, url = real
    signed(url, ehr)
    ehr.scope, ehr.refuses = scope, refuses
    with unwatched(browser, url) as page:
        form = FormPage.launched(page, ehr.base)
        decide(form)
        if refuses:
            page.get_by_role("button", name="Save the answers").click()
        expect(page.locator("#by-hand-why")).to_contain_text(said)
        assert page.locator("#save").is_visible() is refuses
        words = page.locator("#words").input_value()
    body = request("no-history")
    order = body["context"]["draftOrders"]["entry"][0]["resource"]
    order["note"] = [{"text": words}]
    body["hook"] = "order-sign"
    answer = requests.post(f"{url}{SIGN}", json=body, timeout=30).json()
    assert answer["extension"]["org.lumbar-mri-cds.assessments"][0]["outcome"] == "APPROPRIATE"
    assert json.dumps(ehr.written) == "[]"
