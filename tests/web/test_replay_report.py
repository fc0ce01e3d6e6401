"""The report of a replay and the comparison of two, as a browser shows them: readable by everybody, from one file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cds_service.replay.compare.comparing import compare
from cds_service.replay.compare.writing import write_comparison
from cds_service.replay.report.writing import write_report
from tests.replay_rows import invented_year, write_result
from tests.web.browser import DESKTOP, PHONE, Watch, accessible, fits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.web.browser import Scheme

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser-pages")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the report of an invented year, and with a comparison."""
    out = tmp_path_factory.mktemp("replay")
    rows = invented_year(800)
    write_report(write_result(out / "a", rows))
    turned = [replace(row, outcome="APPROPRIATE", cards=()) if row.is_deferred else row for row in rows]
    write_comparison(compare(out / "a", write_result(out / "b", turned)), out)
    return out


@pytest.fixture(params=["phone", "desktop"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page without scripts, on a phone in the dark or at a desk; the test fails if it asked anybody for anything."""
    phone = request.param == "phone"
    scheme: Scheme = "dark" if phone else "light"
    options: dict[str, Any] = {"viewport": PHONE if phone else DESKTOP, "color_scheme": scheme}
    # axe is a script, which the policy of the file forbids.
    context = browser.new_context(bypass_csp=True, **options)
    opened = context.new_page()
    watch = Watch(opened, "file:///")
    yield opened
    context.close()
    assert watch.problems == []


@pytest.mark.parametrize("file", ["a/report.html", "compare.html"])
def test_file_fits_and_is_accessible(page: Page, folder: Path, file: str) -> None:
    """No file is wider than its window, and axe finds nothing serious in it, with everything unfolded."""
    page.goto((folder / file).as_uri())
    page.locator("details").evaluate_all("all => all.forEach(item => { item.open = true })")
    fits(page)
    accessible(page)


def test_bars_are_drawn(page: Page, folder: Path) -> None:
    """The plots have marks with a width, and what each says when it is pointed at."""
    page.goto((folder / "a" / "report.html").as_uri())
    bars = page.locator("#clinic .marks rect.s-shown")
    assert bars.count() > 3
    box = bars.first.bounding_box()
    assert box is not None
    assert box["width"] > 20
    assert "orders" in bars.first.locator("title").text_content()  # type: ignore[operator] # each has a title


def test_what_is_folded_is_printed(page: Page, folder: Path) -> None:
    """On paper nobody can unfold a table."""
    page.goto((folder / "a" / "report.html").as_uri())
    page.emulate_media(media="print")
    assert page.locator("#clinic details table").first.bounding_box()["height"] > 50  # type: ignore[index] # it is drawn
    assert page.locator("nav.jump").is_hidden()
