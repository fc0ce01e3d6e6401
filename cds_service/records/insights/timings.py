"""How fast calls with lumbar MRI orders were answered, and on what data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, select

from cds_service.records.insights.selection import Selection
from cds_service.records.tables import INVOCATIONS

# Percentiles are computed from the most recent calls of a selection. SQLite has no function for them, and for a
# question about speed months ago a narrower period can be chosen.
SAMPLE: Final = 20_000

TOTAL: Final = "total"


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of one phase, or of the whole call: half of the calls took at most `p50`, and so on."""

    phase: str
    calls: int
    p50: float
    p90: float
    p99: float


@dataclass(frozen=True, slots=True)
class SourceStates:
    """In how many calls a source of data was in which state, by the prefetch key."""

    key: str
    states: Mapping[str, int]


def latencies(connection: Connection, selection: Selection) -> tuple[Latency, ...]:
    """Return the whole call first, then its phases by name."""
    times: dict[str, list[float]] = {}
    newest = (
        select(INVOCATIONS.c.milliseconds, INVOCATIONS.c.phases)
        .where(selection.calls())
        .order_by(INVOCATIONS.c.at.desc())
        .limit(SAMPLE)
    )
    for total, phases in connection.execute(newest):
        times.setdefault(TOTAL, []).append(total)
        for phase, milliseconds in phases.items():
            if phase != TOTAL:
                times.setdefault(phase, []).append(milliseconds)
    return tuple(_latency(phase, times[phase]) for phase in sorted(times, key=lambda name: (name != TOTAL, name)))


def source_states(connection: Connection, selection: Selection) -> tuple[SourceStates, ...]:
    """Return the states of every source, by key; the most frequent state first."""
    states: dict[str, Counter[str]] = {}
    # Grouped by all sources of a call together: most calls of a client come in the same few ways.
    rows = select(INVOCATIONS.c.sources, func.count()).where(selection.calls()).group_by(INVOCATIONS.c.sources)
    for sources, number in connection.execute(rows):
        for key, state in sources.items():
            states.setdefault(key, Counter())[state] += number
    return tuple(
        SourceStates(key, dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))))
        for key, counts in sorted(states.items())
    )


def _latency(phase: str, times: Sequence[float]) -> Latency:
    ordered = sorted(times)
    p50, p90, p99 = (round(percentile(ordered, percent), 2) for percent in (50, 90, 99))
    return Latency(phase, len(ordered), p50, p90, p99)


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Return the smallest of the ascending values that so many percent of them do not exceed."""
    rank = -(-len(ordered) * percent // 100)  # rounded up
    return ordered[max(rank, 1) - 1]
