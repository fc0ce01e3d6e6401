"""How fast calls with lumbar MRI orders were answered, and on what data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from cds_service.pages.insights.figures import FEW, Section, Table, count, counted, headings, milliseconds, percent
from cds_service.pages.insights.labels import PHASES, InsightsWords
from cds_service.pages.plots.bars import Bar, Part, Range, Row, bar_plot, range_plot
from cds_service.pages.plots.scales import Caption, LegendItem
from cds_service.records.insights.insights import Insights
from cds_service.records.insights.timings import SAMPLE, Latency, SourceStates

_ADVISED: Final = (500.0, "500 ms")
_PERCENTILES: Final = (
    LegendItem("p50", "half of the calls took at most this"),
    LegendItem("p90", "90 of 100"),
    LegendItem("p99", "99 of 100"),
)
# How the states on record are drawn; in the table they stand as they are.
_STATES: Final[Mapping[str, str]] = {
    "prefetch": "whole, sent by the EHR",
    "fetched": "whole, fetched",
    "partial": "read in part",
    "unavailable": "could not be read",
    "missing": "not sent",
}


def latency_section(insights: Insights, words: InsightsWords) -> Section:
    """Return the time that each phase took."""
    order = {phase: position for position, phase in enumerate(PHASES)}
    latencies = sorted(insights.latencies, key=lambda item: (order.get(item.phase, len(order)), item.phase))
    calls = max((latency.calls for latency in latencies), default=0)
    notes = [f"Computed from the most recent {count(SAMPLE)} calls."] if calls >= SAMPLE else []
    return Section(
        ident="latencies",
        title="How long clinicians waited",
        about=f"Milliseconds of this service for {counted(calls, 'call')} with lumbar MRI orders, in the order in "
        "which the phases come; the network to the EHR is not in them. CDS Hooks advises to answer within about "
        "500 ms. The axis is logarithmic: each line is ten times the one before.",
        plots=(
            range_plot(
                Caption("Latency by phase", "milliseconds, logarithmic", _PERCENTILES),
                [_range(latency, words) for latency in latencies],
                reference=_ADVISED,
            ),
        ),
        table=Table(
            headings(
                "Phase",
                "Id",
                numbers=(
                    "Calls",
                    "50 of 100, ms",
                    "90 of 100, ms",
                    "99 of 100, ms",
                ),
            ),
            tuple(
                (
                    words.phase(latency.phase),
                    latency.phase,
                    count(latency.calls),
                    f"{latency.p50:,.2f}",
                    f"{latency.p90:,.2f}",
                    f"{latency.p99:,.2f}",
                )
                for latency in latencies
            ),
        ),
        export="latencies",
        notes=tuple(notes),
    )


def source_section(insights: Insights, words: InsightsWords) -> Section:
    """Return how each source of data was had."""
    rows = [_source_row(source, words) for source in insights.sources]
    legend = tuple(LegendItem(f"state-{name}", label) for name, label in _STATES.items())
    return Section(
        ident="sources",
        title="What data there were",
        about="For each prefetch key, in how many calls with lumbar MRI orders it was there. What is not there cannot "
        "show a red flag: cards say so, and the outcome may be that nothing can be determined.",
        plots=(bar_plot(Caption("Sources of data by state", "share of calls, %", legend), rows, most=100),),
        table=Table(
            headings(
                "Source",
                "Prefetch key",
                "State",
                numbers=(
                    "Calls",
                    "Share",
                ),
            ),
            tuple(
                (words.source(source.key), source.key, state, count(calls), percent(calls, _calls(source)))
                for source in insights.sources
                for state, calls in source.states.items()
            ),
        ),
        export="sources",
    )


def _range(latency: Latency, words: InsightsWords) -> Range:
    values = {"p50": latency.p50, "p90": latency.p90, "p99": latency.p99}
    name = words.phase(latency.phase)
    parts = tuple(
        Part(value, series, f"{name}: {series[1:]} of 100 calls took at most {milliseconds(value)} ms")
        for series, value in values.items()
    )
    figures = f"{' · '.join(map(milliseconds, values.values()))} ms"
    return Range(name, latency.phase, parts, figures, few=latency.calls < FEW)


def _source_row(source: SourceStates, words: InsightsWords) -> Row:
    drawn: Counter[str] = Counter()
    for state, calls in source.states.items():
        drawn[drawn_state(state)] += calls
    total, name = _calls(source), words.source(source.key)
    parts = tuple(
        Part(
            100 * drawn[state] / total,
            f"state-{state}",
            f"{name}: {label} in {count(drawn[state])} of {counted(total, 'call')} ({percent(drawn[state], total)})",
        )
        for state, label in _STATES.items()
        if drawn[state]
    )
    whole = drawn["prefetch"] + drawn["fetched"]
    return Row(name, source.key, (Bar(parts, f"{percent(whole, total)} whole", few=total < FEW),))


def drawn_state(state: str) -> str:
    """Return how a state such as `prefetch:complete` is drawn; one that is not known counts as not read."""
    way, _, completeness = state.rpartition(":")
    if completeness == "complete":
        return "fetched" if way == "fetched" else "prefetch"
    return {"partial": "partial", "not-provided": "missing"}.get(completeness, "unavailable")


def _calls(source: SourceStates) -> int:
    return sum(source.states.values())
