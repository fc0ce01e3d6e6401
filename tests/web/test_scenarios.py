"""The scenarios page: every case that the tests hold, narrowed by what is asked for, and the same as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cds_service.pages.scenarios import collection
from tests.spec import document
from tests.spec.scenarios import load
from tests.web.html import Html

if TYPE_CHECKING:
    from flask import Flask

SCENARIOS = {scenario.id: scenario for scenario in load()}


def shown(app: Flask, **query: str) -> set[str]:
    """Return the scenarios on the page for a query, by id."""
    html = Html(app.test_client().get("/scenarios", query_string=query).text)
    return {name for name in SCENARIOS if name.lower() in html.ids}


@pytest.fixture(scope="module")
def page(app: Flask) -> Html:
    """The page with every scenario."""
    return Html(app.test_client().get("/scenarios").text)


def test_file_is_up_to_date() -> None:
    """What ships is what the tests hold: a changed scenario changes the page."""
    file = Path(collection.__file__).parent / "scenarios.json"
    same = file.read_text(encoding="utf-8") == document.text()
    assert same, f"{file.name} is not what the scenarios say; `make docs` writes it anew"


def test_everything_is_there(page: Html) -> None:
    """Every scenario is on the page with its title, under its outcome."""
    assert {name.lower() for name in SCENARIOS} <= set(page.ids)
    text = [" ".join(scenario.title.split()) for scenario in SCENARIOS.values()]
    assert [title for title in text if title not in page.text] == []
    assert {scenario.expected["outcome"].lower() for scenario in SCENARIOS.values()} <= set(page.ids)


def test_links_lead_somewhere(app: Flask, page: Html) -> None:
    """Messages, rules and statements lead to where the criteria explain them, and no two targets share an id."""
    criteria = Html(app.test_client().get("/criteria").text)
    across = {link.partition("#")[2] for link in page.links if link.startswith("/criteria#")}
    assert across <= set(criteria.ids)
    assert page.dead_links() == set()
    assert len(page.ids) == len(set(page.ids))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"outcome": "CONTRAINDICATED"}, lambda body: body["expected"]["outcome"] == "CONTRAINDICATED"),
        ({"shows": "R-CES"}, lambda body: "R-CES" in body["source"]),
        ({"q": " c-mr-UNSAFE "}, lambda body: "C-MR-UNSAFE" in body["expected"]["cards"]),
        (
            {"shows": "R-CES", "outcome": "EMERGENCY"},
            lambda body: "R-CES" in body["source"] and body["expected"]["outcome"] == "EMERGENCY",
        ),
        ({"outcome": "EMERGENCY or what"}, lambda _: False),
        ({"q": "<script>"}, lambda _: False),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_page_is_narrowed(app: Flask, query: dict[str, str], expected: Any) -> None:
    """The page holds the scenarios that fit everything asked for, and no others; without a script too."""
    assert shown(app, **query) == {name for name, scenario in SCENARIOS.items() if expected(scenario.body)}


def test_narrowed_page_says_so(app: Flask) -> None:
    """A reader sees that there is more, and how to see it."""
    html = Html(app.test_client().get("/scenarios?q=no+such+thing").text)
    assert f"0 of {len(SCENARIOS)} scenarios" in html.text
    assert "/scenarios" in html.links


def test_scenarios_are_downloaded_whole(app: Flask) -> None:
    """The JSON has every scenario, whatever the page was narrowed to."""
    response = app.test_client().get("/scenarios.json?q=nothing")
    assert response.mimetype == "application/json"
    assert [item["id"] for item in response.get_json()["scenarios"]] == list(SCENARIOS)


def test_browser_keeps_the_page(app: Flask) -> None:
    """A page that has not changed is not sent again."""
    client = app.test_client()
    etag = client.get("/scenarios").headers["ETag"]
    assert client.get("/scenarios", headers={"If-None-Match": etag}).status_code == 304
