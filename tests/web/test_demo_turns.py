"""The demo EHR while an answer is pending, withheld, refused or lost: what is shown always belongs together."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from cds_service.clients.profile import Mode
from cds_service.clients.switch_writer import write_switch
from tests.service import PATIENCE
from tests.web.browser import PHONE, fits, opened_page, running_service
from tests.web.demo_ehr import DemoEhr, request, unwatched

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser-demo")]


@pytest.fixture(scope="module")
def demo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service of its own, so that nothing is counted or stored for other tests."""
    with running_service(tmp_path_factory.mktemp("demo-turns")) as url:
        yield url


@pytest.fixture
def page(browser: Browser, demo_url: str) -> Iterator[Page]:
    """A page at desktop width; the test fails if it complained or asked another host for anything."""
    with opened_page(browser, demo_url) as opened:
        yield opened


def test_page_keeps_its_shape_while_it_waits(browser: Browser, demo_url: str) -> None:
    """While a call runs, the page says so, locks what the answer depends on, and does not jump about on a phone."""
    with opened_page(browser, demo_url, viewport=PHONE) as page:
        ehr = DemoEhr(page)
        with ehr.held("**/cds-services/lumbar-mri-order-sign") as held:
            page.locator("#sign").focus()
            page.keyboard.press("Enter")
            expect(page.locator("#progress")).to_be_visible()
            expect(page.locator("#select")).to_be_disabled()
            ehr.focused("#sign")
            page.keyboard.press("Enter")  # a second press is no second call
            for name in ("patient", "pasted", "sources", "ordering", "cards"):
                expect(page.locator(f"#{name}")).to_have_js_property("inert", True)
            fits(page)
            assert len(held) == 1
            held[0].continue_()
            ehr.settled()
        expect(page.locator("#progress")).to_be_hidden()
        expect(ehr.cards).to_have_count(1)
        expect(page.locator("#patient")).to_have_js_property("inert", False)


def test_withheld_advice_is_called_withheld(browser: Browser, tmp_path: Path) -> None:
    """In silent mode the page does not let an emergency look like silence of the guideline, nor its card as said."""
    (tmp_path / "data").mkdir()
    write_switch(tmp_path / "data" / "switches.toml", "*", Mode.SILENT)
    with running_service(tmp_path) as url, opened_page(browser, url) as page:
        ehr = DemoEhr(page, "cauda-equina")
        ehr.sign()
        expect(ehr.cards).to_have_count(0)
        assert "Mode silent: assessed and withheld" in ehr.status
        assert "interrupted" not in ehr.status
        assert "Would have said: Suspected cauda equina" in ehr.findings
        ehr.open("unrelated-order")
        ehr.select()
        assert "nobody gets a card, whatever is found" in ehr.status


def test_mode_off_is_told_as_it_is_in_force(browser: Browser, tmp_path: Path) -> None:
    """Switched off while the page is open, the service is not said to have looked at the order."""
    with running_service(tmp_path) as url, opened_page(browser, url) as page:
        ehr = DemoEhr(page, "cauda-equina")
        expect(page.locator("#mode-withholds")).to_be_hidden()
        write_switch(tmp_path / "data" / "switches.toml", "*", Mode.OFF)
        expect(page.locator("#mode")).to_have_text("on")
        deadline = time.monotonic() + PATIENCE
        while page.request.post("/demo/look", data=request("cauda-equina")).json()["mode"] != "off":
            assert time.monotonic() < deadline
        ehr.sign()
        expect(page.locator("#mode")).to_have_text("off")
        expect(page.locator("#mode-withholds")).to_be_visible()
        assert "Mode off: the service did not look at the orders" in ehr.status
        assert "Would have said: Suspected cauda equina" in ehr.findings


