"""Takes the README's pictures from a running service; `python -m tests.web.pictures [FOLDER]` writes them anew.

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

from tests.web.browser import DESKTOP, MISSING, PHONE, chromium_path, opened_page, running_browser, running_service

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.sync_api import Browser, Page

    from tests.web.browser import Scheme

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


def _search(page: Page) -> None:
    page.get_by_role("searchbox").fill("pacemaker")
    page.get_by_role("searchbox").scroll_into_view_if_needed()


SHOTS: Final = (
    Shot("start", "/", DESKTOP),
    Shot("criteria", "/criteria", DESKTOP),
    Shot("criteria-card", "/criteria", DESKTOP, of="[aria-labelledby=c-notapp-6w] .card"),
    Shot("criteria-codes", "/criteria#codes", DESKTOP, before=_search),
    Shot("criteria-phone-dark", "/criteria#c-mr-hold", PHONE, "dark"),
    Shot("api", "/docs#call-order-sign", DESKTOP),
)


def take(browser: Browser, url: str, shot: Shot, folder: Path) -> None:
    """Take one picture, with two pixels for one so that text stays sharp where it is shown smaller."""
    options = {"viewport": shot.viewport, "color_scheme": shot.scheme, "device_scale_factor": 2}
    with opened_page(browser, url, **options) as page:
        page.goto(shot.path)
        shot.before(page)
        file = folder / f"{shot.name}.png"
        if shot.of:
            page.locator(shot.of).screenshot(path=file)
        else:
            page.screenshot(path=file)


def main() -> None:
    """Take all pictures."""
    executable = chromium_path()
    if executable is None:
        sys.exit(MISSING)
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        running_service(Path(data)) as url,
        running_browser(executable) as browser,
    ):
        for shot in SHOTS:
            take(browser, url, shot, folder)


if __name__ == "__main__":
    main()
