"""The insights page and its exports: the same numbers, honestly labelled."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import OperationalError

from cds_service.pages.insights import page as page_module
from cds_service.pages.insights.access import InsightsAccess
from cds_service.pages.insights.labels import PHASES, insights_words
from cds_service.pages.insights.report import make_report
from cds_service.pages.insights.service import drawn_state
from cds_service.pages.insights.trend import filled
from cds_service.protocol.trace import PHASES as TRACED
from cds_service.records.insights.insights import Insights, read_choices, read_insights
from cds_service.records.insights.responses import ReasonCount
from cds_service.records.insights.selection import Selection
from cds_service.records.insights.volumes import TrendPoint
from tests.unit.cds_service.pages.insights.insights_pages import BROWSER, insights_app

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from cds_service.records.database import Database

OPEN = InsightsAccess(open_without=True)
ALL = "records=synthetic&period=all"
TABLES = ("volume", "outcomes", "cards", "messages", "reasons", "suggestions", "latencies", "sources", "trend")


@pytest.fixture
def visitor(seeded_database: Database) -> FlaskClient:
    """A browser at a service with synthetic records."""
    return insights_app(seeded_database, OPEN).test_client()


@pytest.fixture(scope="session")
def insights(seeded_database: Database) -> Insights:
    """All synthetic records."""
    return read_insights(seeded_database, Selection(synthetic=True), "week")


def headline(html: str, ident: str) -> str:
    """Return a number at the top of the page."""
    found = re.search(rf'id="headline-{ident}">.*?<strong>(.*?)</strong>', html)
    assert found
    return found[1]


def rows(response: Any) -> list[dict[str, str]]:
    """Return the rows of a CSV answer."""
    return list(csv.DictReader(io.StringIO(response.text)))


def test_page_shows_the_numbers_of_the_records(visitor: FlaskClient, insights: Insights) -> None:
    """What stands on the page is what the records say."""
    html = visitor.get(f"/insights?{ALL}", headers=BROWSER).text
    volume, cards = insights.volume, insights.cards
    expected = {
        "calls": volume.calls,
        "orders": volume.orders + volume.silent_orders,
        "rate": volume.firing_rate,
        "shown": cards.shown,
        "accepted": cards.accepted,
        "overridden": cards.overridden,
        "unanswered": cards.unanswered,
    }
    assert {name: headline(html, name) for name in expected} == {name: f"{value:,}" for name, value in expected.items()}
    assert all(f'id="{section}"' in html for section in ("trend", "outcomes", "messages", "reasons", "latencies"))
    assert "style=" not in html


def test_page_says_what_ids_mean(visitor: FlaskClient) -> None:
    """A quality officer reads titles; the ids beside them are for looking things up."""
    html = visitor.get(f"/insights?{ALL}", headers=BROWSER).text
    for name, ident in (
        ("Within six weeks of conservative care", "C-NOTAPP-6W"),
        ("Not appropriate", "NOT_APPROPRIATE"),
        ("Physical therapy instead of the MRI, reassess on …", "therapy-instead"),
        ("A specialist has planned this study", "expert-contradicts"),
        ("Prescriptions", "medications"),
    ):
        assert f"{name} <code>{ident}</code>" in html


@pytest.mark.parametrize("name", TABLES)
def test_exports_agree_with_each_other(visitor: FlaskClient, name: str) -> None:
    """CSV, JSON and the whole hold the same rows, each marked as synthetic, under a file name that says so too."""
    table = visitor.get(f"/insights/export/{name}.csv?{ALL}")
    document = visitor.get(f"/insights/export/{name}.json?{ALL}")
    assert (table.mimetype, document.mimetype) == ("text/csv", "application/json")
    assert f'filename="lumbar-mri-insights-synthetic-{name}.csv"' in table.headers["Content-Disposition"]
    assert table.headers["Cache-Control"] == "no-store"
    found: list[dict[str, Any]] = json.loads(document.data)
    everything = json.loads(visitor.get(f"/insights/export.json?{ALL}").data)
    assert found
    assert all(row.pop("records") == "synthetic" for row in found)
    assert found == everything[name]
    assert everything["selection"]["synthetic"] is True
    texts = [{key: "" if value is None else str(value) for key, value in row.items()} for row in found]
    assert [{key: value for key, value in row.items() if key != "records"} for row in rows(table)] == texts
    assert {row["records"] for row in rows(table)} == {"synthetic"}


def test_exports_take_the_same_filters(visitor: FlaskClient) -> None:
    """A link beside a plot leads to the numbers of that plot."""
    query = "from=2026-05-20&to=2026-05-31&records=synthetic&client=synthetic-clinic&by=week"
    html = visitor.get(f"/insights?{query}", headers=BROWSER).text
    links = set(re.findall(r'href="(/insights/export/messages\.csv[^"]*)"', html))
    assert len(links) == 1
    response = visitor.get(links.pop().replace("&amp;", "&"))
    assert "synthetic-messages-2026-05-20-2026-05-31.csv" in response.headers["Content-Disposition"]
    shown = sum(int(row["shown"]) for row in rows(response) if row["message"] == "C-INFO-NEED")
    found = re.search(
        r'<th scope="row">Not enough is known</th>\s*<td>C-INFO-NEED</td>\s*<td class="number">(\d+)', html
    )
    assert found
    assert shown == int(found[1]) > 0


def test_spreadsheet_computes_nothing_that_a_client_sent(
    visitor: FlaskClient, insights: Insights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reason's display is whatever a client sent; in a spreadsheet it stays text."""
    hostile = replace(insights, reasons=(ReasonCount("x", "http://y", "=HYPERLINK(1)", 3, 0),))
    monkeypatch.setattr(page_module, "read_insights", lambda *_: hostile)
    assert rows(visitor.get(f"/insights/export/reasons.csv?{ALL}"))[0]["display"] == "'=HYPERLINK(1)"


