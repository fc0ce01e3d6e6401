"""Insights as files."""

from __future__ import annotations

import csv
import io
import json

import pytest

from cds_service.records.insights.export import export_json, export_tables
from cds_service.records.insights.insights import Insights
from cds_service.records.insights.responses import CardAnswers, MessageAnswers, ReasonCount, SuggestionAnswers
from cds_service.records.insights.selection import Selection
from cds_service.records.insights.table import ExportTable
from cds_service.records.insights.timings import Latency, SourceStates
from cds_service.records.insights.volumes import OutcomeCount, TrendPoint, Volume
from tests.unit.cds_service.records.builders import AT

INSIGHTS = Insights(
    selection=Selection(since=AT),
    unit="day",
    volume=Volume(10, 4, 1, 8, 2, 0, 0),
    outcomes=(OutcomeCount("URGENT", 3, 1),),
    cards=CardAnswers(4, 1, 1, 2),
    messages=(MessageAnswers(4, 1, 1, 2, message="C-EDU"),),
    reasons=(ReasonCount("a", "http://b", "=HYPERLINK(1)", 2, 1),),
    suggestions=(SuggestionAnswers("labs", "C-V7-RISK", 5, 2),),
    latencies=(Latency("total", 4, 1.5, 2.5, 3.5),),
    sources=(SourceStates("devices", {"prefetch:complete": 3, "not-provided": 1}),),
    trend=(TrendPoint(AT.date(), 10, 8, 2, 4, 1, 1),),
)


def test_every_table_can_be_exported() -> None:
    """Whatever the page shows can be taken along, computed columns included."""
    tables = export_tables(INSIGHTS)
    rows = {name: dict(zip(table.columns, table.rows[0], strict=True)) for name, table in tables.items()}
    assert list(rows) == [
        "volume", "outcomes", "cards", "messages", "reasons", "suggestions", "latencies", "sources", "trend",
    ]  # fmt: skip
    assert (rows["volume"]["firing_rate"], rows["volume"]["silent_firing_rate"]) == (25.0, None)
    assert rows["cards"]["unanswered"] == 2
    assert rows["messages"]["per_100_orders"] == 50.0
    assert rows["trend"]["start"] == "2026-06-02"
    assert tables["sources"].rows == (("devices", "prefetch:complete", 3), ("devices", "not-provided", 1))


def test_csv_is_read_back() -> None:
    """Spreadsheets find a heading and a line for each row."""
    read = list(csv.reader(io.StringIO(export_tables(INSIGHTS)["sources"].csv())))
    assert read == [["key", "state", "calls"], ["devices", "prefetch:complete", "3"], ["devices", "not-provided", "1"]]


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t", "\r", "\n", "  =", ";=", ",;@", "\u00a0=", "\uff1d", "\uff0b", "'=", '"=']
)
def test_cell_is_no_formula(start: str) -> None:
    """What a client wrote as a reason is not computed by whoever opens the file."""
    table = ExportTable(("x",), ((f"{start}1+1",), (-1,)))
    assert [row[0] for row in csv.reader(io.StringIO(table.csv(), newline=""))] == ["x", f"'{start}1+1", "-1"]
    assert json.loads(table.json()) == [{"x": f"{start}1+1"}, {"x": -1}]


def test_json_holds_everything() -> None:
    """One file has the selection, the unit of the trend, and each table."""
    read = json.loads(export_json(INSIGHTS))
    assert set(read) == {"selection", "unit", *export_tables(INSIGHTS)}
    assert read["selection"]["since"] == "2026-06-02T20:15:00Z"
    assert read["suggestions"] == [{"key": "labs", "lead": "C-V7-RISK", "offered": 5, "accepted": 2}]
