"""Everything that the records can tell about a selection, read in one moment of the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from cds_service.records.database import Database
from cds_service.records.insights.responses import (
    CardAnswers,
    MessageAnswers,
    ReasonCount,
    SuggestionAnswers,
    card_answers,
    message_answers,
    override_reasons,
    suggestion_answers,
)
from cds_service.records.insights.selection import Selection, of_kind
from cds_service.records.insights.timings import Latency, SourceStates, latencies, source_states
from cds_service.records.insights.volumes import OutcomeCount, TrendPoint, Unit, Volume, outcomes, trend, volume
from cds_service.records.tables import INVOCATIONS, UNRELATED_CALLS


@dataclass(frozen=True, slots=True)
class Insights:
    """What the records say of a selection; without comments, which may name patients."""

    selection: Selection
    unit: Unit
    volume: Volume
    outcomes: tuple[OutcomeCount, ...]
    cards: CardAnswers
    messages: tuple[MessageAnswers, ...]
    reasons: tuple[ReasonCount, ...]
    suggestions: tuple[SuggestionAnswers, ...]
    latencies: tuple[Latency, ...]
    sources: tuple[SourceStates, ...]
    trend: tuple[TrendPoint, ...]


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be selected: the clients and guideline versions on record, and when the first and last calls were."""

    clients: tuple[str, ...]
    guidelines: tuple[str, ...]
    first: datetime | None
    last: datetime | None


def read_insights(database: Database, selection: Selection, unit: Unit = "day") -> Insights:
    """Return everything about a selection, with its trend by day or week; SQLAlchemyError when it cannot be read."""
    with database.read() as connection:
        return Insights(
            selection=selection,
            unit=unit,
            volume=volume(connection, selection),
            outcomes=outcomes(connection, selection),
            cards=card_answers(connection, selection),
            messages=message_answers(connection, selection),
            reasons=override_reasons(connection, selection),
            suggestions=suggestion_answers(connection, selection),
            latencies=latencies(connection, selection),
            sources=source_states(connection, selection),
            trend=trend(connection, selection, unit),
        )


def read_choices(database: Database, *, synthetic: bool = False, demo: bool = False) -> Choices:
    """Return what can be selected among the real records, those of the demo, or the synthetic ones."""
    clients: set[str] = set()
    guidelines: set[str] = set()
    moments: set[datetime] = set()
    with database.read() as connection:
        for table, moment in ((INVOCATIONS, INVOCATIONS.c.at), (UNRELATED_CALLS, UNRELATED_CALLS.c.hour)):
            kind = of_kind(table, synthetic=synthetic, demo=demo)
            clients.update(connection.execute(select(table.c.client).where(kind).distinct()).scalars())
            guidelines.update(connection.execute(select(table.c.guideline).where(kind).distinct()).scalars())
            ends = connection.execute(select(func.min(moment), func.max(moment)).where(kind)).one()
            moments.update(end for end in ends if end is not None)
    return Choices(
        clients=tuple(sorted(clients)),
        guidelines=tuple(sorted(guidelines)),
        first=min(moments, default=None),
        last=max(moments, default=None),
    )