def test_unknown_table_is_not_found(visitor: FlaskClient) -> None:
    """There is no export beyond those of the page."""
    assert visitor.get("/insights/export/comments.csv").status_code == 404
    assert visitor.get("/insights/export/trend.xlsx").status_code == 404


@pytest.mark.parametrize("query", ["period=x", "client=none", "from=2026-13-01", "x=<script>alert(1)</script>"])
def test_bad_filters_are_told(visitor: FlaskClient, query: str) -> None:
    """The page says what is wrong and shows no numbers; an export is refused."""
    page = visitor.get(f"/insights?{query}", headers=BROWSER)
    assert page.status_code == 400
    assert "no numbers are shown" in page.text
    assert "headline-calls" not in page.text
    assert "<script>alert" not in page.text
    assert visitor.get(f"/insights/export.json?{query}").status_code == 400


def test_synthetic_records_are_marked_at_every_plot(visitor: FlaskClient) -> None:
    """A picture of any part of the page cannot be taken for real numbers, and real ones are not so marked."""
    html = visitor.get(f"/insights?{ALL}", headers=BROWSER).text
    titles = re.findall(r"<h2 id=\"\w+-title\">.*?</h2>", html)
    assert len(titles) == len(TABLES)
    assert all('<span class="chip warning">synthetic</span>' in title for title in titles)
    assert "chip warning" not in visitor.get("/insights", headers=BROWSER).text


def test_nothing_on_record_is_explained(empty_database: Database) -> None:
    """A fresh installation says how numbers come about, and how to look around before."""
    html = insights_app(empty_database, OPEN).test_client().get("/insights", headers=BROWSER).text
    assert "Nothing is on record yet" in html
    assert "lumbar-cds demo-data" in html
    assert "silent" in html
    assert "headline-calls" not in html


def test_synthetic_records_are_pointed_to_while_there_are_no_others(visitor: FlaskClient) -> None:
    """Whoever has written them finds them."""
    html = visitor.get("/insights", headers=BROWSER).text
    assert "Look at the synthetic records" in html


def test_empty_time_is_drawn_empty(visitor: FlaskClient) -> None:
    """A time without calls shows zeros and empty plots, not the numbers of another time."""
    page = visitor.get("/insights?records=synthetic&from=2020-01-01&to=2020-01-07", headers=BROWSER)
    assert page.status_code == 200
    assert headline(page.text, "calls") == "0"
    assert "Nothing is on record for this selection" in page.text
    assert "1 Jan" in page.text


