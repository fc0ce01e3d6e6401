"""The whole page of insights from what the records say: headline numbers and sections."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cds_service.pages.insights.answers import card_section, message_section, reason_section, suggestion_section
from cds_service.pages.insights.figures import FEW, Headline, Section, count, per_100, percent
from cds_service.pages.insights.labels import InsightsWords
from cds_service.pages.insights.service import latency_section, source_section
from cds_service.pages.insights.trend import trend_section
from cds_service.pages.insights.volume import firing_section, outcome_section
from cds_service.records.insights.insights import Insights


@dataclass(frozen=True, slots=True)
class Report:
    """What the page shows for one question; `empty` when nothing at all is on record for it."""

    headlines: tuple[Headline, ...]
    sections: tuple[Section, ...]
    empty: bool


def make_report(insights: Insights, days: tuple[date, date] | None, words: InsightsWords) -> Report:
    """Return the page of insights over a time from a first to a last day."""
    return Report(
        headlines=tuple(_headlines(insights)),
        sections=(
            trend_section(insights, days),
            firing_section(insights),
            outcome_section(insights, words),
            card_section(insights),
            message_section(insights, words),
            suggestion_section(insights, words),
            reason_section(insights, words),
            latency_section(insights, words),
            source_section(insights, words),
        ),
        empty=insights.volume.calls == 0,
    )


def _headlines(insights: Insights) -> list[Headline]:
    volume, cards = insights.volume, insights.cards
    orders = volume.orders + volume.silent_orders
    few = 0 < cards.shown < FEW
    calls = f"{count(volume.lumbar_calls)} with lumbar MRI orders"
    if volume.refused:
        calls += f"; {count(volume.refused)} got an error"
    by_mode = f"{count(volume.orders)} where cards are shown, {count(volume.silent_orders)} silent"
    silent = f"; {count(cards.silent)} more silent" if cards.silent else ""
    return [
        Headline("calls", "Hook calls", count(volume.calls), calls),
        Headline("orders", "Lumbar MRI orders", count(orders), by_mode),
        Headline(
            "rate",
            "Orders with a card, per 100",
            per_100(volume.fired, volume.orders),
            f"{count(volume.fired)} of {count(volume.orders)} where cards are shown",
            few=0 < volume.orders < FEW,
        ),
        Headline("shown", "Cards shown", count(cards.shown), f"by our own record{silent}"),
        Headline(
            "accepted",
            "Accepted",
            count(cards.accepted),
            f"{percent(cards.accepted, cards.offering)} of the {count(cards.offering)} with something to press"
            if cards.offering
            else "no card offered anything",
            few=0 < cards.offering < FEW,
        ),
        Headline("answered", "Questions answered", count(cards.answered), _of_shown(cards.answered, cards.shown)),
        Headline(
            "overridden", "Overridden", count(cards.overridden), _of_shown(cards.overridden, cards.shown), few=few
        ),
        Headline("unanswered", "No answer", count(cards.unanswered), _of_shown(cards.unanswered, cards.shown), few=few),
    ]


def _of_shown(part: int, shown: int) -> str:
    return f"{percent(part, shown)} of the cards shown" if shown else "no card was shown"
