"""The demo EHR in a browser: orders, cards, what becomes of them, and that nothing a chart says can do harm."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from playwright.sync_api import expect

from tests.web.browser import DESKTOP, PHONE, accessible, fits, opened_page, running_service
from tests.web.demo_ehr import DemoEhr, request, stored_feedback, unwatched
from tests.web.insights import clinic_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Route

    from tests.web.browser import Scheme

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser-demo")]

HOSTILE: Final = (
    '<script>window.owned = 1</script><img src=x onerror="window.owned = 2">'
    "![p](https://evil.example/p.png) [here](javascript:window.owned=3) | a |\n|---|\n| @everybody |"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the service of these tests keeps what it stores."""
    return tmp_path_factory.mktemp("demo-service")


@pytest.fixture(scope="module")
def demo_url(folder: Path) -> Iterator[str]:
    """A service of its own, so that the feedback in its database is that of these tests."""
    charts = folder / "charts"
    charts.mkdir()
    (charts / "hostile.json").write_text(json.dumps(hostile_bundle()), encoding="utf-8")
    (charts / "broken.json").write_text("{", encoding="utf-8")
    with running_service(folder, charts_dir=str(charts)) as url:
        yield url


@pytest.fixture
def page(browser: Browser, demo_url: str) -> Iterator[Page]:
    """A page at desktop width; the test fails if it complained or asked another host for anything."""
    with opened_page(browser, demo_url) as opened:
        yield opened


def hostile_bundle() -> dict[str, Any]:
    """Return a chart whose every text tries to be more than text."""
    subject = {"reference": "Patient/p"}
    resources: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": "p", "name": [{"text": HOSTILE}], "gender": "female", "birthDate": "1980"},
        {
            "resourceType": "Condition",
            "id": "c",
            "subject": subject,
            "code": {
                "coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "M54.50", "display": HOSTILE}],
                "text": HOSTILE,
            },
        },
        {
            "resourceType": "Device",
            "id": "d",
            "status": "active",
            "patient": subject,
            "type": {"coding": [{"system": "http://snomed.info/sct", "code": "14106009"}], "text": HOSTILE},
            "deviceName": [{"name": HOSTILE}],
        },
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": item} for item in resources]}


def newest(folder: Path) -> dict[str, Any]:
    """Return the feedback stored last."""
    return stored_feedback(folder / "data")[-1]


def test_acute_pain_is_treated_instead(page: Page, folder: Path) -> None:
    """A clinician who accepts physical therapy has the referral for the MRI, and is not asked about it again."""
    ehr = DemoEhr(page, "acute-low-back-pain")
    ehr.select()
    expect(ehr.cards).to_have_count(1)
    expect(ehr.cards.locator(".level")).to_have_text("Warning")
    expect(ehr.cards.locator(".suggestion", has_text="recommended")).to_contain_text("Physical therapy instead")
    suggestion = ehr.answered()["cards"][0]["suggestions"][0]
    ehr.accept("Physical therapy instead")
    assert ehr.drafts == ["Physical therapy referral"]
    expect(page.locator(".draft.new")).to_contain_text("new")
    expect(page.locator(".draft.removed")).to_contain_text("MRI lumbar spine without contrast")
    expect(ehr.cards).to_have_count(0)
    assert "Accepted" in ehr.status
    assert "no card" in ehr.status
    stored = newest(folder)
    assert (stored["outcome"], stored["accepted"]) == ("accepted", [suggestion["uuid"]])
    again = ehr.sent()
    assert again["hook"] == "order-select"
    assert again["context"]["selections"] == [
        f"ServiceRequest/{again['context']['draftOrders']['entry'][0]['resource']['id']}"
    ]