def test_few_are_said_to_be_few(seeded_database: Database) -> None:
    """A share of a handful is not printed as if it meant something."""
    selection = Selection(client="synthetic-clinic", synthetic=True)
    found = read_insights(seeded_database, selection)
    report = make_report(found, (date(2026, 4, 7), date(2026, 6, 1)), insights_words())
    messages = next(section for section in report.sections if section.ident == "messages").plots[0]
    assert messages.kind == "bars"
    marked = {row.row.ident: row.row.bars[0].few for row in messages.rows}  # type: ignore[union-attr] # of bars
    assert marked == {message.message: 0 < message.shown < 20 for message in found.messages}
    assert set(marked.values()) == {True, False}


def test_unreadable_records_are_no_crash(visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the database is away the page says so, and a script may try again."""

    def fail(*_args: object, **_options: object) -> None:
        raise OperationalError("secret statement", {}, Exception())

    monkeypatch.setattr(page_module, "read_choices", fail)
    page = visitor.get("/insights", headers=BROWSER)
    assert (page.status_code, "cannot be read" in page.text) == (503, True)
    assert "secret" not in page.text
    assert visitor.get("/insights/export.json").status_code == 503


def test_readers_take_turns(visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Heavy questions never take all threads from those who answer hooks."""
    monkeypatch.setattr(page_module, "_PATIENCE", 0.01)
    statuses = []

    def read_and_ask_meanwhile(*args: Any, **options: Any) -> Any:
        monkeypatch.setattr(page_module, "read_choices", read_choices)
        statuses.append(visitor.application.test_client().get("/insights/export.json").status_code)
        return read_choices(*args, **options)

    monkeypatch.setattr(page_module, "read_choices", read_and_ask_meanwhile)
    assert visitor.get("/insights/export.json").status_code == 200
    assert statuses == [503]


def test_page_is_kept_nowhere(visitor: FlaskClient) -> None:
    """Neither a proxy nor the browser's history shows the numbers to the next user."""
    assert visitor.get("/insights", headers=BROWSER).cache_control.no_store


def test_empty_periods_are_drawn() -> None:
    """A week without orders is a gap in the plot, not left out of it; centuries are not drawn."""
    point = TrendPoint(date(2026, 5, 6), 5, 4, 3, 2, 1, 0)
    days = list(filled([point], (date(2026, 5, 4), date(2026, 5, 8)), weekly=False))
    assert [(found.start.day, found.orders) for found in days] == [(4, 0), (5, 0), (6, 4), (7, 0), (8, 0)]
    monday = replace(point, start=date(2026, 5, 4))
    weeks = list(filled([monday], (date(2026, 4, 29), date(2026, 5, 20)), weekly=True))
    assert [found.start for found in weeks] == [date(2026, 4, 27) + timedelta(weeks=week) for week in range(4)]
    assert list(filled([point], (date(2000, 1, 1), date(2100, 1, 1)), weekly=False)) == [point]
    assert list(filled([], None, weekly=False)) == []


@pytest.mark.parametrize(
    ("state", "drawn"),
    [
        ("prefetch:complete", "prefetch"),
        ("fetched:complete", "fetched"),
        ("fetched:partial", "partial"),
        ("prefetch:unavailable", "unavailable"),
        ("prefetch:not-provided", "missing"),
        ("not-provided", "missing"),
        ("something-new", "unavailable"),
    ],
)
def test_states_of_sources_are_drawn(state: str, drawn: str) -> None:
    """A state that is not known is never drawn as if the data had been there."""
    assert drawn_state(state) == drawn


def test_every_phase_has_a_name() -> None:
    """A phase that is measured can be read."""
    assert set(TRACED) <= set(PHASES)


def test_unknown_ids_stand_for_themselves() -> None:
    """Records of another version keep their numbers, and their ids are the names."""
    words = insights_words()
    assert words.message("C-GONE") == "C-GONE"
    assert words.suggestion("gone") == "gone"
    assert words.source("gone") == "Gone"
    assert words.outcome_meaning("GONE") == ""
    assert words.reason("local", "http://site", "Told so") == "Told so"
    assert words.reason("local", "http://site", "") == "local"
    assert words.reason("", "", "") == "No coded reason given"
    site = words.knowing({("urn:site", "4"): "already-imaged"})
    assert site.reason("4", "urn:site", "Done") == "Already imaged"
    assert site.reason("4", "urn:other", "Done") == "Done"