def test_pilot_tells_why_a_user_gets_no_card(page: Page) -> None:
    """A tester who takes no part in the pilot does not take the missing card for the guideline's answer."""

    def in_pilot(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), "mode": "pilot"})

    page.route("**/demo/look", in_pilot)
    page.route("**/cds-services/lumbar-mri-order-sign", lambda route: route.fulfill(json={"cards": []}))
    ehr = DemoEhr(page, "cauda-equina")
    ehr.sign()
    assert "Mode pilot: assessed and withheld, since this user does not take part" in ehr.status


def test_refused_paste_leaves_everything_as_it_was(browser: Browser, demo_url: str) -> None:
    """A request that the service refuses takes nobody's chart away: patient, drafts and chooser stay together."""
    with unwatched(browser, demo_url) as page:
        ehr = DemoEhr(page, "pacemaker")
        name, drafts = page.locator("#person-name").inner_text(), ehr.drafts
        ehr.paste('{"hook": "order-sign"}')
        expect(page.locator("#advice-error")).to_contain_text("400")
        assert ehr.drafts == drafts
        expect(page.locator("#person-name")).to_have_text(name)
        expect(page.locator("#person-origin")).to_have_text("invented")
        expect(page.locator("#patient")).to_have_value("pacemaker")
        ehr.sign()
        assert ehr.sent()["context"]["patientId"] == "demo-pacemaker"


def test_pasted_patient_replaces_the_earlier_one(page: Page) -> None:
    """Nobody sees a pasted order under another patient's name, neither while it is read nor in the chooser."""
    ehr = DemoEhr(page, "pacemaker")
    with ehr.held("**/demo/look") as held:
        page.get_by_text("Paste a hook request instead").click()
        page.locator("#pasted").fill(json.dumps(request("cauda-equina")))
        page.get_by_role("button", name="Send as pasted").click()
        expect(page.locator("#patient option:checked")).to_have_text("(pasted request)")
        for name in ("banner", "summary", "timeline"):
            expect(page.locator(f"#{name}")).to_be_hidden()
        page.wait_for_function("document.querySelector('.exchange') !== null")
        held[0].continue_()
        ehr.settled()
    expect(page.locator("#person-name")).to_have_text("Bruno Demo-Cedar")
    ehr.focused("#advice-title")
    ehr.open("pacemaker")
    expect(page.locator("#pasted-option")).to_have_count(0)
    expect(page.locator("#person-origin")).to_have_text("invented")


def test_chart_cannot_change_under_a_call(page: Page) -> None:
    """Cards never stand under the name of a patient whom they are not about, even where a lock is got around."""
    ehr = DemoEhr(page, "cauda-equina")
    with ehr.held("**/cds-services/lumbar-mri-order-sign") as held:
        page.locator("#sign").click()
        expect(page.locator("#progress")).to_be_visible()
        page.evaluate(
            "() => { const chooser = document.getElementById('patient');"
            " chooser.value = 'pacemaker'; chooser.dispatchEvent(new Event('change')); }"
        )
        expect(page.locator("#patient")).to_have_value("cauda-equina")
        held[0].continue_()
        ehr.settled()
    expect(page.locator("#person-name")).to_have_text("Bruno Demo-Cedar")
    expect(ehr.cards).to_have_count(1)


def test_answer_about_changed_orders_is_thrown_away(page: Page) -> None:
    """An answer that comes after its order has gone shows no card."""
    ehr = DemoEhr(page, "cauda-equina")
    with ehr.held("**/cds-services/lumbar-mri-order-select") as held:
        page.locator("#select").click()
        expect(page.locator("#progress")).to_be_visible()
        page.evaluate("document.querySelector('.draft button').click()")
        ehr.settled()
        with page.expect_response("**/cds-services/lumbar-mri-order-select"):
            held[0].continue_()
    assert "have changed" in ehr.status
    ehr.sign()
    assert "No draft order is left" in ehr.status
    expect(ehr.cards).to_have_count(0)
    expect(page.locator(".exchange")).to_have_count(0)