def test_pacemaker_gets_ct_myelography(page: Page, folder: Path) -> None:
    """For a scan that must wait, the other study is drafted beside the MRI; what is left is a line to remind of it."""
    ehr = DemoEhr(page, "pacemaker")
    ehr.sign()
    expect(ehr.cards.locator(".level")).to_have_text("Critical")
    ehr.accept("Add CT myelography")
    assert ehr.drafts == ["MRI lumbar spine without contrast", "CT myelography, lumbar"]
    assert newest(folder)["outcome"] == "accepted"
    expect(ehr.cards).to_have_count(1)
    expect(page.locator(".suggestion button")).to_have_count(0)
    codings = ehr.sent()["context"]["draftOrders"]["entry"][1]["resource"]["code"]["coding"]
    assert ("http://snomed.info/sct", "241592002") in [(coding["system"], coding["code"]) for coding in codings]


def test_cauda_equina_is_raised_to_stat(page: Page, folder: Path) -> None:
    """The order itself is changed, the change is shown, and what is sent next carries it."""
    ehr = DemoEhr(page, "cauda-equina")
    ehr.sign()
    ehr.accept("Raise the MRI to stat")
    expect(page.locator(".draft.changed")).to_contain_text("priority: routine → stat")
    assert ehr.sent()["context"]["draftOrders"]["entry"][0]["resource"]["priority"] == "stat"
    assert newest(folder)["outcome"] == "accepted"


def test_unknown_data_ask_at_the_signature(page: Page) -> None:
    """A record that says nothing leads to questions, and the findings tell what is unknown."""
    ehr = DemoEhr(page, "no-history")
    ehr.sign()
    expect(ehr.cards.first.locator(".body")).to_contain_text("Please answer")
    assert "not known" in ehr.findings
    assert "Open: Is back pain, or pain running down a leg, the reason for the MRI" in ehr.findings


def test_signing_replaces_the_cards_of_selecting(page: Page) -> None:
    """Advice is not shown twice: the answer at the signature takes the place of the earlier one."""
    ehr = DemoEhr(page, "foot-drop")
    ehr.select()
    first = ehr.cards.first.get_attribute("data-card")
    ehr.sign()
    expect(ehr.cards).to_have_count(1)
    assert ehr.cards.first.get_attribute("data-card") != first
    assert [ehr.sent(0)["hook"], ehr.sent(1)["hook"]] == ["order-sign", "order-select"]


def test_unrelated_order_meets_silence(page: Page) -> None:
    """An order that is none of the service's business gets no card, and the page says why."""
    ehr = DemoEhr(page, "unrelated-order")
    ehr.select()
    expect(ehr.cards).to_have_count(0)
    assert "nobody is interrupted" in ehr.status
    assert "without reading the record" in ehr.findings


def test_order_is_entered_by_hand(page: Page) -> None:
    """What is entered is what is sent: study, reason, priority, note, and only the new order selected."""
    ehr = DemoEhr(page, "failed-six-weeks")
    page.get_by_text("Order something").click()
    page.get_by_label("Order", exact=True).select_option(label="MRI lumbar spine without and with contrast")
    page.get_by_label("Lumbar spinal stenosis").check()
    page.get_by_label("Priority").select_option("urgent")
    page.get_by_label("Note to radiology").fill("pain only upright")
    page.get_by_role("button", name="Add to the draft orders").click()
    ehr.select()
    context = ehr.sent()["context"]
    order = context["draftOrders"]["entry"][1]["resource"]
    assert context["selections"] == [f"ServiceRequest/{order['id']}"]
    assert order["code"]["coding"][0]["code"] == "72158"
    assert [coding["code"] for coding in order["reasonCode"][0]["coding"]] == ["M48.061", "18347007"]
    assert (order["priority"], order["note"]) == ("urgent", [{"text": "pain only upright"}])
    assert order["subject"] == {"reference": "Patient/demo-failed-six-weeks"}


