"""Cards in the room that each kind of EHR gives them: all of it is read, nothing hides in what is not shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.web.shapes import PANELS, Panel, cards_for, page_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser-pages")]

MESSAGES: Final = ("C-NOTAPP-6W", "C-MR-UNSAFE", "C-EMERG-CES", "C-V7-RISK")


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.name)
@pytest.mark.parametrize("message", MESSAGES)
def test_card_fits_its_panel(browser: Browser, panel: Panel, message: str) -> None:
    """No word sticks out of the panel, and a card is not longer than the screen beside which it stands."""
    page = browser.new_page(viewport={"width": panel.width + 40, "height": 900})
    page.set_content(page_of(panel, message))
    sizes = page.locator("article").evaluate_all("all => all.map(i => [i.scrollWidth - i.clientWidth, i.clientHeight])")
    page.close()
    assert sizes
    assert [size for size in sizes if size[0] > 0 or size[1] > 900] == []


def test_epic_like_panel_shows_no_label_and_loses_nothing() -> None:
    """What can be pressed is told by its description, and what cannot by hand."""
    (panel,) = [panel for panel in PANELS if panel.name == "epic"]
    text = page_of(panel, "C-MR-UNSAFE")
    (card, *_) = cards_for(panel, "C-MR-UNSAFE")
    assert "Choose only one: Add a draft order: CT lumbar spine" in text
    assert all(item["label"] not in text or item["label"] in card["detail"] for item in card["suggestions"])
    assert "isRecommended" not in str(card)
    assert "By hand:" in page_of(panel, "C-EMERG-CES")