def test_later_chart_wins(page: Page) -> None:
    """Who goes on through the chooser before a chart is there ends at the last one, not at the slowest."""
    ehr = DemoEhr(page, "acute-low-back-pain")
    with ehr.held("**/demo/patients/pacemaker") as held:
        page.locator("#patient").select_option("pacemaker")
        expect(page.locator("#banner")).to_be_hidden()
        expect(page.locator("#ordering")).to_have_js_property("inert", True)
        ehr.open("cauda-equina")
        with page.expect_response("**/demo/patients/pacemaker"):
            held[0].continue_()
    expect(page.locator("#person-name")).to_have_text("Bruno Demo-Cedar")
    expect(page.locator("#patient")).to_have_value("cauda-equina")
    ehr.sign()
    assert ehr.sent()["context"]["patientId"] == "demo-cauda-equina"


def test_chart_that_cannot_be_opened_leaves_the_earlier_one(browser: Browser, demo_url: str) -> None:
    """The chooser names the patient whose orders are on the screen, also after a failure."""
    with unwatched(browser, demo_url) as page:
        ehr = DemoEhr(page, "cauda-equina")
        page.route("**/demo/patients/pacemaker", lambda route: route.abort())
        ehr.open("pacemaker")
        expect(page.locator("#advice-error")).to_contain_text("could not be reached")
        expect(page.locator("#patient")).to_have_value("cauda-equina")
        expect(page.locator("#person-name")).to_be_visible()
        expect(page.locator("#person-name")).to_have_text("Bruno Demo-Cedar")


def test_lost_feedback_is_told_and_nothing_done_twice(browser: Browser, demo_url: str) -> None:
    """Where the feedback does not get through, the suggestion was applied once, its card is gone, and that is said."""
    with unwatched(browser, demo_url) as page:
        ehr = DemoEhr(page, "pacemaker")
        page.route("**/feedback", lambda route: route.abort())
        ehr.sign()
        ehr.accept("Add CT myelography")
        assert ehr.drafts == ["MRI lumbar spine without contrast", "CT myelography, lumbar"]
        assert "the feedback could not be sent" in ehr.status
        assert "was answered with 1 card" in ehr.status
        expect(page.locator(".suggestion button", has_text="Add CT myelography")).to_have_count(0)
        ehr.dismiss()
        expect(ehr.cards).to_have_count(0)
        assert "the feedback could not be sent" in ehr.status


def test_service_lost_after_acceptance_is_told(browser: Browser, demo_url: str) -> None:
    """Where not even the next call gets through, what was accepted is still said, and cannot be accepted again."""
    with unwatched(browser, demo_url) as page:
        ehr = DemoEhr(page, "pacemaker")
        ehr.sign()
        page.route("**/cds-services/**", lambda route: route.abort())
        ehr.accept("Add CT myelography")
        assert len(ehr.drafts) == 2
        assert ehr.status.startswith("Accepted")
        assert "does not mean approval" in ehr.status
        expect(ehr.cards).to_have_count(0)


def test_keyboard_is_never_lost(page: Page) -> None:
    """After each step the focus is where the next one begins: at the advice, at the next draft, at order entry."""
    ehr = DemoEhr(page, "pacemaker")
    page.locator("#select").press("Enter")
    ehr.settled()
    ehr.focused("#advice-title")
    page.locator(".suggestion button").first.press("Enter")
    ehr.settled()
    ehr.focused("#advice-title")
    assert len(ehr.drafts) == 2
    page.locator(".draft button").first.press("Enter")
    ehr.focused(".draft input[type=checkbox]")
    page.locator(".draft-head button").press("Enter")
    ehr.focused("#order-entry > summary")
    page.locator("#sign").press("Enter")
    ehr.focused("#advice-title")
    assert "No draft order is left" in ehr.status
    page.locator("#patient").focus()
    ehr.open("cauda-equina")
    ehr.focused("#patient")