def test_request_is_pasted(page: Page) -> None:
    """A tester's own request is sent byte for byte, and its suggestions can be accepted."""
    ehr = DemoEhr(page)
    text = json.dumps(request("cauda-equina"), indent=1)
    with page.expect_request("**/cds-services/lumbar-mri-order-sign") as sent:
        ehr.paste(text)
    assert sent.value.post_data == text
    expect(page.locator("#person-name")).to_have_text("Bruno Demo-Cedar")
    ehr.accept("Raise the MRI to stat")
    expect(page.locator(".draft.changed")).to_contain_text("stat")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "This is not JSON"),
        ("[1]", "not a hook request"),
        ('{"hook": "patient-view"}', "must be one of order-select, order-sign"),
        ('{"hook": "toString"}', "must be one of order-select, order-sign"),
        ('{"hook": ["order-sign"]}', "must be one of order-select, order-sign"),
    ],
)
def test_broken_paste_is_told(page: Page, text: str, said: str) -> None:
    """What cannot be sent is said beside the field, in words."""
    ehr = DemoEhr(page)
    ehr.paste(text)
    expect(page.locator("#pasted-error")).to_contain_text(said)
    expect(page.locator(".exchange")).to_have_count(0)


def test_changed_source_changes_the_answer(page: Page) -> None:
    """Without the problem list the service no longer says what it cannot know, and names what failed."""
    ehr = DemoEhr(page, "acute-low-back-pain")
    ehr.select()
    expect(ehr.cards.first).to_contain_text("Physical therapy instead")
    page.get_by_text("Take data away").click()
    page.get_by_role("button", name="Conditions failed").click()
    expect(ehr.cards).to_have_count(0)  # an answer to other data is taken away
    ehr.select()
    assert ehr.sent()["prefetch"]["conditions"]["resourceType"] == "OperationOutcome"
    expect(ehr.cards.first).not_to_contain_text("Six weeks of treatment first")
    assert "not assessed" in ehr.findings.lower()
    expect(page.locator("#sources-changed")).to_have_text("1 changed")


def test_devices_are_not_sent(page: Page) -> None:
    """A pacemaker that only the device list knows is no longer found, and the page tells that devices lack."""
    ehr = DemoEhr(page, "mr-unsafe-device")
    ehr.take_away("devices", "not sent")
    ehr.sign()
    assert "devices" not in ehr.sent()["prefetch"]
    expect(page.locator(".chart")).to_contain_text("not offered")
    assert "do not scan" not in ehr.findings.lower()


def test_refusal_is_readable(browser: Browser, demo_url: str) -> None:
    """Where required data are missing, the page shows the service's own words and the field."""
    with unwatched(browser, demo_url) as page:
        ehr = DemoEhr(page, "acute-low-back-pain")
        ehr.take_away("conditions", "not sent")
        ehr.select()
        expect(ehr.page.locator("#advice-error")).to_contain_text("412")
        expect(ehr.page.locator("#advice-error")).to_contain_text("prefetch.conditions")
        assert "does not mean approval" in ehr.status


def test_card_is_dismissed(page: Page, folder: Path) -> None:
    """Why the advice was not followed is stored with the words of the clinician, and the order stays."""
    ehr = DemoEhr(page, "acute-low-back-pain")
    ehr.select()
    card = ehr.answered()["cards"][0]
    reason = card["overrideReasons"][0]
    ehr.dismiss(reason["display"], "foot drop since this morning")
    ehr.select()  # a busy machine may have asked before the card was on file
    expect(ehr.cards).to_have_count(0)
    assert ehr.drafts == ["MRI lumbar spine without contrast"]
    stored = newest(folder)
    assert (stored["outcome"], stored["card"]) == ("overridden", card["uuid"])
    assert (stored["reason"], stored["comment"]) == (reason["code"], "foot drop since this morning")


def test_hostile_texts_do_nothing(page: Page) -> None:
    """Markup in a chart, a device name or an order's note is shown as the text it is, and reaches no card."""
    ehr = DemoEhr(page, "folder:hostile")
    expect(page.locator("#person-name")).to_contain_text("<script>window.owned = 1</script>")
    expect(page.locator("#summary")).to_contain_text("<script>window.owned = 1</script>")
    page.get_by_text("Order something").click()
    page.get_by_label("Note to radiology").fill(HOSTILE)
    page.get_by_role("button", name="Add to the draft orders").click()
    ehr.sign()
    expect(ehr.cards.first).to_be_visible()
    expect(page.locator(".draft").last).to_contain_text("<img src=x")
    assert page.evaluate("window.owned") is None
    assert page.locator("main img, main script, main iframe").count() == 0
    assert page.locator("main a[href^='javascript']").count() == 0
    details = [card["detail"] + card["summary"] for card in ehr.answered()["cards"]]
    assert not any(sign in text for text in details for sign in ("<", "![", "](", "@everybody"))


