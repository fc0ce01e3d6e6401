"""The criteria page: everything the guideline says, where it leads, the cards as they look, and the codes beside it."""

from __future__ import annotations

import re
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cards.guideline.guideline import MESSAGES
from cds_service.clients.profile import ClientProfile
from cds_service.config.settings import load_settings
from cds_service.hooks.adviser import Adviser
from cds_service.pages.criteria import gallery as bundled
from cds_service.pages.criteria.editions import Edition, editions_of
from tests.protocol.builders import NOW, make_app
from tests.spec import gallery
from tests.terminology import bundled_index
from tests.web.html import Html

if TYPE_CHECKING:
    from flask import Flask

pytestmark = pytest.mark.xdist_group("criteria-page")  # the pages are long, and read once

SITE = """
name = "Northern <Hospital>"
treat_conditional_as = "hold"
messages_off = ["C-DUP", "C-EDU"]
[thresholds]
conservative_care = 56
egfr_severe = 25
"""


@pytest.fixture(scope="module")
def edition() -> Edition:
    """The guideline as it comes."""
    index = bundled_index()
    return Edition(("a",), Adviser.of(ClientProfile("a"), load_settings({}), index))


@pytest.fixture(scope="module")
def page(app: Flask) -> Html:
    """The page as it comes."""
    return Html(app.test_client().get("/criteria").text)


@pytest.fixture(scope="module")
def codes(app: Flask) -> Html:
    """The page of codes."""
    return Html(app.test_client().get("/criteria/codes").text)


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Html:
    """The page of a site that has changed something."""
    file = tmp_path_factory.mktemp("site") / "site.toml"
    file.write_text(SITE, encoding="utf-8")
    return Html(make_app(site_file=file).test_client().get("/criteria").text)


def test_everything_is_there(page: Html, edition: Edition) -> None:
    """Every outcome, rule, number, decision, statement, message and release of the guideline is on the page."""
    guideline = edition.guideline
    ids = [rule.id for rule in guideline.rules] + [message.id for message in guideline.messages]
    ids += [statement.id for statement in guideline.statements]
    assert {name.lower() for name in ids} | {number.name for number in guideline.numbers} <= set(page.ids)
    shown = [outcome.id for outcome in guideline.outcomes] + [key for key, _ in guideline.decisions]
    shown += [f"Version {release.version}" for release in guideline.releases]
    assert [text for text in shown if text not in page.text] == []


def test_every_code_is_there(codes: Html, edition: Edition) -> None:
    """Every concept with all its codes is on the page of codes."""
    concepts = edition.guideline.concepts
    assert {concept.id for concept in concepts} <= set(codes.ids)
    shown = [code for concept in concepts for entry in concept.codes for code in entry.codes]
    assert [code for code in shown if code not in codes.text] == []


def test_links_lead_somewhere(app: Flask, page: Html, codes: Html) -> None:
    """Every link within the pages and between them has its target, and no two targets share an id."""
    for found in (page, codes):
        assert found.dead_links() == set()
        assert len(found.ids) == len(set(found.ids))
    targets = {"/criteria": page, "/criteria/codes": codes}
    across = {link.partition("#")[::2] for link in (*page.links, *codes.links) if "#" in link and link[0] == "/"}
    assert {path for path, _ in across} == set(targets)
    assert {(path, target) for path, target in across if target not in targets[path].ids} == set()
    client = app.test_client()
    addresses = {link.partition("#")[0] for link in (*page.links, *codes.links)}
    served = {address for address in addresses if address.startswith(("/fhir/", "/scenarios", "/criteria"))}
    assert {link for link in served if client.get(link).status_code != HTTPStatus.OK} == set()


@pytest.mark.parametrize(
    ("query", "concepts"),
    [
        ("g83.4", {"cauda_equina"}),
        ("PACEMAKER  snomed", {"implant_pacemaker"}),
        ("claustrophobia", {"claustrophobia"}),
        ("no such thing", set()),
    ],
)
def test_codes_are_searched_without_scripts(app: Flask, query: str, concepts: set[str]) -> None:
    """The form finds on the server what the script finds, and shows how much that is of the whole."""
    html = Html(app.test_client().get("/criteria/codes", query_string={"q": query}).text)
    every = {concept["id"] for concept in app.test_client().get("/criteria.json").get_json()["concepts"]}
    assert concepts <= every & set(html.ids)
    assert len(every & set(html.ids)) < 12
    assert f"{len(every & set(html.ids))} of {len(every)} concepts" in html.text


