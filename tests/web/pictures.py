"""Takes the pictures of the documents from a running service; `python -m tests.web.pictures [FOLDER]` writes them anew.

They stand in `docs/pictures`. A picture that a test compared would differ between two builds of a browser, so nothing
compares them: whoever changes a page takes them again.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cds_service.replay.compare.comparing import compare
from cds_service.replay.compare.writing import write_comparison
from cds_service.replay.report.writing import write_report
from tests.replay_rows import invented_year, write_result
from tests.web.browser import DESKTOP, MISSING, chromium_path, opened_page, running_browser
from tests.web.insights import seeded_service
from tests.web.shapes import PANELS, Panel, page_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.sync_api import Browser, Page

    from cds_service.replay.rows import OrderRow
    from tests.web.browser import Scheme

# What the pages name as their address: the port in use is another at each run.
SHOWN_URL: Final = "http://127.0.0.1:8080"
FOLDER: Final = Path(__file__).parents[2] / "docs" / "pictures"


@dataclass(frozen=True)
class Shot:
    """One picture: its file name, the page, the window, and what to do before it is taken.

    `of` is a selector of what is taken; without one it is what the window shows.
    """

    name: str
    path: str
    viewport: Mapping[str, int]
    scheme: Scheme = "light"
    of: str = ""
    before: Callable[[Page], object] = lambda _: None


def _order(hook: str) -> Callable[[Page], object]:
    """Return what fires a hook in the demo and goes back to the top, where the patient is."""

    def fire(page: Page) -> None:
        page.locator("#summary dl").wait_for()
        page.locator(f"#{hook}").click()
        page.locator("#cards .card").first.wait_for()
        page.locator("#ehr[aria-busy=false]").wait_for()
        page.evaluate("scrollTo(0, 0)")

    return fire


def _point(page: Page) -> None:
    page.locator("#messages").scroll_into_view_if_needed()
    page.locator("#messages .bars .s-overridden").first.hover()


# High enough for the patient, the order and the card beside the timeline and the findings.
_DESK: Final = {"width": 1280, "height": 1480}
_INSIGHTS: Final = "/insights?records=synthetic&period=all"
_TALL: Final = {"width": 1280, "height": 1180}

SHOTS: Final = (
    Shot("criteria", "/criteria", DESKTOP),
    Shot("demo", "/demo?patient=pacemaker", _DESK, before=_order("sign")),
    Shot("demo-card", "/demo?patient=acute-low-back-pain", DESKTOP, of="#cards .card", before=_order("select")),
    Shot("demo-timeline", "/demo?patient=failed-six-weeks", DESKTOP, of=".timeline-panel", before=_order("select")),
    Shot("insights", _INSIGHTS, _TALL),
    Shot("insights-messages", _INSIGHTS, _TALL, of="#messages", before=_point),
)


def take(browser: Browser, url: str, shot: Shot, folder: Path) -> None:
    """Take one picture, with more pixels than the window has, so that text stays sharp."""
    options = {"viewport": shot.viewport, "color_scheme": shot.scheme, "device_scale_factor": 1.5}
    with opened_page(browser, url, **options) as page:
        page.goto(shot.path)
        shot.before(page)
        file = folder / f"{shot.name}.png"
        if shot.of:
            page.locator(shot.of).screenshot(path=file)
        else:
            page.screenshot(path=file)


def take_report(browser: Browser, folder: Path) -> None:
    """Take the pictures of the report of a replay and of a comparison, both of an invented year."""
    with tempfile.TemporaryDirectory() as made:
        out, rows = Path(made), invented_year()
        write_report(write_result(out / "2025", rows))
        changed = [_with_shorter_wait(row) for row in rows]
        write_comparison(compare(out / "2025", write_result(out / "2025-28-days", changed)), out)
        page = browser.new_page(viewport={"width": 1280, "height": 1180}, device_scale_factor=1.5)
        page.goto((out / "2025" / "report.html").as_uri())
        page.screenshot(path=folder / "replay-report.png")
        page.locator("#clinic").screenshot(path=folder / "replay-clinic.png")
        page.goto((out / "compare.html").as_uri())
        page.locator("#changes").screenshot(path=folder / "replay-compare.png")
        page.close()


def _with_shorter_wait(row: OrderRow) -> OrderRow:
    """Return an order as it might be answered with four weeks of care in place of six."""
    fits = any(other.value == 28 and other.outcome == "APPROPRIATE" for other in row.alternatives)
    if not (row.is_deferred and fits):
        return row
    return replace(row, outcome="APPROPRIATE", messages=("C-APPROP-6W",), cards=(), met=("R-SCOPE", "R-FAIL6W"))


def draw(browser: Browser, panel: Panel, folder: Path) -> None:
    """Take the picture of two cards as a kind of EHR shows them."""
    page = browser.new_page(viewport={"width": panel.width + 24, "height": 400}, device_scale_factor=1.5)
    page.set_content(page_of(panel, "C-NOTAPP-6W", "C-MR-UNSAFE"))
    page.screenshot(path=folder / f"shape-{panel.name}.png", full_page=True)
    page.close()


def main() -> None:
    """Take all pictures."""
    executable = chromium_path()
    if executable is None:
        sys.exit(MISSING)
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        seeded_service(Path(data), PUBLIC_URL=SHOWN_URL) as url,
        running_browser(executable) as browser,
    ):
        for shot in SHOTS:
            take(browser, url, shot, folder)
        for panel in PANELS:
            draw(browser, panel, folder)
        take_report(browser, folder)


if __name__ == "__main__":
    main()