def test_service_that_sends_markup_is_cleaned(page: Page) -> None:
    """Even a card that was written by somebody else shows no picture, script or form."""
    answer(page, cards=[{**card(), "summary": HOSTILE, "detail": HOSTILE + "\n\n**bold** <form><input></form>"}])
    ehr = DemoEhr(page)
    ehr.select()
    expect(ehr.cards.locator("strong")).to_have_text("bold")
    assert ehr.cards.locator("img, script, form, input").count() == 0
    assert page.evaluate("window.owned") is None


def card(**members: Any) -> dict[str, Any]:
    """Return a card of another service."""
    return {"uuid": "c-1", "summary": "Try this", "indicator": "info", "source": {"label": "Test"}, **members}


def answer(page: Page, **response: Any) -> None:
    """Answer the first order-select call as another service might, and later ones with no card."""
    answers = [{"cards": [], **response}]

    def fulfil(route: Route) -> None:
        route.fulfill(json=answers.pop() if answers else {"cards": []})

    page.route("**/cds-services/lumbar-mri-order-select", fulfil)
    page.route("**/feedback", lambda route: route.fulfill(json={}))


def test_actions_apply_as_a_transaction(page: Page) -> None:
    """Deletes come first, then creates, then updates, whatever their order; ids of new orders are the EHR's."""
    order = request("acute-low-back-pain")["context"]["draftOrders"]["entry"][0]["resource"]
    other = {**order, "id": "other", "code": {"text": "Another order"}}
    actions = [
        {"type": "update", "description": "u", "resource": {**other, "priority": "urgent"}},
        {"type": "create", "description": "c", "resource": {**order, "id": "demo-order-1", "code": {"text": "Made"}}},
        {"type": "delete", "description": "d", "resource": "ServiceRequest/demo-order-1"},
        {"type": "delete", "description": "d", "resourceId": "ServiceRequest/nowhere"},
    ]
    suggestion = {"label": "Do it all", "uuid": "s-1", "actions": actions}
    answer(page, cards=[card(suggestions=[suggestion], selectionBehavior="any")])
    pasted = request("acute-low-back-pain")
    pasted["context"]["draftOrders"]["entry"].append({"resource": other})
    ehr = DemoEhr(page)
    ehr.paste(json.dumps(pasted))
    ehr.accept("Do it all")
    assert ehr.drafts == ["Another order", "Made"]
    expect(page.locator(".draft.changed")).to_contain_text("priority: routine → urgent")
    expect(page.locator(".draft.removed")).to_have_count(1)
    assert "not among the drafts" in ehr.status
    context = ehr.sent()["context"]
    made = context["draftOrders"]["entry"][1]["resource"]["id"]
    assert made != "demo-order-1"
    assert context["selections"] == ["ServiceRequest/other", f"ServiceRequest/{made}"]


def test_system_actions_are_applied_and_told(page: Page) -> None:
    """What a service changes by itself is on the screen too, not only in the data."""
    order = request("acute-low-back-pain")["context"]["draftOrders"]["entry"][0]["resource"]
    action = {"type": "update", "description": "Rate", "resource": {**order, "priority": "asap"}}
    answer(page, systemActions=[action])
    ehr = DemoEhr(page)
    ehr.select()
    expect(page.locator(".draft.changed")).to_contain_text("priority: routine → asap")
    assert "1 system action" in ehr.status


def test_answer_is_told_to_screen_readers(page: Page) -> None:
    """Who cannot see the card appear hears how many there are, how pressing, and what they say."""
    ehr = DemoEhr(page, "cauda-equina")
    ehr.sign()
    said = page.locator("#announcements").inner_text()
    assert said.startswith("1 card: critical, ")
    assert ehr.cards.locator(".summary").inner_text() in said


