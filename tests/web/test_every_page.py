"""What holds for every page: it fits, it can be read by everybody, and it keeps to itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.web.browser import DESKTOP, PHONE, accessible, fits, opened_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.web.browser import Scheme

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser-pages")]

# Of long lists a part, which is made as the whole is.
PATHS: Final = (
    "/",
    "/criteria",
    "/criteria/codes?q=implant",
    "/why/C-NOTAPP-6W",
    "/review",
    "/scenarios?outcome=CONTRAINDICATED",
    "/demo",
    "/calls",
    "/docs",
)
# What is folded away is not looked at: this many entries are opened first.
OPENED: Final = 4
NARROW: Final = {"width": 360, "height": 740}


@pytest.mark.parametrize("path", PATHS)
def test_navigation_is_one_row_on_a_small_phone(browser: Browser, service_url: str, path: str) -> None:
    """No link stands alone on a row of its own, and nothing sticks out."""
    with opened_page(browser, service_url, viewport=NARROW) as page:
        page.goto(path)
        fits(page)
        tops = page.locator(".site-header nav a").evaluate_all("links => links.map(link => link.offsetTop)")
        assert len(set(tops)) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("path", PATHS)
def test_page_fits_and_is_accessible(
    browser: Browser, service_url: str, path: str, viewport: dict[str, int], scheme: Scheme
) -> None:
    """No page is wider than its window, and axe finds nothing serious in it, on a phone in the dark and at a desk."""
    with opened_page(browser, service_url, viewport=viewport, color_scheme=scheme) as page:
        page.goto(path)
        page.locator("details").evaluate_all(f"all => all.slice(0, {OPENED}).forEach(item => {{ item.open = true }})")
        fits(page)
        # It takes long on long pages, and what it finds depends on window and scheme separately.
        if (viewport is PHONE) == (scheme == "dark"):
            accessible(page)
