"""The pages in a real browser: by mouse, by keyboard alone, without scripts, and on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import expect

from tests.web.browser import DESKTOP, PHONE, accessible, fits, opened_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

    from tests.web.browser import Scheme

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser-pages")]

CLIPBOARD: Final = ["clipboard-read", "clipboard-write"]


def focused(page: Page) -> str:
    """Return the text or label of what has the keyboard."""
    text: str = page.evaluate(
        "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent).trim()"
    )
    return text


def tab_to(page: Page, name: str, most: int = 40) -> None:
    """Press Tab until something of this name has the keyboard."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if focused(page) == name:
            return
    pytest.fail(f"{name!r} is not reached with {most} presses of Tab")


def test_discovery_address_is_copied(page: Page, service_url: str) -> None:
    """One press puts the discovery address on the clipboard, and says so to eyes and ears."""
    page.context.grant_permissions(CLIPBOARD)
    page.goto("/")
    button = page.locator("[data-copy=discovery]")
    button.click()
    expect(button).to_have_text("Copied")
    expect(page.get_by_role("status")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == f"{service_url}/cds-services"


def test_address_is_selected_where_the_clipboard_is_closed(page: Page, service_url: str) -> None:
    """Where a browser keeps the clipboard to itself, the text is selected for Ctrl+C."""
    page.add_init_script("navigator.clipboard.writeText = () => Promise.reject(new Error('closed'))")
    page.goto("/")
    button = page.locator("[data-copy=discovery]")
    button.click()
    expect(button).to_have_text("Press Ctrl+C")
    assert page.evaluate("getSelection().toString()") == f"{service_url}/cds-services"


@pytest.mark.parametrize("path", ["/", "/criteria", "/scenarios", "/demo", "/docs"])
def test_first_tab_skips_the_navigation(page: Page, path: str) -> None:
    """Who uses the keyboard is past the navigation with two presses, and sees where they are."""
    page.goto(path)
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to content"
    expect(page.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_controls_are_reached_by_keyboard(page: Page) -> None:
    """Navigation, the copy button and the sandbox link all take the keyboard, with a visible outline."""
    page.goto("/")
    for name in ("Criteria", "Copy the discovery address", "Open the public CDS Hooks Sandbox on this service"):
        tab_to(page, name)
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"


def test_navigation_leads_around(page: Page) -> None:
    """Every page is one press away from every other, and the navigation shows which it is."""
    page.goto("/")
    for name in ("Demo", "Criteria", "API", "Start"):
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()
        expect(page.locator("nav [aria-current=page]")).to_have_text(name)


def test_codes_are_searched(page: Page) -> None:
    """Typing a code leaves the concepts that hold it, opened at the rows that fit."""
    page.goto("/criteria/codes")
    field = page.get_by_role("searchbox")
    everything = page.locator("details.entry:visible").count()
    field.fill("g83.4")
    expect(page.locator("details.entry:visible")).to_have_count(1)
    expect(page.locator("details.entry:visible summary")).to_contain_text("cauda_equina")
    expect(page.locator("details.entry:visible tbody tr:visible")).to_have_count(
        page.locator("details.entry tbody tr:visible", has_text="G83.4").count()
    )
    expect(page.locator("[data-filter-count]")).to_contain_text(f"1 of {everything} concepts")
    field.fill("pacemaker snomed")
    expect(page.locator("#implant_pacemaker tbody tr:visible").first).to_contain_text("SNOMED")
    field.fill("no such thing")
    expect(page.locator("[data-filter-count]")).to_contain_text("0 of")
    field.fill("")
    expect(page.locator("details.entry:visible")).to_have_count(everything)


def test_scenarios_are_searched(page: Page) -> None:
    """Typing leaves the cases that hold the words, and no heading over an empty list."""
    page.goto("/scenarios?outcome=CONTRAINDICATED")
    assert page.locator("details.entry:visible").count() > 1
    page.get_by_role("searchbox").fill("no such thing")
    expect(page.locator("details.entry:visible")).to_have_count(0)
    expect(page.get_by_role("heading", name="CONTRAINDICATED")).to_be_hidden()
    page.get_by_role("searchbox").fill("c-mr-unsafe")
    expect(page.get_by_role("heading", name="CONTRAINDICATED")).to_be_visible()
    expect(page.locator("details.entry:visible dl").first).to_be_visible()


def test_search_is_reached_and_used_by_keyboard(page: Page) -> None:
    """The search box takes the keyboard, and Enter asks the server for what was typed and keeps it."""
    page.goto("/criteria/codes")
    page.get_by_role("searchbox").focus()
    page.keyboard.type("claustrophobia")
    page.keyboard.press("Enter")
    page.wait_for_url("**/criteria/codes?q=claustrophobia")
    expect(page.locator("#claustrophobia table")).to_be_visible()
    expect(page.get_by_role("searchbox")).to_have_value("claustrophobia")


def test_link_to_a_concept_opens_it(page: Page) -> None:
    """A rule's link shows the codes it names, even when a search has hidden them."""
    page.goto("/criteria")
    rule = page.locator("[aria-labelledby=r-ces]")
    rule.locator("summary").click()
    rule.locator("a[href='/criteria/codes#cauda_equina']").click()
    expect(page.locator("#cauda_equina table")).to_be_in_viewport()
    page.get_by_role("searchbox").fill("claustrophobia")
    expect(page.locator("#cauda_equina")).to_be_hidden()
    page.evaluate("location.hash = ''; location.hash = 'cauda_equina'")
    expect(page.locator("#cauda_equina table")).to_be_in_viewport()


def test_criteria_are_printed_whole(page: Page) -> None:
    """On paper there is no navigation, and what is folded away on the screen is there."""
    page.goto("/criteria/codes")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation", name="Pages")).to_be_hidden()
    expect(page.get_by_role("searchbox")).to_be_hidden()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator("#cauda_equina table")).to_be_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.entry[open]").count() == 0


@pytest.mark.parametrize("path", ["/", "/criteria", "/docs"])
def test_page_is_read_without_scripts(browser: Browser, service_url: str, path: str) -> None:
    """Without JavaScript everything can be read, and no control stands there that does nothing."""
    with opened_page(browser, service_url, java_script_enabled=False) as page:
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("button", name="Copy")).to_have_count(0)
        expect(page.get_by_role("button", name="Print")).to_have_count(0)
        expect(page.get_by_role("searchbox")).to_have_count(0)
        for details in page.locator("details").all()[:3]:
            details.locator("summary").click()
            expect(details.locator("div, pre, a").first).to_be_visible()


