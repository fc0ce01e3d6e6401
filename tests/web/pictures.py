"""Takes the pictures of the documents from a running service; `python -m tests.web.pictures [FOLDER]` writes them anew.

They stand in `docs/pictures`. A picture that a test compared would differ between two builds of a browser, so nothing
compares them: whoever changes a page takes them again.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.web.browser import DESKTOP, MISSING, chromium_path, opened_page, running_browser
from tests.web.insights import seeded_service
from tests.web.shapes import PANELS, Panel, page_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.sync_api import Browser, Page

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


if __name__ == "__main__":
    main()
