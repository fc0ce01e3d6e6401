"""The numbers over time, by day or by week; periods without records are drawn empty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

from cds_service.pages.insights.figures import FEW, Section, Table, count, counted, headings, per_100
from cds_service.pages.plots.scales import Caption, LegendItem
from cds_service.pages.plots.trend import Period, TrendPlot, column_plot, line_plot
from cds_service.records.insights.insights import Insights
from cds_service.records.insights.volumes import TrendPoint, Unit, rate

ANSWERS: Final = (
    LegendItem("accepted", "accepted"),
    LegendItem("answered", "question answered"),
    LegendItem("overridden", "overridden"),
    LegendItem("unanswered", "no answer"),
)

_FIRED: Final = (LegendItem("fired", "with a card"), LegendItem("quiet", "without"))
_RATE: Final = (LegendItem("rate", "per 100 orders"), LegendItem("rate-few", f"of fewer than {FEW} orders"))
_CALLS: Final = (LegendItem("calls", "hook calls"),)
_MOST_PERIODS: Final = 400  # that are drawn empty to show the whole of a selected time


def trend_section(insights: Insights, days: tuple[date, date] | None) -> Section:
    """Return the numbers over time, drawn from the first to the last of the selected days."""
    unit = insights.unit
    points = tuple(filled(insights.trend, days, weekly=unit == "week"))
    notes = [f"The first and the last {unit} may be cut short, by the selection or because today is not over."]
    if any(0 < point.orders < FEW for point in points):
        notes.append(f"Hollow dots are rates of fewer than {FEW} orders, which change by chance.")
    week = "; a week begins on its Monday" if unit == "week" else ""
    return Section(
        ident="trend",
        title="Over time",
        about=f"By {unit}, in UTC{week}. Orders are counted where cards are shown and where they are not.",
        plots=_plots(points, unit),
        table=_table(insights.trend, unit),
        export="trend",
        notes=tuple(notes),
    )


def filled(points: Sequence[TrendPoint], days: tuple[date, date] | None, *, weekly: bool) -> Iterator[TrendPoint]:
    """Yield the periods from the first day to the last, empty ones too; of a very long time only those on record."""
    if days is None:
        return
    step = timedelta(days=7 if weekly else 1)
    start = min(days[0], *(point.start for point in points)) if points else days[0]
    start -= timedelta(days=start.weekday() if weekly else 0)
    last = max(days[1], *(point.start for point in points)) if points else days[1]
    if (last - start) // step >= _MOST_PERIODS:
        yield from points
        return
    known = {point.start: point for point in points}
    while start <= last:
        yield known.get(start) or TrendPoint(start, 0, 0, 0, 0, 0, 0)
        start += step


def day_words(day: date, *, year: bool = True) -> str:
    """Return a day as people write it."""
    return f"{day.day} {day:%b}{f' {day.year}' if year else ''}"


def _period(point: TrendPoint, unit: Unit, *parts: tuple[str, float | None], few: bool = False) -> Period:
    begin = "Week of " if unit == "week" else f"{point.start:%a} "
    tip = (
        f"{begin}{day_words(point.start)}: {counted(point.calls, 'hook call')}; "
        f"{counted(point.orders, 'lumbar MRI order')}, {count(point.fired)} with a card "
        f"({per_100(point.fired, point.orders)} per 100); {counted(point.cards, 'card')} shown: "
        f"{count(point.accepted)} accepted, {count(point.answered)} answered, {count(point.overridden)} overridden, "
        f"{count(_unanswered(point))} no answer"
    )
    return Period(day_words(point.start, year=False), parts, tip, few)


def _plots(points: Sequence[TrendPoint], unit: Unit) -> tuple[TrendPlot, ...]:
    fired = [_period(point, unit, ("fired", point.fired), ("quiet", point.orders - point.fired)) for point in points]
    rates = [
        _period(point, unit, ("rate", rate(point.fired, point.orders)), few=point.orders < FEW) for point in points
    ]
    answers = [
        _period(
            point,
            unit,
            ("accepted", point.accepted),
            ("answered", point.answered),
            ("overridden", point.overridden),
            ("unanswered", _unanswered(point)),
        )
        for point in points
    ]
    calls = [_period(point, unit, ("calls", point.calls)) for point in points]
    return (
        column_plot(Caption("Lumbar MRI orders", f"orders per {unit}", _FIRED), fired),
        line_plot(Caption("Orders with a card, per 100", "per 100 orders", _RATE), rates, most=100),
        column_plot(Caption("Cards shown", f"cards per {unit}", ANSWERS), answers),
        column_plot(Caption("Hook calls, for all orders", f"calls per {unit}", _CALLS), calls),
    )


def _table(points: Sequence[TrendPoint], unit: Unit) -> Table:
    columns = headings(
        "Day" if unit == "day" else "Week of",
        numbers=(
            "Hook calls",
            "Lumbar MRI orders",
            "With a card",
            "Per 100 orders",
            "Cards shown",
            "Accepted",
            "Question answered",
            "Overridden",
            "No answer",
        ),
    )
    return Table(columns, tuple(_cells(point) for point in points))


def _cells(point: TrendPoint) -> tuple[str, ...]:
    before, after = (
        (point.calls, point.orders, point.fired),
        (point.cards, point.accepted, point.answered, point.overridden),
    )
    return (
        point.start.isoformat(),
        *map(count, before),
        per_100(point.fired, point.orders),
        *map(count, (*after, _unanswered(point))),
    )


def _unanswered(point: TrendPoint) -> int:
    return point.cards - point.accepted - point.answered - point.overridden
