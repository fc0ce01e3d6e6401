"""The review sheet: everything a clinician must have seen, true of the site, on at most twelve pages of paper."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from cards.response.markdown import escape
from cds_service.clients.profile import ClientProfile
from cds_service.config.settings import load_settings
from cds_service.hooks.adviser import Adviser
from cds_service.pages.criteria.editions import Edition
from cds_service.pages.review import patients as bundled
from cds_service.pages.review.markdown import sheet_markdown
from cds_service.pages.review.page import sheet_file
from cds_service.pages.review.patients import fires, load_patients
from cds_service.pages.review.sheet import ReviewSheet, read_sheet
from cds_service.protocol import schemas
from tests.protocol.builders import NOW
from tests.spec import smallest_patients
from tests.terminology import bundled_index
from tests.web.browser import opened_page
from tests.web.html import Html

if TYPE_CHECKING:
    from flask import Flask
    from playwright.sync_api import Browser

pytestmark = pytest.mark.xdist_group("review-sheet")  # it is long, and made once

MOST_PAGES: Final = 12
SMALLEST_TYPE: Final = 8.5  # points
SITE: Final = """
name = "Northern <Hospital>"
messages_off = ["C-DUP"]
[thresholds]
conservative_care = 56
repeat_imaging_window = 90
recent_imaging_window = 30
"""


def edition_of(site: Path | None = None) -> Edition:
    """Return the guideline as a site file puts it in force."""
    return Edition(("a",), Adviser.of(ClientProfile("a"), load_settings({}, site_file=site), bundled_index()))


def written(folder: Path, text: str) -> Path:
    """Return a site file of this content."""
    file = folder / "site.toml"
    file.write_text(text, encoding="utf-8")
    return file


def busy_site(folder: Path) -> Path:
    """Return a site file that changes whatever can be changed, and adds more codes than anybody will."""
    limits: dict[str, Any] = schemas.SITE.document["properties"]["thresholds"]["properties"]
    concepts = sorted(bundled_index().concept_ids)[:40]
    (folder / "fhir").mkdir()
    for concept in (name.replace("_", "-") for name in concepts if not name.startswith("order_")):
        codes = [{"code": f"{concept}-{number}", "display": "A name of the ward's own"} for number in range(40)]
        include = [{"system": "http://hospital.example/ward", "concept": codes}]
        value_set = {"resourceType": "ValueSet", "id": concept, "url": f"http://hospital.example/{concept}"}
        body = json.dumps(value_set | {"status": "active", "compose": {"include": include}})
        (folder / "fhir" / f"{concept}.json").write_text(body, encoding="utf-8")
    lines = [f'name = "{"Hospital " * 8}"', 'treat_conditional_as = "hold"', 'ask_questions_at = "both"']
    lines += ["orders_by_text = false", 'terminology_folder = "fhir"', "[thresholds]"]
    lines += [f"{name} = {limit['default'] + 1}" for name, limit in limits.items()]
    return written(folder, "\n".join(lines))


@pytest.fixture(scope="module")
def sheet() -> ReviewSheet:
    """The sheet of the guideline as it comes."""
    return read_sheet(edition_of())


@pytest.fixture(scope="module")
def page(app: Flask) -> Html:
    """The page as it comes."""
    return Html(app.test_client().get("/review").text)


def test_patients_are_up_to_date() -> None:
    """A changed scenario or rule changes the patient that the sheet shows."""
    file = Path(bundled.__file__).parent / "patients.json"
    same = file.read_text(encoding="utf-8") == smallest_patients.text()
    assert same, "run `make docs`"


@pytest.mark.parametrize("rule", load_patients())
def test_smallest_patient_fires_its_rule(rule: str) -> None:
    """What the sheet says of a patient was asked of the rule."""
    edition, patient = edition_of(), load_patients()[rule]
    assert fires(rule, edition.assess(patient.request, patient.ordered_on)[0])


def test_every_rule_has_a_patient_and_a_card(sheet: ReviewSheet) -> None:
    """As the guideline comes, each rule speaks and brings a card; every message leads or stands on one."""
    assert [entry.rule.id for entry in sheet.rules] == [rule.id for rule in sheet.guideline.rules]
    assert [entry.rule.id for entry in sheet.rules if not entry.fires or entry.card is None] == []
    cards = [entry.card for entry in sheet.rules if entry.card]
    cards += [entry.card for entry in sheet.others if entry.card]
    told = "\n".join(card.detail for card in cards)
    topics = {card.topic for card in cards}
    missing = [m.id for m in sheet.guideline.messages if m.id.replace("-", "") not in topics and m.title not in told]
    assert missing == []
    assert not any("Not validated" in card.detail for card in cards)


def test_grades_say_what_stands_behind_a_rule(sheet: ReviewSheet) -> None:
    """A published guideline, the guidance text alone, or nothing; what rests on nothing is listed as such."""
    grades = {entry.rule.id: entry.grade for entry in sheet.rules}
    assert (grades["R-CES"], grades["R-DX"], grades["R-MIMIC"]) == ("published", "guidance", "design")
    assert set(sheet.without_source) == {rule for rule, grade in grades.items() if grade == "design"}


def test_whole_guideline_is_on_the_page(page: Html, sheet: ReviewSheet) -> None:
    """Rules, numbers, statements, how records are read and every decision are on it, and where to sign."""
    guideline = sheet.guideline
    shown = [*(rule.id for rule in guideline.rules), *(key for key, _ in guideline.decisions)]
    shown += [statement.id for statement in guideline.statements]
    shown += [number.name.replace("_", " ") for number in guideline.numbers]
    shown += [entry.patient for entry in sheet.rules] + ["Name Role Date", sheet.standing.fingerprint]
    shown += ["No clinician has reviewed them.", "No clinician has validated the rules"]
    assert [text for text in shown if " ".join(text.split()) not in page.text] == []


def test_site_is_told_as_it_stands(tmp_path: Path) -> None:
    """Changed numbers and messages are listed and used; a rule that falls silent by them says so."""
    edition = edition_of(written(tmp_path, SITE))
    found = read_sheet(edition)
    assert "conservative_care: 56 days instead of 42" in found.changes
    assert any("C-DUP" in line for line in found.changes)
    assert "56 days" in next(entry.rule.sentence for entry in found.rules if entry.rule.id == "R-EPISODE")
    assert [entry.rule.id for entry in found.rules if not entry.fires] != []
    html = sheet_file(edition, NOW.date(), several=False)
    assert "Northern &lt;Hospital&gt;" in html
    assert "Does not speak with the numbers and messages of this site." in html


def test_file_stands_alone() -> None:
    """The file asks nothing of a network: no script, no style, picture or link elsewhere."""
    html = sheet_file(edition_of(), NOW.date(), several=False)
    assert re.findall(r"<script|<link|<img|@import|url\(|src=", html) == []
    assert [link for link in Html(html).links if not link.startswith("#")] == []


def test_markdown_says_what_the_page_says(tmp_path: Path) -> None:
    """As Markdown the sheet has every rule, card and number, in the same order, and the site's name as plain text."""
    edition = edition_of(written(tmp_path, SITE))
    sheet = read_sheet(edition)
    text = sheet_markdown(edition, NOW.date(), "1.0")
    assert text.startswith(f"# {sheet.words['title']}")
    at = [text.index(f"### {entry.rule.title} `{entry.rule.id}`") for entry in sheet.rules]
    assert at == sorted(at)
    for entry in sheet.rules:
        if entry.card and not entry.same_as:
            assert escape(entry.card.summary) in text
    assert "| conservative care | 56 days (guideline 42) |" in text
    assert "<Hospital>" not in text
    assert f'guideline_fingerprint = "{sheet.standing.fingerprint}"' in text


