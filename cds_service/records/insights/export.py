"""Insights as tables: CSV for spreadsheets, JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import msgspec

from cds_service.records.insights.insights import Insights
from cds_service.records.insights.responses import CardAnswers, MessageAnswers, ReasonCount, SuggestionAnswers
from cds_service.records.insights.table import Cell, ExportTable
from cds_service.records.insights.timings import Latency
from cds_service.records.insights.volumes import OutcomeCount, TrendPoint, rate


def export_tables(insights: Insights) -> dict[str, ExportTable]:
    """Return every table of the insights by its name, which can be part of an address or a file name."""
    return {
        "volume": _volume(insights),
        "outcomes": _table(OutcomeCount, insights.outcomes),
        "cards": _table(CardAnswers, [insights.cards], "unanswered"),
        "messages": _messages(insights),
        "reasons": _table(ReasonCount, insights.reasons),
        "suggestions": _table(SuggestionAnswers, insights.suggestions),
        "latencies": _table(Latency, insights.latencies),
        "sources": _sources(insights),
        "trend": _table(TrendPoint, insights.trend),
    }


def export_json(insights: Insights) -> bytes:
    """Return the selection and all tables as one JSON object."""
    tables = {
        name: [dict(zip(table.columns, row, strict=True)) for row in table.rows]
        for name, table in export_tables(insights).items()
    }
    return msgspec.json.encode({"selection": asdict(insights.selection), "unit": insights.unit, **tables})


def _table(kind: type[Any], found: Sequence[Any], *computed: str) -> ExportTable:
    """Return a table of dataclasses: their fields and then the named properties."""
    columns = (*(field.name for field in fields(kind)), *computed)
    return ExportTable(columns, tuple(tuple(_cell(getattr(item, name)) for name in columns) for item in found))


def _volume(insights: Insights) -> ExportTable:
    return _table(type(insights.volume), [insights.volume], "firing_rate", "silent_firing_rate")


def _messages(insights: Insights) -> ExportTable:
    """Return the answers by message, with the shown cards per 100 lumbar MRI orders."""
    table = _table(MessageAnswers, insights.messages, "unanswered")
    orders = insights.volume.orders
    rates = [rate(message.shown, orders) for message in insights.messages]
    rows = tuple((*row, of_100) for row, of_100 in zip(table.rows, rates, strict=True))
    return ExportTable((*table.columns, "per_100_orders"), rows)


def _sources(insights: Insights) -> ExportTable:
    rows = tuple((source.key, state, calls) for source in insights.sources for state, calls in source.states.items())
    return ExportTable(("key", "state", "calls"), rows)


def _cell(value: Any) -> Cell:
    return value if value is None or isinstance(value, str | int | float) else str(value)
