"""The form as a clinician uses it: opened, answered by key or press, saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

OPEN_QUESTIONS: Final = ".question"


class FormPage:
    """A form in its window."""

    def __init__(self, page: Page) -> None:
        """Take the window, and wait until the questions are there."""
        self.page = page
        expect(page.locator("#asked")).to_be_visible()

    @classmethod
    def launched(cls, page: Page, base: str, launch: str = "launch-1") -> FormPage:
        """Launch it as an EHR does."""
        page.goto(f"/form/launch?{urlencode({'iss': base, 'launch': launch})}")
        return cls(page)

    def question(self, text: str) -> Locator:
        """The question that has some words."""
        return self.page.locator(OPEN_QUESTIONS, has_text=text)

    def press(self, text: str, answer: str) -> None:
        """Answer a question by its button."""
        self.question(text).get_by_role("button", name=answer, exact=True).click()

    def says(self, text: str) -> None:
        """Fail unless the advice comes to this."""
        expect(self.page.locator("#answer")).to_contain_text(text)

    def save(self) -> None:
        """Save, and wait until it is."""
        self.page.get_by_role("button", name="Save the answers").click()
        expect(self.page.locator("#saved")).to_contain_text("Saved in the record")