def test_approved_sheet_says_who(tmp_path: Path) -> None:
    """An approval stands on the sheet, whose cards then end without the sentence that it took off."""
    version = read_sheet(edition_of()).guideline.version
    text = f'name = "A"\napproved_by = "Dr. J. Doe"\napproved_on = 2026-05-31\nguideline = "{version}"\n'
    html = Html(sheet_file(edition_of(written(tmp_path, text)), NOW.date(), several=False)).text
    assert f"Approved by Dr. J. Doe on 2026-05-31, guideline version {version}." in html
    assert "Each card ends with: Your judgement decides." in html
    assert "No clinician has validated" not in html


@pytest.mark.slow
@pytest.mark.xdist_group("browser-pages")
@pytest.mark.parametrize("busy", [False, True], ids=["as it comes", "busy site"])
def test_it_fits_on_twelve_pages(browser: Browser, service_url: str, tmp_path: Path, *, busy: bool) -> None:
    """On A4 the sheet has at most twelve pages, in type that can be read, whatever a site has changed."""
    edition = edition_of(busy_site(tmp_path) if busy else None)
    with opened_page(browser, service_url) as opened:
        opened.set_content(sheet_file(edition, NOW.date(), several=False))
        assert pages_of(opened.pdf(prefer_css_page_size=True)) <= MOST_PAGES
        opened.emulate_media(media="print")
        assert opened.evaluate(SMALLEST) * 0.75 >= SMALLEST_TYPE


@pytest.mark.slow
@pytest.mark.xdist_group("browser-pages")
def test_page_prints_as_the_file_does(browser: Browser, service_url: str) -> None:
    """The page printed from a browser is the same sheet, without the frame of the pages."""
    with opened_page(browser, service_url) as opened:
        opened.goto("/review")
        assert pages_of(opened.pdf(prefer_css_page_size=True)) <= MOST_PAGES
        opened.emulate_media(media="print")
        assert opened.evaluate(SMALLEST) * 0.75 >= SMALLEST_TYPE


# The smallest type of any text that is shown, in CSS pixels.
SMALLEST: Final = """() => Math.min(...[...document.querySelectorAll(".review-sheet *")]
  .filter(item => [...item.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
  .map(item => parseFloat(getComputedStyle(item).fontSize)))"""


def pages_of(pdf: bytes) -> int:
    """Return how many pages a PDF of Chromium has."""
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))
