"""What the service found, and how often it spoke, where cards are shown and where it is silent."""

from __future__ import annotations

from typing import Final

from cds_service.pages.insights.figures import FEW, Section, Table, count, counted, headings, per_100, percent
from cds_service.pages.insights.labels import InsightsWords
from cds_service.pages.plots.bars import Bar, Part, Row, bar_plot
from cds_service.pages.plots.scales import Caption, LegendItem
from cds_service.records.insights.insights import Insights
from cds_service.records.insights.volumes import rate

SHOWN: Final = LegendItem("shown", "cards shown")
SILENT: Final = LegendItem("silent", "silent: assessed, nothing shown")


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
                Caption(
                    "Firing rate, shown and silent", "orders with a card, per 100 lumbar MRI orders", (SHOWN, SILENT)
                ),
                rows,
                most=100,
            ),
        ),
        table=Table(
            headings(
                "Mode",
                numbers=(
                    "Orders",
                    "With a card",
                    "Per 100 orders",
                ),
            ),
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
            bars.append(_share_bar(name, found.orders, orders, silent=False))
        if silent:
            bars.append(_share_bar(name, found.silent_orders, silent, silent=True))
        rows.append(Row(name, found.outcome, tuple(bars), note=_first_sentence(words.outcome_meaning(found.outcome))))
    below = f" and, below it, of the {counted(silent, 'silent order')}" if silent else ""
    shares = [100 * found.orders / orders for found in insights.outcomes if orders]
    shares += [100 * found.silent_orders / silent for found in insights.outcomes if silent]
    return Section(
        ident="outcomes",
        title="What the guideline said",
        about=f"The outcome of each lumbar MRI order, as a share of the {counted(orders, 'order')} where cards are "
        f"shown{below}.",
        plots=(
            bar_plot(
                Caption("Outcomes, shown and silent", "share of orders, %", (SHOWN, SILENT) if silent else (SHOWN,)),
                rows,
                most=max(shares, default=100),
            ),
        ),
        table=Table(
            headings(
                "Outcome",
                "Id",
                numbers=(
                    "Orders, cards shown",
                    "Share",
                    "Orders, silent",
                    "Share",
                ),
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


def _rate_bar(series: str, fired: int, orders: int) -> Bar:
    tip = f"{count(fired)} of {counted(orders, 'order')} with a card: {per_100(fired, orders)} per 100"
    return Bar(
        (Part(rate(fired, orders) or 0, series, tip),),
        f"{per_100(fired, orders)} per 100" if orders else "no orders",
        few=0 < orders < FEW,
    )


def _share_bar(name: str, part: int, whole: int, *, silent: bool) -> Bar:
    share = percent(part, whole)
    where = "silent orders" if silent else "orders where cards are shown"
    tip = f"{name}: {count(part)} of {count(whole)} {where} ({share})"
    figures = f"{count(part)}{' silent' if silent else ''} ({share})"
    return Bar((Part(100 * part / whole, "silent" if silent else "shown", tip),), figures, few=whole < FEW)


def _first_sentence(text: str) -> str:
    return text.partition(". ")[0].rstrip(".") + "." if text else ""
