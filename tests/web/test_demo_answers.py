"""Cards answered with one press in the demo EHR, and what the next signature then brings, in each client's shape."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import expect

from tests.web.browser import DESKTOP, PHONE, accessible, fits, opened_page, running_service
from tests.web.demo_ehr import DemoEhr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser-answers")]

_ITEM: Final = "urn:com.epic.cdshooks.action.code.system.preference-list-item"
_ORDERABLES: Final = f"""
[clients.here.orderables]
pt_referral = {{ system = "{_ITEM}", code = "1001", display = "Physical therapy referral" }}
"""
# The page calls as the first client that need not prove who it is.
SHAPES: Final = {
    "development": "",
    "epic-like": f"""[clients.here]
extends = "epic-like"
authentication = "none"
mode = "on"
{_ORDERABLES}""",
    "epic-like-forms": f"""[clients.here]
extends = "epic-like"
authentication = "none"
mode = "on"
[clients.here.shape]
answers = "questionnaire-response"
{_ORDERABLES}""",
    "cds-hooks-sandbox": """[clients.here]
extends = "cds-hooks-sandbox"
""",
    "info": """[clients.here]
extends = "strict"
authentication = "none"
[clients.here.shape]
action_style = "info"
""",
}
PRESSING: Final = ("development", "epic-like-forms", "cds-hooks-sandbox")
TYPING: Final = ("epic-like", "info")
MRI: Final = "MRI lumbar spine without contrast"
FAILED: Final = "Six weeks of treatment have failed elsewhere"


@pytest.fixture(scope="module")
def shape(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The name of a shape, and the address of a service whose demo calls in it."""
    name = str(request.param)
    folder = tmp_path_factory.mktemp(f"answers-{name}")
    file = folder / "clients.toml"
    file.write_text(SHAPES[name], encoding="utf-8")
    with running_service(folder, **({"CLIENTS_FILE": str(file)} if SHAPES[name] else {})) as url:
        yield name, url


@pytest.fixture
def page(browser: Browser, shape: tuple[str, str]) -> Iterator[Page]:
    """A page at desktop width; the test fails if it complained or asked another host for anything."""
    with opened_page(browser, shape[1]) as opened:
        yield opened


in_shapes = pytest.mark.parametrize("shape", SHAPES, indirect=True)
where_pressed = pytest.mark.parametrize("shape", PRESSING, indirect=True)
where_typed = pytest.mark.parametrize("shape", TYPING, indirect=True)
in_development = pytest.mark.parametrize("shape", ["development"], indirect=True)
HEARD: Final = "A red flag is present"
SADDLE: Final = "Saddle numbness, bladder or bowel change: yes"


@where_pressed
def test_waiting_is_accepted(page: Page, shape: tuple[str, str]) -> None:
    """Therapy instead of the MRI: the order is gone, the referral is there, and signing it interrupts nobody."""
    ehr = DemoEhr(page, "acute-low-back-pain")
    ehr.sign()
    ehr.accept("Physical therapy instead of the MRI")
    if shape[0] == "epic-like-forms":  # one action a suggestion: the removal is another
        page.get_by_role("button", name=f"Remove {MRI}").click()
    assert ehr.drafts == ["Physical therapy referral"]
    ehr.sign()
    expect(ehr.cards).to_have_count(0)
    assert "nobody is interrupted" in ehr.status


@where_pressed
def test_yes_to_a_question_leads_to_the_emergency(page: Page, shape: tuple[str, str]) -> None:
    """Who answers that a red flag is there, and which, gets the emergency card with what to do."""
    ehr = DemoEhr(page, "no-history")
    ehr.sign()
    assert "questions to answer" in ehr.summaries[0]
    ehr.accept(HEARD)
    assert "which one" in ehr.summaries[0]
    ehr.accept("Saddle, bladder, bowel sign: yes")
    assert ehr.summaries[0].startswith("MRI now: ")
    expect(ehr.cards.first).to_have_class("card critical")
    if shape[0] != "epic-like-forms":  # where no order can be changed, the card says so
        assert ehr.sent()["context"]["draftOrders"]["entry"][0]["resource"]["priority"] == "stat"


@where_pressed
def test_treatment_that_failed_elsewhere_is_believed(page: Page, shape: tuple[str, str]) -> None:
    """One press says what the record does not know, and nobody is warned again, nor asked what follows from it."""
    ehr = DemoEhr(page, "acute-low-back-pain")
    ehr.sign()
    ehr.accept(FAILED)
    assert not any("Defer" in summary for summary in ehr.summaries)
    assert ehr.buttons == []
    assert page.locator("#cards .card.warning, #cards .card.critical").count() == 0
    if shape[0] == "epic-like-forms":
        assert "written into the chart" in ehr.status
        written = ehr.sent()["prefetch"]["questionnaireResponses"]["entry"][0]["resource"]
        assert written["questionnaire"].startswith("https://lumbar-mri-cds.org/fhir/Questionnaire/lumbar-mri|")
    else:
        expect(page.locator(".draft.changed")).to_contain_text(FAILED)
    assert len(ehr.drafts) == 1
    ehr.sign()
    assert page.locator("#cards .card.warning, #cards .card.critical").count() == 0