@pytest.mark.parametrize(("viewport", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop", "phone"])
def test_call_is_tried_on_the_api_page(
    browser: Browser, service_url: str, viewport: dict[str, int], scheme: Scheme
) -> None:
    """An example is sent to this service from the page and answered there, for everybody to read, by mouse or keys."""
    with opened_page(browser, service_url, viewport=viewport, color_scheme=scheme) as page:
        page.goto("/docs")
        operation = page.locator("#operations-CDS_Hooks-call-order-sign")
        operation.locator("button.opblock-summary-control").press("Enter")
        operation.get_by_role("button", name="Try it out").click()
        operation.locator("select[aria-label=Example]").select_option("pacemaker")
        operation.get_by_role("button", name="Execute").click()
        answer = operation.locator(".live-responses-table")
        expect(answer.locator("td.response-col_status").last).to_contain_text("200")
        expect(answer).to_contain_text('"indicator": "critical"')
        fits(page)
        accessible(page)


@pytest.mark.parametrize(
    ("path", "words", "left"),
    [("/criteria/codes", "g83.4", "#cauda_equina"), ("/scenarios", "c-mr-unsafe", "#contraindicated")],
)
def test_lists_are_searched_without_scripts(
    browser: Browser, service_url: str, path: str, words: str, left: str
) -> None:
    """Without JavaScript the search form asks the server, and every entry opens."""
    with opened_page(browser, service_url, java_script_enabled=False) as page:
        page.goto(path)
        everything = page.locator("details.entry").count()
        page.get_by_role("searchbox").fill(words)
        page.get_by_role("button", name="Show").click()
        page.wait_for_url(f"**{path}?*q={words}*")
        assert 0 < page.locator("details.entry").count() < everything
        expect(page.locator(left).first).to_be_visible()
        page.get_by_role("link", name="Show all").click()
        expect(page.locator("details.entry")).to_have_count(everything)


def test_inline_code_is_not_run(browser: Browser, service_url: str) -> None:
    """Markup that slipped into a page would be dead: the policy runs no inline script and no handler."""
    context = browser.new_context(base_url=service_url)
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.route("**/docs", _with_hostile_markup)
    page.goto("/docs")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("window.owned") is None
    assert any("Content Security Policy" in text for text in refused)
    context.close()


def _with_hostile_markup(route: Route) -> None:
    """Answer with the page as the service sends it, its headers too, and with code put into it."""
    answer = route.fetch()
    hostile = "<script>window.owned = 1</script><img src=data:x onerror='window.owned = 1'><h1>"
    route.fulfill(response=answer, body=answer.text().replace("<h1>", hostile))


@pytest.mark.parametrize("path", ["/", "/criteria", "/scenarios", "/demo", "/docs"])
def test_dark_mode_is_dark(browser: Browser, service_url: str, path: str) -> None:
    """Who asks the system for dark gets light text on a dark ground, and the other way round."""
    for scheme, dark in (("dark", True), ("light", False)):
        with opened_page(browser, service_url, color_scheme=scheme, viewport=PHONE) as page:
            page.goto(path)
            red = page.evaluate("Number(getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/)[0])")
            assert (red < 128) == dark
