"""A comparison as text for a terminal, as a page, as JSON, and as the list of orders that changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from cds_service.records.insights.table import ExportTable
from cds_service.replay.compare.comparing import ORDER_COLUMNS
from cds_service.replay.report.names import names
from cds_service.replay.report.parts import Column, Section, table, words
from cds_service.replay.report.review_list import write_private
from cds_service.replay.report.writing import page_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cds_service.replay.compare.comparing import Change, Comparison, Turn
    from cds_service.replay.report.names import Names

_MOST_LINES: Final = 40
_NO_RULE: Final = "no rule differs: a message was switched on or off, or another comes first"
TURNS: Final = (
    ("newly_deferred", "Newly told to wait"),
    ("no_longer_deferred", "No longer told to wait"),
    ("no_longer_pressing", "No longer an emergency or urgent"),
    ("newly_pressing", "Newly an emergency or urgent"),
)


def write_comparison(comparison: Comparison, out: Path, now: datetime | None = None) -> None:
    """Write compare.html, compare.json and changed.csv into a folder, each readable by its owner alone."""
    out.mkdir(parents=True, exist_ok=True)
    made = (now or datetime.now(UTC)).astimezone(UTC)
    page = page_of("replay_compare.html", comparison=comparison, sections=sections(comparison, names()), made=made)
    write_private(out / "compare.html", page)
    write_private(out / "compare.json", as_json(comparison))
    write_private(out / "changed.csv", ExportTable(ORDER_COLUMNS, comparison.orders).csv())


def as_json(comparison: Comparison) -> str:
    """Return a comparison as JSON."""
    return msgspec.json.format(msgspec.json.encode(comparison.document()), indent=2).decode()


def sections(comparison: Comparison, names_of: Names) -> tuple[Section, ...]:
    """Return the parts of the page."""
    turns = [(name, *_counts(getattr(comparison, ident))) for ident, name in TURNS]
    turn_columns = (
        Column("orders", "Orders"),
        Column("red_flag", "A red flag within 90 days"),
        Column("anything", "A red flag, an operation or a stay"),
    )
    change_columns = (
        Column("orders", "Orders"),
        words("gone", "Left the cards"),
        words("come", "Came to the cards"),
        words("rules", "Rules that differ"),
    )
    return (
        Section(
            "turns",
            "What matters most",
            "Orders whose advice turned in a way that somebody should look at before the change is approved.",
            tables=(table("turns", "Turned", words("turn", "What"), *turn_columns, rows=turns),),
        ),
        Section(
            "changes",
            "What changed, and by which rule",
            "Orders that changed in the same way stand in one row. The rules are those whose answer differs between "
            "the two, whether or not they decided.",
            tables=(
                table(
                    "changes",
                    "Changes, the most frequent first",
                    words("outcome", "Outcome"),
                    *change_columns,
                    rows=[
                        (
                            _outcomes(change, names_of),
                            change.orders,
                            _listed(change.gone),
                            _listed(change.come),
                            "; ".join(_rule(rule, names_of) for rule in change.rules) or _NO_RULE,
                        )
                        for change in comparison.changes
                    ],
                ),
            ),
        ),
    )


def text(comparison: Comparison) -> str:
    """Return a comparison for a terminal."""
    return "\n".join(_lines(comparison, names()))


def _lines(comparison: Comparison, names_of: Names) -> Iterator[str]:
    counts = comparison.counts
    yield f"A: {comparison.first}"
    yield f"B: {comparison.second}"
    for what, first, second in comparison.differs:
        yield f"   {what}: {first} → {second}"
    for warning in comparison.warnings:
        yield f"WARNING: {warning}"
    yield ""
    yield (
        f"{counts.matched:,} orders compared; {counts.changed:,} changed answer, {counts.outcome_changed:,} of them "
        f"the outcome. With a card: {counts.carded_before:,} → {counts.carded_after:,}."
    )
    for ident, name in TURNS:
        turn: Turn = getattr(comparison, ident)
        yield f"  {name}: {turn.orders:,}" + (
            f" ({turn.red_flag:,} with a red flag within 90 days)" if turn.orders else ""
        )
    if comparison.changes:
        yield ""
        yield from _table(comparison.changes[:_MOST_LINES], names_of)
    if (left := len(comparison.changes) - _MOST_LINES) > 0:
        yield f"… and {left:,} more kinds of change; --out writes them all"


def _table(changes: Sequence[Change], names_of: Names) -> Iterator[str]:
    rows = [("ORDERS", "OUTCOME", "CARDS", "RULES THAT DIFFER")]
    for change in changes:
        cards = " ".join([*(f"-{name}" for name in change.gone), *(f"+{name}" for name in change.come)])
        rules = "; ".join(change.rules) or _NO_RULE
        rows.append((f"{change.orders:,}", _outcomes(change, names_of), cards, rules))
    widths = [max(len(row[at]) for row in rows) for at in range(3)]
    for orders, outcome, cards, rules in rows:
        yield f"{orders:>{widths[0]}}  {outcome:<{widths[1]}}  {cards:<{widths[2]}}  {rules}".rstrip()


def _outcomes(change: Change, names_of: Names) -> str:
    if change.before == change.after:
        return f"{names_of.outcome(change.before)}, as before"
    return f"{names_of.outcome(change.before)} → {names_of.outcome(change.after)}"


def _rule(rule: str, names_of: Names) -> str:
    ident, _, change = rule.partition(": ")
    return f"{ident} ({names_of.criterion(ident)}): {change}"


def _listed(messages: Sequence[str]) -> str:
    return ", ".join(messages) or "–"


def _counts(turn: Turn) -> tuple[int, int, int]:
    return turn.orders, turn.red_flag, turn.anything
