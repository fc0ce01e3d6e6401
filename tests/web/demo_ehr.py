"""The demo EHR as a person uses it: what can be clicked, and what is then on the screen."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

from playwright.sync_api import expect

from cds_service.demo.requests import find_demo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page, Route

_FEEDBACK: Final = "SELECT outcome, reason_code, comment, card, fingerprint FROM feedback ORDER BY received_at"

# Milliseconds. Nobody answers a card sooner, and by then its record is on file, by which an answer is remembered.
_READING: Final = 700


class DemoEhr:
    """A page of the demo, opened on one patient."""

    def __init__(self, page: Page, patient: str = "acute-low-back-pain") -> None:
        """Open the page and wait until the chart is there."""
        self.page = page
        page.goto(f"/demo?patient={patient}")
        expect(page.locator("#summary dl")).to_be_visible()
        self.settled()

    def settled(self) -> None:
        """Wait until nothing is being asked."""
        expect(self.page.locator("#ehr")).to_have_attribute("aria-busy", "false")

    def open(self, patient: str) -> None:
        """Choose another patient."""
        self.page.locator("#patient").select_option(patient)
        self.settled()

    def select(self) -> None:
        """Select the ticked orders."""
        self._fire("Select")

    def sign(self) -> None:
        """Sign all draft orders."""
        self._fire("Sign")

    def _fire(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=False).and_(self.page.locator(".main button")).click()
        self.settled()

    def accept(self, label: str) -> None:
        """Accept the suggestion whose label begins so, once it was read."""
        self.page.wait_for_timeout(_READING)
        self.page.locator(".suggestion button", has_text=label).first.click()
        self.settled()

    def dismiss(self, reason: str = "", comment: str = "") -> None:
        """Dismiss the first card, once it was read."""
        self.page.wait_for_timeout(_READING)
        card = self.cards.first
        card.get_by_text("Dismiss", exact=True).click()
        if reason:
            card.get_by_label("Why the advice is not followed").select_option(label=reason)
        card.get_by_label("Comment").fill(comment)
        card.get_by_role("button", name="Dismiss this card").click()
        self.settled()

    def write(self, words: str) -> None:
        """Type words into the first draft order."""
        draft = self.page.locator(".draft:not(.removed)").first
        draft.get_by_text("Write into the order").click()
        draft.get_by_label("Words for the order").fill(words)
        draft.get_by_role("button", name="Write it").click()
        self.settled()

    def revisit(self, address: str) -> None:
        """Open an address of the page as somebody who was sent it."""
        self.page.goto("about:blank")
        self.page.goto(address)
        expect(self.page.locator("#summary dl")).to_be_visible()
        expect(self.page.locator("#cards .card").or_(self.page.locator("#advice-status"))).not_to_have_count(0)
        self.settled()

    def paste(self, text: str) -> None:
        """Paste a hook request and send it."""
        if not self.page.locator("#pasted").is_visible():
            self.page.get_by_text("Paste a hook request instead").click()
        self.page.locator("#pasted").fill(text)
        self.page.get_by_role("button", name="Send as pasted").click()
        self.settled()

    @contextmanager
    def held(self, pattern: str) -> Iterator[list[Route]]:
        """Let no call to an address that fits be answered; yield those that were stopped, for `continue_`."""
        stopped: list[Route] = []

        def hold(route: Route) -> None:
            stopped.append(route)

        self.page.route(pattern, hold)
        yield stopped
        self.page.unroute(pattern, hold)

    def focused(self, name: str) -> None:
        """Fail unless the keyboard is on an element."""
        expect(self.page.locator(name)).to_be_focused()

    def take_away(self, key: str, state: str) -> None:
        """Change what becomes of a data source."""
        if not self.page.locator(f"#source-{key}").is_visible():
            self.page.get_by_text("Take data away").click()
        self.page.locator(f"#source-{key}").select_option(label=state)

    @property
    def cards(self) -> Locator:
        """The cards on the screen."""
        return self.page.locator("#cards .card")

    @property
    def buttons(self) -> list[str]:
        """What can be pressed on the cards."""
        return self.page.locator("#cards .suggestion button").all_inner_texts()

    @property
    def summaries(self) -> list[str]:
        """The summaries of the cards on the screen."""
        return self.page.locator("#cards .summary").all_inner_texts()

    @property
    def drafts(self) -> list[str]:
        """The names of the draft orders, without those that were just removed."""
        return [name.strip() for name in self.page.locator(".draft:not(.removed) .draft-head label").all_inner_texts()]

    @property
    def status(self) -> str:
        """The sentence on how the last call ended."""
        return self.page.locator("#advice-status").inner_text()

    @property
    def findings(self) -> str:
        """What the findings say."""
        return self.page.locator("#findings").inner_text()

    def sent(self, position: int = 0) -> dict[str, Any]:
        """Return the request of an exchange, the newest first, as the page shows it."""
        return self._part(position, "Request")

    def answered(self, position: int = 0) -> dict[str, Any]:
        """Return the response of an exchange, the newest first, as the page shows it."""
        return self._part(position, "Response")

    def _part(self, position: int, title: str) -> dict[str, Any]:
        self.page.locator(".exchange").nth(position).evaluate("exchange => { exchange.open = true; }")
        part = self.page.locator(".exchange").nth(position).locator(".wire-part", has_text=title).first
        part.evaluate("part => { part.open = true; }")
        expect(part.locator("code").last).not_to_be_empty()
        shown: dict[str, Any] = json.loads(part.locator("pre code").inner_text())
        return shown


@contextmanager
def unwatched(browser: Browser, url: str) -> Iterator[Page]:
    """Open a page that may fail to load something: the browser itself complains of every 4xx and every lost call."""
    context = browser.new_context(base_url=url)
    try:
        yield context.new_page()
    finally:
        context.close()


def request(name: str) -> dict[str, Any]:
    """Return a bundled hook request."""
    demo = find_demo(name)
    assert demo is not None
    body: dict[str, Any] = json.loads(demo.body())
    return body


def stored_feedback(data: Path) -> list[dict[str, Any]]:
    """Return the feedback in the database of a service, each with the suggestions that were accepted."""
    with closing(sqlite3.connect(f"file:{data / 'records.sqlite3'}?mode=ro", uri=True)) as database:
        rows = database.execute(_FEEDBACK).fetchall()
        accepted = database.execute("SELECT feedback, suggestion FROM accepted_suggestions").fetchall()
    return [
        {
            "outcome": outcome,
            "reason": reason,
            "comment": comment,
            "card": card,
            "accepted": [suggestion for feedback, suggestion in accepted if feedback == fingerprint],
        }
        for outcome, reason, comment, card, fingerprint in rows
    ]
