"""How often the service was asked, what it found, how often it spoke, and how that changed over time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

from cds_service.pages.charts_svg import LegendItem
from cds_service.pages.charts_svg_bars import Bar, Part, Row, bar_plot
from cds_service.pages.charts_svg_trend import Period, column_plot, line_plot
from cds_service.pages.insights_figures import FEW, Column, Section, Table, count, counted, per_100, percent
from cds_service.pages.insights_words import InsightsWords
from cds_service.records.insights import Insights
from cds_service.records.volumes import TrendPoint, rate

SHOWN: Final = LegendItem("shown", "cards shown")
SILENT: Final = LegendItem("silent", "silent: assessed, nothing shown")
ANSWERS: Final = (
    LegendItem("accepted", "accepted"),
    LegendItem("overridden", "overridden"),
    LegendItem("unanswered", "no answer"),
)

_MOST_PERIODS: Final = 400  # that are drawn empty to show the whole of a selected period


def firing_section(insights: Insights) -> Section:
    """Return of how many orders a card came, where cards are shown and where they are not."""
    volume = insights.volume
    kinds = (
        ("Cards shown", "shown", volume.fired, volume.orders),
        ("Silent mode", "silent", volume.silent_fired, volume.silent_orders),
    )
    rows = [
        Row(name, "", (_rate_bar(series, fired, orders),), note=f"{count(fired)} of {counted(orders, 'order')}")
        for name, series, fired, orders in kinds
    ]
    return Section(
        ident="firing",
        title="How often a card came",
        about="Lumbar MRI orders with at least one card, of 100 such orders. In silent mode the same is assessed and "
        "recorded and nobody sees a card: what it would be like. An order counts each time it is assessed, when it is "
        "selected and when it is signed.",
        plots=(
            bar_plot(
                "Firing rate, shown and silent",
                rows,
                "orders with a card, per 100 lumbar MRI orders",
                (SHOWN, SILENT),
                most=100,
                figures_title="per 100",
            ),
        ),
        table=Table(
            (Column("Mode", numeric=False), Column("Orders"), Column("With a card"), Column("Per 100 orders")),
            tuple((name, count(orders), count(fired), per_100(fired, orders)) for name, _, fired, orders in kinds),
        ),
        export="volume",
    )


def outcome_section(insights: Insights, words: InsightsWords) -> Section:
    """Return what the guideline said of the orders."""
    orders, silent = insights.volume.orders, insights.volume.silent_orders
    rows = []
    for found in insights.outcomes:
        name = words.outcome(found.outcome)
        bars = []
        if orders:
            bars.append(_share_bar("shown", name, found.orders, orders, "orders where cards are shown"))
        if silent:
            bars.append(_share_bar("silent", name, found.silent_orders, silent, "silent orders"))
        rows.append(Row(name, found.outcome, tuple(bars), note=words.outcome_meaning(found.outcome)))
    shares = [100 * found.orders / orders for found in insights.outcomes if orders]
    shares += [100 * found.silent_orders / silent for found in insights.outcomes if silent]
    return Section(
        ident="outcomes",
        title="What the guideline said",
        about=f"The outcome of each lumbar MRI order, as a share of the {counted(orders, 'order')} where cards are "
        f"shown and, below it, of the {counted(silent, 'silent order')}.",
        plots=(
            bar_plot(
                "Outcomes, shown and silent",
                rows,
                "share of orders, %",
                (SHOWN, SILENT),
                most=max(shares, default=100),
                figures_title="orders",
            ),
        ),
        table=Table(
            (
                Column("Outcome", numeric=False),
                Column("Id", numeric=False),
                Column("Orders, cards shown"),
                Column("Share"),
                Column("Orders, silent"),
                Column("Share"),
            ),
            tuple(
                (
                    words.outcome(found.outcome),
                    found.outcome,
                    count(found.orders),
                    percent(found.orders, orders),
                    count(found.silent_orders),
                    percent(found.silent_orders, silent),
                )
                for found in insights.outcomes
            ),
        ),
        export="outcomes",
    )


def trend_section(insights: Insights, days: tuple[date, date] | None) -> Section:
    """Return the numbers over time; periods without records are drawn empty."""
    unit = insights.unit
    points = tuple(filled(insights.trend, days, weekly=unit == "week"))
    few = any(0 < point.orders < FEW for point in points)
    plots = (
        column_plot(
            "Lumbar MRI orders over time",
            "Lumbar MRI orders, with and without a card",
            f"orders per {unit}",
            [_period(point, unit, ("fired", point.fired), ("quiet", point.orders - point.fired)) for point in points],
            (LegendItem("fired", "with a card"), LegendItem("quiet", "without")),
        ),
        line_plot(
            "Firing rate over time",
            "Orders with a card, per 100",
            "per 100 orders",
            [
                _period(point, unit, ("rate", rate(point.fired, point.orders)), few=point.orders < FEW)
                for point in points
            ],
            (LegendItem("rate", "per 100 orders"), LegendItem("rate-few", f"of fewer than {FEW} orders")),
            most=100,
        ),
        column_plot(
            "Answers to cards over time",
            "Cards shown, by what was done",
            f"cards per {unit}",
            [
                _period(
                    point,
                    unit,
                    ("accepted", point.accepted),
                    ("overridden", point.overridden),
                    ("unanswered", point.cards - point.accepted - point.overridden),
                )
                for point in points
            ],
            ANSWERS,
        ),
        column_plot(
            "Hook calls over time",
            "Hook calls, all orders",
            f"calls per {unit}",
            [_period(point, unit, ("calls", point.calls)) for point in points],
            (LegendItem("calls", "hook calls"),),
        ),
    )
    notes = ["The first and the last period may be cut short by the selection or by today."]
    if few:
        notes.append(f"Hollow dots are rates of fewer than {FEW} orders, which change by chance.")
    return Section(
        ident="trend",
        title="Over time",
        about=f"By {unit}, in UTC{'; a week begins on its Monday' if unit == 'week' else ''}. Orders are counted where "
        "cards are shown and where they are not.",
        plots=plots,
        table=Table(
            (
                Column("Day" if unit == "day" else "Week of", numeric=False),
                Column("Hook calls"),
                Column("Lumbar MRI orders"),
                Column("With a card"),
                Column("Per 100 orders"),
                Column("Cards shown"),
                Column("Accepted"),
                Column("Overridden"),
                Column("No answer"),
            ),
            tuple(
                (
                    point.start.isoformat(),
                    count(point.calls),
                    count(point.orders),
                    count(point.fired),
                    per_100(point.fired, point.orders),
                    count(point.cards),
                    count(point.accepted),
                    count(point.overridden),
                    count(point.cards - point.accepted - point.overridden),
                )
                for point in insights.trend
            ),
        ),
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


def _period(point: TrendPoint, unit: str, *parts: tuple[str, float | None], few: bool = False) -> Period:
    begin = "Week of " if unit == "week" else f"{point.start:%a} "
    left = point.cards - point.accepted - point.overridden
    tip = (
        f"{begin}{day_words(point.start)}: {counted(point.calls, 'hook call')}; "
        f"{counted(point.orders, 'lumbar MRI order')}, {count(point.fired)} with a card "
        f"({per_100(point.fired, point.orders)} per 100); {counted(point.cards, 'card')} shown: "
        f"{count(point.accepted)} accepted, {count(point.overridden)} overridden, {count(left)} no answer"
    )
    return Period(day_words(point.start, year=False), parts, tip, few)


def _rate_bar(series: str, fired: int, orders: int) -> Bar:
    tip = f"{count(fired)} of {counted(orders, 'order')} with a card: {per_100(fired, orders)} per 100"
    return Bar((Part(rate(fired, orders) or 0, series, tip),), per_100(fired, orders), few=0 < orders < FEW)


def _share_bar(series: str, name: str, part: int, whole: int, what: str) -> Bar:
    share = percent(part, whole)
    tip = f"{name}: {count(part)} of {count(whole)} {what} ({share})"
    return Bar((Part(100 * part / whole, series, tip),), f"{count(part)} ({share})", few=whole < FEW)
