"""The insights in a browser: they can be read, pointed at, filtered, downloaded, and they tell what was done."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Final

import pytest

from tests.web.browser import DESKTOP, PHONE, accessible, fits, opened_page, running_service
from tests.web.insights import TOKEN, clinic_of, seeded_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.web.browser import Scheme

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser-demo")]

SYNTHETIC: Final = "/insights?records=synthetic&period=all"


@pytest.fixture(scope="module")
def insights_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service in development with six weeks of synthetic records and no real ones."""
    with seeded_service(tmp_path_factory.mktemp("insights")) as url:
        yield url


@pytest.fixture
def insights(browser: Browser, insights_url: str) -> Iterator[Page]:
    """The insights of all synthetic records, at desktop width."""
    with opened_page(browser, insights_url) as page:
        page.goto(SYNTHETIC)
        yield page


def headline(page: Page, ident: str) -> str:
    """Return a number at the top of the page."""
    return page.locator(f"#headline-{ident} strong").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_page_fits_and_is_accessible(
    browser: Browser, insights_url: str, viewport: dict[str, int], scheme: Scheme
) -> None:
    """With plots, with open tables and without any record it can be read by everybody, on a phone and in the dark."""
    with opened_page(browser, insights_url, viewport=viewport, color_scheme=scheme) as page:
        page.goto(SYNTHETIC)
        fits(page)
        page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true })")
        fits(page)
        looked_at = (viewport is PHONE) == (scheme == "dark")  # as for every page
        if looked_at:
            accessible(page)
        page.goto("/insights")
        page.get_by_role("heading", name="Nothing is on record yet").wait_for()
        fits(page)
        if looked_at:
            accessible(page)


def test_pointing_at_a_mark_shows_its_numbers(insights: Page) -> None:
    """The number behind each part of a plot is one movement away, inside the window."""
    tip = insights.locator("#plot-tip")
    for mark in ("#messages .bars .s-overridden", "#trend .place", "#outcomes .bars .s-silent", "#latencies .dot g"):
        place = insights.locator(mark).first
        place.scroll_into_view_if_needed()
        place.hover()
        tip.wait_for()
        assert re.search(r"\d", tip.inner_text())
        box = tip.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= DESKTOP["width"]
    insights.keyboard.press("Escape")
    assert tip.is_hidden()


def test_keyboard_reads_every_mark(insights: Page) -> None:
    """The arrow keys go through a plot, and what they reach is told to screen readers as well."""
    plot = insights.locator("#reasons [data-plot]")
    plot.focus()
    insights.keyboard.press("ArrowRight")
    tip, told = insights.locator("#plot-tip"), insights.locator("#announcements")
    first = tip.inner_text()
    assert told.inner_text() == first
    insights.keyboard.press("End")
    assert tip.inner_text() == told.inner_text() != first
    insights.keyboard.press("Home")
    assert tip.inner_text() == first
    insights.keyboard.press("Tab")
    assert tip.is_hidden()


def test_without_script_the_browser_tells_the_numbers(browser: Browser, insights_url: str) -> None:
    """Plots, tips, tables and filters work where scripts do not run."""
    with opened_page(browser, insights_url, java_script_enabled=False) as page:
        page.goto(SYNTHETIC)
        tip = page.locator("#messages .bars .s-accepted title").first.text_content()
        assert tip
        assert re.search(r"\d+ of \d+ cards accepted", tip)
        page.get_by_label("Client").select_option("synthetic-clinic")
        page.get_by_role("button", name="Show").click()
        assert "client=synthetic-clinic" in page.url
        assert "synthetic-clinic" in page.locator(".selected").inner_text()


def test_filters_lead_to_an_address_that_can_be_shared(insights: Page, browser: Browser, insights_url: str) -> None:
    """What is chosen stands in the address, without what is not, and shows the same to somebody else."""
    everything = headline(insights, "calls")
    insights.get_by_label("Client").select_option("synthetic-hospital")
    insights.get_by_label("Trend").select_option("week")
    insights.get_by_role("button", name="Show").click()
    insights.wait_for_url("**client=**")
    assert insights.url.endswith("/insights?period=all&client=synthetic-hospital&records=synthetic&by=week")
    chosen = headline(insights, "calls")
    assert chosen != everything
    with opened_page(browser, insights_url) as other:
        other.goto(insights.url)
        assert headline(other, "calls") == chosen
        other.get_by_role("link", name="Last 7 days").click()
        other.wait_for_url("**period=7**")
        assert "client=synthetic-hospital" in other.url
        assert headline(other, "calls") != chosen


def test_table_and_download_hold_the_numbers_of_the_plot(insights: Page) -> None:
    """What is plotted can be read as a table, and the file of it is the same and marked as synthetic."""
    section = insights.locator("#outcomes")
    section.get_by_text("The numbers as a table").click()
    table = section.locator("tbody tr").all()
    shown = {row.locator("td").nth(0).inner_text(): row.locator("td").nth(1).inner_text() for row in table}
    with insights.expect_download() as download:
        section.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == "lumbar-mri-insights-synthetic-outcomes.csv"
    with download.value.path().open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["outcome"]: f"{int(row['orders']):,}" for row in rows} == shown
    assert {row["records"] for row in rows} == {"synthetic"}


def test_page_shows_exactly_what_was_done(browser: Browser, tmp_path: Path) -> None:
    """After hook calls and feedback against the running service the page counts these, and nothing else."""
    with running_service(tmp_path) as url, clinic_of(url) as clinic:
        clinic.send_demos()
        label, reason = clinic.accept(), clinic.override()
        exported = clinic.await_records()
        assert exported["cards"][0]["shown"] == clinic.shown
        with opened_page(browser, url) as page:
            page.goto("/insights")
            numbers = {name: headline(page, name) for name in ("calls", "orders", "shown", "accepted", "overridden")}
            assert numbers == {
                "calls": str(clinic.calls),
                "orders": str(clinic.lumbar_orders),
                "shown": str(clinic.shown),
                "accepted": "1",
                "overridden": "1",
            }
            assert headline(page, "unanswered") == str(clinic.shown - 2)
            assert headline(page, "rate") == f"{100 * clinic.fired / clinic.lumbar_orders:.1f}"
            assert reason in page.locator("#reasons .bar-name").inner_text()
            accepted = page.locator("#suggestions .bar-row", has_text="1 of").locator(".bar-name").inner_text()
            assert accepted.split(",")[0] == label.split(",")[0]
            assert page.locator(".few").count() > 5
            assert page.locator(".chip.warning").count() == 0
            accessible(page)


def test_token_opens_the_page(browser: Browser, tmp_path: Path) -> None:
    """In production the page asks for the token, shows what was asked for then, and forgets on signing out."""
    with (
        seeded_service(tmp_path, PROFILE="production", ADMIN_TOKEN=TOKEN) as url,
        opened_page(browser, url, viewport=PHONE, color_scheme="dark") as page,
    ):
        page.goto(SYNTHETIC)
        assert page.url == f"{url}/insights/login?records=synthetic&period=all"
        fits(page)
        accessible(page)
        page.get_by_label("Administrator token").fill(TOKEN)
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{SYNTHETIC}")
        assert int(headline(page, "calls").replace(",", "")) > 1000
        assert TOKEN not in page.content()
        (cookie,) = page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/")
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/insights/login")
        page.context.add_cookies([{"name": cookie["name"], "value": cookie["value"], "url": f"{url}/insights"}])
        page.goto("/insights")
        assert page.get_by_label("Administrator token").is_visible()
        assert TOKEN not in (tmp_path / "output").read_text()
