"""How much was asked and answered: calls, orders, outcomes, how often cards came, and all of it over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, select

from cds_service.records.insights.selection import COUNTED, Selection, answered_cards, counts_of_answers
from cds_service.records.tables import ASSESSMENTS, CARDS, INVOCATIONS, UNRELATED_CALLS

Unit = Literal["day", "week"]


@dataclass(frozen=True, slots=True)
class Volume:
    """Numbers of one selection. An order counts each time it was assessed, when selected and when signed.

    `calls` are all, `refused` those among them that got an error, `lumbar_calls` those with lumbar MRI orders.
    `orders` were assessed where cards are shown, `fired` of them with at least one card; `silent_orders` and
    `silent_fired` are the same where none are shown.
    """

    calls: int
    lumbar_calls: int
    refused: int
    orders: int
    fired: int
    silent_orders: int
    silent_fired: int

    @property
    def firing_rate(self) -> float | None:
        """Orders with a card, of 100 lumbar MRI orders; None without orders."""
        return rate(self.fired, self.orders)

    @property
    def silent_firing_rate(self) -> float | None:
        """The same of orders that were assessed silently."""
        return rate(self.silent_fired, self.silent_orders)


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    """How many orders had an outcome, where cards are shown and where they are not."""

    outcome: str
    orders: int
    silent_orders: int


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """Numbers of the day, or of the week from the Monday, that begins on `start`.

    `orders` and `fired` are of all orders; `cards` are those that were shown, the rest what was done with them.
    """

    start: date
    calls: int
    orders: int
    fired: int
    cards: int
    accepted: int
    overridden: int
    answered: int = 0


def rate(part: int, whole: int) -> float | None:
    """Return a share of 100, rounded to a tenth; None of nothing."""
    return round(100 * part / whole, 1) if whole else None


def volume(connection: Connection, selection: Selection) -> Volume:
    """Return the numbers of a selection."""
    refused = func.sum(case((INVOCATIONS.c.status != 200, 1), else_=0))  # noqa: PLR2004 - the HTTP status
    calls, failed = connection.execute(select(func.count(), refused).where(selection.calls())).one()
    counted = select(func.sum(UNRELATED_CALLS.c.count)).where(selection.counted_calls())
    unrelated = connection.execute(counted).scalar() or 0
    with_orders = select(func.count()).select_from(INVOCATIONS).where(selection.calls(), _has_orders())
    lumbar_calls = connection.execute(with_orders).scalar() or 0
    orders, fired = Counter[bool](), Counter[bool]()
    for shown, number, with_cards in connection.execute(
        select(INVOCATIONS.c.shown, func.count(), func.sum(_fired()))
        .select_from(_ORDERS)
        .where(selection.calls())
        .group_by(INVOCATIONS.c.shown)
    ):
        orders[shown], fired[shown] = number, int(with_cards)
    return Volume(
        calls=calls + int(unrelated),
        lumbar_calls=lumbar_calls,
        refused=int(failed or 0),
        orders=orders[True],
        fired=fired[True],
        silent_orders=orders[False],
        silent_fired=fired[False],
    )


def outcomes(connection: Connection, selection: Selection) -> tuple[OutcomeCount, ...]:
    """Return the outcomes of the selected orders, the most frequent first."""
    counts: dict[str, Counter[bool]] = {}
    for outcome, shown, number in connection.execute(
        select(ASSESSMENTS.c.outcome, INVOCATIONS.c.shown, func.count())
        .select_from(_ORDERS)
        .where(selection.calls())
        .group_by(ASSESSMENTS.c.outcome, INVOCATIONS.c.shown)
    ):
        counts.setdefault(outcome, Counter())[shown] = number
    found = (OutcomeCount(outcome, by_shown[True], by_shown[False]) for outcome, by_shown in counts.items())
    return tuple(sorted(found, key=lambda count: (-count.orders - count.silent_orders, count.outcome)))


def trend(connection: Connection, selection: Selection, unit: Unit = "day") -> tuple[TrendPoint, ...]:
    """Return the numbers over time, without gaps from the first period in which anything was recorded to the last."""
    columns = {
        "calls": _by_day(connection, selection),
        "orders": Counter[date](),
        "fired": Counter[date](),
        "cards": Counter[date](),
        "accepted": Counter[date](),
        "overridden": Counter[date](),
        "answered": Counter[date](),
    }
    orders = select(_day(INVOCATIONS.c.at), func.count(), func.sum(_fired())).select_from(_ORDERS)
    for day, number, fired in connection.execute(orders.where(selection.calls()).group_by(_day(INVOCATIONS.c.at))):
        columns["orders"][_date(day)], columns["fired"][_date(day)] = number, int(fired)
    card = answered_cards(selection, _day(INVOCATIONS.c.at).label("day"))
    cards = select(card.c.day, *counts_of_answers(card)).where(card.c.shown.is_(True)).group_by(card.c.day)
    for day, *numbers in connection.execute(cards):
        named = dict(zip(("cards", *COUNTED[1:]), numbers, strict=True))
        for name in named.keys() & columns.keys():
            columns[name][_date(day)] = int(named[name])
    return tuple(_points(columns, unit))


def _by_day(connection: Connection, selection: Selection) -> Counter[date]:
    """Return the number of calls by day, the counted ones included."""
    calls: Counter[date] = Counter()
    rows = select(_day(INVOCATIONS.c.at), func.count()).where(selection.calls()).group_by(_day(INVOCATIONS.c.at))
    for day, number in connection.execute(rows):
        calls[_date(day)] += number
    hour = UNRELATED_CALLS.c.hour
    counted = select(_day(hour), func.sum(UNRELATED_CALLS.c.count)).where(selection.counted_calls())
    for day, number in connection.execute(counted.group_by(_day(hour))):
        calls[_date(day)] += int(number)
    return calls


def _points(columns: dict[str, Counter[date]], unit: Unit) -> Iterator[TrendPoint]:
    days = {day for counts in columns.values() for day in counts}
    if not days:
        return
    step = timedelta(days=7 if unit == "week" else 1)
    start = min(days) - timedelta(days=min(days).weekday() if unit == "week" else 0)
    while start <= max(days):
        period = [start + timedelta(days=offset) for offset in range(step.days)]
        yield TrendPoint(start, **{name: sum(counts[day] for day in period) for name, counts in columns.items()})
        start += step


def _day(moment: ColumnElement[object]) -> ColumnElement[object]:
    """Return the UTC day of a moment; sessions on PostgreSQL run in UTC."""
    return func.date(moment)


def _date(day: object) -> date:
    """Return a day as SQLite (text) or PostgreSQL (a date) gives it."""
    return day if isinstance(day, date) else date.fromisoformat(str(day))


def _fired() -> ColumnElement[int]:
    """1 for an assessment with at least one card, else 0."""
    card = and_(CARDS.c.invocation == ASSESSMENTS.c.invocation, CARDS.c.assessment == ASSESSMENTS.c.position)
    return case((exists().where(card).correlate(ASSESSMENTS), 1), else_=0)


def _has_orders() -> ColumnElement[bool]:
    return exists().where(ASSESSMENTS.c.invocation == INVOCATIONS.c.id).correlate(INVOCATIONS)


_ORDERS = INVOCATIONS.join(ASSESSMENTS, ASSESSMENTS.c.invocation == INVOCATIONS.c.id)
