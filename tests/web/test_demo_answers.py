"""Answers to cards in the demo EHR: pressed where the client's shape allows it, typed where it does not."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pytest
from playwright.sync_api import expect

from tests.web.browser import opened_page, running_service
from tests.web.demo_ehr import DemoEhr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from playwright.sync_api import Browser, Page

    Opener = Callable[[str], AbstractContextManager[Page]]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser-demo")]

# The page calls as a client that has to prove nothing; what is asked here is how each shape is answered.
_OPEN: Final[Mapping[str, Any]] = {"authentication": "none", "mode": "on"}
SHAPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "development": {"extends": "development"},
    "cds-hooks-sandbox": {"extends": "cds-hooks-sandbox", **_OPEN},
    "epic-like": {"extends": "epic-like", **_OPEN},
    "forms": {"extends": "epic-like", **_OPEN, "shape": {"answers": "questionnaire-response"}},
    "info": {"extends": "strict", **_OPEN, "shape": {"action_style": "info"}},
}


_PRESSED: Final = ("development", "cds-hooks-sandbox", "forms")


@pytest.fixture(scope="module")
def service_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Return the address of a service whose only client has a shape: one for each shape that is asked for.

    Each page is a clinician of its own, so that no test meets what another has answered.
    """
    with ExitStack() as services:

        @cache
        def start(shape: str) -> str:
            folder = tmp_path_factory.mktemp(shape)
            file = folder / "clients.yaml"
            file.write_text(json.dumps({"clients": {"ehr": SHAPES[shape]}}), encoding="utf-8")
            return services.enter_context(running_service(folder, CLIENTS_FILE=str(file)))

        yield start


@pytest.fixture
def demo_of(browser: Browser, service_of: Callable[[str], str]) -> Opener:
    """Open a page of the service of a shape."""
    return lambda shape: opened_page(browser, service_of(shape))


def first_card(ehr: DemoEhr) -> tuple[str, str]:
    """Return how pressing the card on the screen is, and what it says."""
    return ehr.cards.locator(".level").inner_text().lower(), ehr.cards.locator(".summary").inner_text()


def type_note(ehr: DemoEhr, text: str) -> None:
    """Type a note into the first draft order."""
    draft = ehr.page.locator(".draft").first
    draft.get_by_text("Type a note").click()
    draft.get_by_role("textbox").fill(text)
    draft.get_by_role("button", name="Add the note").click()


def words_to_type(ehr: DemoEhr, beginning: str) -> str:
    """Return the words of a card that begin so, with the day that the card asks for."""
    quoted = re.findall(r"“([^”]+)”", ehr.cards.locator(".body").inner_text())
    words = next(text for text in quoted if text.startswith(beginning))
    return f"{words} {next(text for text in quoted if text.startswith('(asked'))}."


@pytest.mark.parametrize("shape", _PRESSED)
def test_yes_to_a_red_flag_leads_to_the_emergency(demo_of: Opener, shape: str) -> None:
    """A question is answered with one press, the next asks which red flag it is, and the answer is an emergency."""
    with demo_of(shape) as page:
        ehr = DemoEhr(page, "no-history")
        ehr.sign()
        ehr.accept("A red flag is present")
        ehr.accept("Saddle, bladder, bowel sign: yes")
        level, summary = first_card(ehr)
        assert (level, summary.startswith("MRI now")) == ("critical", True)
        sent = ehr.sent()
        if shape == "forms":
            kept = [entry["resource"] for entry in sent["prefetch"]["questionnaireResponses"]["entry"]]
            assert [answer["id"] for answer in kept] == ["demo-answer-1", "demo-answer-2"]
        else:
            order = sent["context"]["draftOrders"]["entry"][0]["resource"]
            assert (order["priority"], len(order["note"])) == ("stat", 2)


@pytest.mark.parametrize("shape", _PRESSED)
def test_failed_treatment_ends_the_advice_to_wait(demo_of: Opener, shape: str) -> None:
    """Who says that treatment has failed elsewhere, and that the pain is old, is no longer told to wait."""
    with demo_of(shape) as page:
        ehr = DemoEhr(page)
        ehr.sign()
        ehr.accept("Six weeks of treatment have failed elsewhere")
        assert first_card(ehr)[0] == "information"
        ehr.accept("The pain began six weeks ago or earlier")
        assert ehr.cards.locator(".level").all_inner_texts() in ([], ["Information"], ["INFORMATION"])
        expect(page.locator(".suggestion")).to_have_count(0)


@pytest.mark.parametrize("shape", ["development", "cds-hooks-sandbox", "epic-like"])
def test_accepted_therapy_takes_the_place_of_the_scan(demo_of: Opener, shape: str) -> None:
    """Where the first suggestion is taken, the MRI is gone, and nothing is said when the rest is signed."""
    with demo_of(shape) as page:
        ehr = DemoEhr(page)
        ehr.select()
        ehr.accept("Remove the MRI order" if shape == "epic-like" else "Physical therapy instead")
        assert not any("MRI" in name for name in ehr.drafts)
        ehr.sign()
        expect(ehr.cards).to_have_count(0)


@pytest.mark.parametrize("shape", list(SHAPES))
def test_override_with_a_reason_is_remembered(demo_of: Opener, shape: str) -> None:
    """A card that was overridden with a reason does not come back today, and the page says that nothing is asked."""
    with demo_of(shape) as page:
        ehr = DemoEhr(page)
        ehr.sign()
        reason = ehr.answered()["cards"][0]["overrideReasons"][0]["display"]
        ehr.dismiss(reason)
        ehr.sign()
        expect(ehr.cards).to_have_count(0)
        assert "nothing more is asked today" in ehr.status


@pytest.mark.parametrize("shape", ["info", "epic-like"])
def test_typed_answers_lead_on(demo_of: Opener, shape: str) -> None:
    """Where no card may change the order, its words typed into the note are understood by the next call."""
    with demo_of(shape) as page:
        ehr = DemoEhr(page, "no-history")
        ehr.sign()
        expect(page.locator(".suggestion")).to_have_count(0)
        type_note(ehr, words_to_type(ehr, "A red flag is present"))
        ehr.sign()
        assert first_card(ehr)[1].startswith("A red flag is stated")
        type_note(ehr, words_to_type(ehr, "Saddle"))
        ehr.sign()
        assert first_card(ehr)[1].startswith("MRI now")


def test_address_holds_the_situation(demo_of: Opener) -> None:
    """A colleague who opens the address has the same patient, orders and sources, and the same card."""
    with demo_of("development") as page:
        ehr = DemoEhr(page, "pacemaker")
        ehr.take_away("devices", "not sent")
        page.locator("#order-entry > summary").click()
        page.get_by_label("Foot drop").check()
        page.locator("#note").fill("words that stay here")
        page.get_by_role("button", name="Add to the draft orders").click()
        ehr.sign()
        said = ehr.cards.locator(".summary").all_inner_texts()
        address, drafts = page.url, ehr.drafts
        assert "words" not in address
        page.goto("/")
        page.goto(address)
        expect(ehr.cards).to_have_count(len(said))
        ehr.settled()
        assert (page.url, ehr.drafts) == (address, drafts)
        assert ehr.cards.locator(".summary").all_inner_texts() == said
        assert "devices" not in ehr.sent()["prefetch"]
        expect(page.locator("#patient")).to_have_value("pacemaker")