def test_guideline_is_downloaded_whole(app: Flask, edition: Edition) -> None:
    """The JSON has every rule with its numbers and statements, and every concept with its codes."""
    response = app.test_client().get("/criteria.json")
    assert response.mimetype == "application/json"
    document, guideline = response.get_json(), edition.guideline
    assert [rule["id"] for rule in document["rules"]] == [rule.id for rule in guideline.rules]
    assert [entry["id"] for entry in document["statements"]] == [entry.id for entry in guideline.statements]
    assert {number["name"]: number["value"] for number in document["numbers"]} == {
        number.name: number.value for number in guideline.numbers
    }
    assert sum(len(concept["codes"]) for concept in document["concepts"]) == sum(
        len(concept.codes) for concept in guideline.concepts
    )
    assert document["messages"][0]["overrideReasons"]


def test_no_markdown_is_left(page: Html) -> None:
    """Sentences of the catalogue are shown as they are meant, not as they are written."""
    assert not re.search(r"\*\*|\]\(", page.text)


def test_every_message_is_exhibited(edition: Edition) -> None:
    """The gallery has a card for every message, and the message leads it wherever one of the cases lets it."""
    found = bundled.exhibits(edition.guideline.messages, lambda call: edition.answer(call, NOW.date()))
    assert [exhibit.message.id for exhibit in found] == list(MESSAGES)
    assert all(exhibit.card for exhibit in found)
    beside = {exhibit.message.id for exhibit in found if not exhibit.leads}
    assert beside == {message.id for message in MESSAGES.values() if not message.lead} | {"C-MR-ARTIFACT"}


def test_cards_are_those_of_the_service(page: Html) -> None:
    """A card on the page has the summary, the suggestions and the override reasons that an EHR would get."""
    assert "Call spine surgery." in page.text
    assert "Raise the MRI to stat recommended" in page.text
    assert "Reasons to override: " in page.text
    assert "six weeks" in page.text.split("Reasons to override: ", 1)[1].casefold()


@pytest.mark.slow
def test_gallery_is_up_to_date() -> None:
    """A changed scenario changes the case that the gallery shows."""
    file = Path(bundled.__file__).parent / "gallery.json"
    same = file.read_text(encoding="utf-8") == gallery.text()
    assert same, f"{file.name} is not what the scenarios say; `make docs` writes it anew"


def test_site_sees_its_changes(changed: Html) -> None:
    """A site reads first what differs there, and finds it marked where it counts."""
    assert "as in force at Northern <Hospital>" in changed.text
    assert "conservative_care: 56 days instead of 42" in changed.text
    assert "C-DUP (Recent study of the same region) is turned off" in changed.text
    assert "56 days changed here guideline: 42" in changed.text
    assert "At this site turned off" in changed.text
    assert "MR Conditional implants hold the scan" in changed.text


def test_sentences_name_the_numbers_in_force(changed: Html, page: Html) -> None:
    """A rule is told with the site's number, not the guideline's."""
    assert "56 days" in changed.text
    assert "56 days" not in page.text


def test_site_without_a_card_is_told_so(changed: Html) -> None:
    """A message that is off has no card, and the page says why rather than show an old one."""
    assert changed.text.count("the case for this message shows none") >= 2


def test_browser_keeps_the_page(app: Flask) -> None:
    """A page that has not changed is not sent again."""
    client = app.test_client()
    etag = client.get("/criteria").headers["ETag"]
    assert client.get("/criteria", headers={"If-None-Match": etag}).status_code == 304


def test_clients_with_the_same_guideline_share_an_edition(edition: Edition, tmp_path: Path) -> None:
    """Clients are told apart only where the guideline is in force differently for them."""
    file = tmp_path / "site.toml"
    file.write_text(SITE, encoding="utf-8")
    index = edition.adviser.index
    clients = [ClientProfile("a"), ClientProfile("b", site_file=file), ClientProfile("c", verbosity="action")]
    found = editions_of({client.name: Adviser.of(client, load_settings({}), index) for client in clients})
    assert [item.clients for item in found] == [("a", "c"), ("b",)]