def test_everything_works_by_keyboard(page: Page) -> None:
    """From the chart to an accepted suggestion no mouse is needed, and the focus can be seen."""
    ehr = DemoEhr(page, "cauda-equina")
    page.locator("#patient").focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "sign":
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(ehr.cards).to_have_count(1)
    ehr.settled()
    ehr.focused("#advice-title")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".draft.changed")).to_contain_text("stat")


def test_curl_sends_the_same_request(page: Page) -> None:
    """The command holds the body as it was sent, where a shell changes nothing of it."""
    ehr = DemoEhr(page, "acute-low-back-pain")
    ehr.select()
    body = ehr.sent()
    page.get_by_text("As curl").click()
    code = page.locator(".wire-part", has_text="As curl").locator("code")
    expect(code).to_contain_text("END_OF_REQUEST")  # it is written once its part is open
    command = code.inner_text().splitlines()
    assert command[0].startswith("curl -sS 'http://127.0.0.1:")
    assert command[0].endswith("--data-binary @- <<'END_OF_REQUEST'")
    assert json.loads(command[1]) == body
    assert command[2] == "END_OF_REQUEST"


def test_phases_are_shown(page: Page) -> None:
    """How long each step in the service took can be read beside the answer."""
    ehr = DemoEhr(page, "acute-low-back-pain")
    ehr.select()
    expect(page.locator(".phases").first).to_contain_text("assess")
    expect(page.locator(".phases").first).to_contain_text("total")


def test_files_that_hold_no_chart_are_named(page: Page) -> None:
    """A broken file in the folder is told, and the other patients are there all the same."""
    DemoEhr(page)
    expect(page.locator("#unusable")).to_contain_text("broken.json: no sound JSON")
    expect(page.locator("#patient option[value='folder:hostile']")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_demo_with_an_answer_is_accessible(
    browser: Browser, demo_url: str, viewport: dict[str, int], scheme: Scheme
) -> None:
    """With cards, findings, timeline and everything unfolded, the page fits and axe finds nothing serious."""
    with opened_page(browser, demo_url, viewport=viewport, color_scheme=scheme) as page:
        ehr = DemoEhr(page, "pacemaker")
        ehr.sign()
        ehr.accept("Add CT myelography")
        page.evaluate("document.querySelectorAll('details').forEach(item => { item.open = true; })")
        expect(page.locator("svg.timeline:visible")).to_have_count(1)
        fits(page)
        accessible(page)


def test_without_scripts_the_page_says_so(browser: Browser, demo_url: str) -> None:
    """Without JavaScript there is no dead page, but a hint at the command line."""
    with opened_page(browser, demo_url, java_script_enabled=False) as page:
        page.goto("/demo")
        expect(page.locator("noscript p")).to_be_visible()
        expect(page.locator("#ehr")).to_be_hidden()


def test_insights_count_what_was_done_here(browser: Browser, tmp_path: Path) -> None:
    """What is done in the demo is on the insights page, each thing once and apart from real calls."""
    with running_service(tmp_path) as url, opened_page(browser, url) as page, clinic_of(url) as clinic:
        ehr = DemoEhr(page, "acute-low-back-pain")
        ehr.select()  # one order, one card
        ehr.accept("Physical therapy instead")  # and a call without a lumbar MRI
        ehr.open("pacemaker")
        ehr.sign()  # one order, one card
        ehr.accept("Add CT myelography")  # and a call with the same order, and a card
        ehr.dismiss(comment="The device card is here.")
        clinic.calls = 4
        clinic.await_records("demo")
        assert clinic.session.get(f"{url}/insights/export.json").json()["volume"][0]["calls"] == 0
        page.goto("/insights?records=demo")
        names = ("calls", "orders", "shown", "accepted", "overridden")
        numbers = {name: page.locator(f"#headline-{name} strong").inner_text() for name in names}
        assert numbers == {"calls": "4", "orders": "3", "shown": "3", "accepted": "2", "overridden": "1"}