@in_shapes
def test_override_with_a_reason_is_remembered(page: Page) -> None:
    """What was overridden with a reason is not shown at the next signature, but to another clinician it is."""
    ehr = DemoEhr(page, "acute-low-back-pain")
    ehr.sign()
    expect(ehr.cards).to_have_count(1)
    ehr.dismiss("A specialist has planned this study")
    assert ehr.sent()["hook"] == "order-sign"  # asked again at once
    # A machine that is busy may be asked before the card is on file, which nobody outruns who has read it.
    ehr.sign()
    expect(ehr.cards).to_have_count(0)
    assert "has answered it already" in ehr.status
    expect(page.locator("#remembered")).to_contain_text("is not shown again")
    page.get_by_role("button", name="Act as another clinician").click()
    ehr.sign()
    expect(ehr.cards).to_have_count(1)
    expect(page.locator("#remembered")).to_be_hidden()


@where_typed
def test_words_to_type_lead_on(page: Page) -> None:
    """Where nothing can be pressed, the card gives the words, and typed into the order they are understood."""
    ehr = DemoEhr(page, "acute-low-back-pain")
    ehr.sign()
    ehr.write(words_to_type(ehr, FAILED))
    expect(ehr.cards).to_have_count(0)  # an answer to other orders is taken away
    ehr.sign()
    assert page.locator("#cards .card.warning, #cards .card.critical").count() == 0
    ehr.open("no-history")
    ehr.sign()
    assert ehr.buttons == []
    ehr.write(words_to_type(ehr, HEARD))
    ehr.sign()
    ehr.write(words_to_type(ehr, SADDLE))
    ehr.sign()
    assert ehr.summaries[0].startswith("MRI now: ")


def words_to_type(ehr: DemoEhr, words: str) -> str:
    """Return words that a card gives to type, with the day that it asks for."""
    quoted = re.findall(r"“([^”]+)”", ehr.cards.first.locator(".body").inner_text())
    assert words in quoted
    return f"{words} {next(text for text in quoted if text.startswith('(asked'))}."


@in_development
def test_emergency_that_was_acted_on_shrinks_to_a_line(page: Page) -> None:
    """Once the order carries what was accepted, the emergency is a line, and still there."""
    ehr = DemoEhr(page, "cauda-equina")
    ehr.sign()
    ehr.accept("Raise the MRI to stat")
    expect(ehr.cards).to_have_count(1)
    # The page asks again at once; on a busy machine that is before what was accepted is on file, and nothing is lost.
    ehr.sign()
    expect(ehr.cards.first).to_contain_text("stat is set", ignore_case=True)
    expect(page.locator("#remembered")).to_contain_text("shrank to a line")
    assert ehr.buttons == []


@in_development
def test_card_comes_first_and_its_reasons_below(page: Page) -> None:
    """Of why, only the heading is open; behind it stand the rules, what was found, and the page of each message."""
    ehr = DemoEhr(page, "cancer-history")
    ehr.select()
    card = ehr.cards.first
    expect(card.locator(".body")).to_be_visible()
    expect(card.locator(".explanation")).to_be_hidden()
    assert "acr.org" not in card.inner_text()
    card.get_by_text("Why, and sources").click()
    expect(card.locator(".explanation")).to_contain_text("No reason to wait, and something to decide first")
    expect(card.locator(".explanation")).to_contain_text("Risk of cancer or infection")
    expect(card.locator(".explanation a", has_text="Contrast may help")).to_have_attribute(
        "href", "/why/C-CONTRAST-ADD"
    )


@in_development
def test_findings_do_not_contradict_the_card(page: Page) -> None:
    """Beside a warning nothing is called appropriate, a missing eGFR is nothing found, and waiting is outranked."""
    ehr = DemoEhr(page, "cancer-history")
    ehr.select()
    assert "appropriate" not in ehr.findings.casefold()
    caution = page.locator("#findings tr", has_text="Reason for caution with contrast")
    expect(caution.locator(".finding-status")).to_have_text("not known")
    expect(caution).to_contain_text("No eGFR of the last 90 days")
    expect(page.locator("#findings tr", has_text="R-6W-NO")).to_contain_text("Does not decide here")


@in_development
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_answers_are_given_by_keyboard(browser: Browser, shape: tuple[str, str], viewport: dict[str, int]) -> None:
    """From the first question to the emergency no mouse is needed, the page fits, and axe finds nothing serious."""
    with opened_page(browser, shape[1], viewport=viewport) as page:
        ehr = DemoEhr(page, "no-history")
        page.locator("#sign").press("Enter")
        ehr.settled()
        fits(page)
        accessible(page)
        for _ in range(2):
            ehr.focused("#advice-title")
            page.keyboard.press("Tab")  # the first answer
            page.keyboard.press("Enter")
            ehr.settled()
        assert ehr.summaries[0].startswith("MRI now: ")
        ehr.sign()
        ehr.dismiss("Already imaged")
        ehr.sign()
        page.evaluate("document.querySelectorAll('details').forEach(item => { item.open = true; })")
        fits(page)
        accessible(page)
