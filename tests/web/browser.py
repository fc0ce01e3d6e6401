"""A running service and a browser on it, for tests and for the README's pictures."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped] # ships no types
from playwright.sync_api import sync_playwright

from tests.service import PATIENCE, Running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

PHONE: Final = {"width": 360, "height": 740}
DESKTOP: Final = {"width": 1280, "height": 900}
MISSING: Final = (
    "no Chromium: apt-get install chromium-headless-shell fonts-liberation (Debian), or put one on the PATH"
)
_GRAVE: Final = ("serious", "critical")
# Two regions of one name are a maze for whoever goes from region to region, though axe calls that moderate.
_ALSO: Final = ("landmark-unique",)
_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

_PROGRAMS: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")

Scheme = Literal["light", "dark"]


def chromium_path() -> str | None:
    """Return where the installed Chromium is: the one without windows, which is quicker, where there is one."""
    return next(filter(None, map(shutil.which, _PROGRAMS)), None)


@contextmanager
def running_service(folder: Path, **settings: str) -> Iterator[str]:
    """Run the service as its command line does, with its data in a folder; yield its address.

    Settings are given as the variables are named, without the prefix: `PROFILE="production"`.
    """
    service = Running(folder, workers=1, settings=settings)
    try:
        yield service.url
    finally:
        service.stop()


@contextmanager
def running_browser(executable: str) -> Iterator[Browser]:
    """Run the installed Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=[*_ARGUMENTS], headless=True)
        yield browser
        browser.close()


class Watch:
    """Notes everything that a page must not do: complain, crash, or ask another host for anything."""

    def __init__(self, page: Page, url: str) -> None:
        """Watch a page that may talk to the host of one address only."""
        self.problems: list[str] = []
        self._host = urlsplit(url).netloc
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console {message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.netloc != self._host:
            self.problems.append(f"request to another host: {address.scheme}://{address.netloc}")


@contextmanager
def opened_page(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    """Open an empty page whose relative addresses start at the service; AssertionError if it misbehaved."""
    context = browser.new_context(base_url=url, viewport=options.pop("viewport", DESKTOP), **options)
    context.set_default_timeout(PATIENCE * 1000)
    page = context.new_page()
    watch = Watch(page, url)
    try:
        yield page
    finally:
        context.close()
    assert not watch.problems, "\n".join(watch.problems)


def accessible(page: Page) -> None:
    """Fail on serious and critical violations of accessibility in what the page shows."""
    # Only violations: describing every element that is fine takes most of the time on a long page.
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    grave = [item for item in found if item["impact"] in _GRAVE or item["id"] in _ALSO]
    lines = [f"{item['id']} ({item['impact']}): {node['html'][:200]}" for item in grave for node in item["nodes"][:5]]
    assert not grave, "\n".join(lines)


def fits(page: Page) -> None:
    """Fail when the page as a whole is wider than the window."""
    wide, window = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= window, f"the page is {wide} px wide in a window of {window} px"
