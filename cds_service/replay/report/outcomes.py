"""What would have been said of the orders altogether: outcomes and messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service.pages.plots.bars import Bar, BarPlot, Part, Row, bar_plot
from cds_service.pages.plots.scales import Caption, LegendItem
from cds_service.replay.report.cells import Cell, column_told, share_told, told
from cds_service.replay.report.parts import Column, Section, table, words, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cds_service.replay.report.names import Names
    from cds_service.replay.report.result import Result


def outcome_section(result: Result, names: Names) -> Section:
    """Return what the guideline said of the orders."""
    found = result.rows("SELECT outcome, count(*) FROM orders GROUP BY 1 ORDER BY 2 DESC, 1")
    total = sum(count for _, count in found)
    cells = column_told([count for _, count in found])
    rows = [
        (names.outcome(outcome), outcome, cell, _share(count, total, cell), names.meaning(outcome))
        for (outcome, count), cell in zip(found, cells, strict=True)
    ]
    columns = (
        words("id", "Id"),
        Column("orders", "Orders"),
        Column("percent", "Of 100"),
        words("meaning", "It means"),
    )
    plot = shares_plot(
        Caption("Outcomes", "share of orders, %"), [(name, ident, cell, share) for name, ident, cell, share, _ in rows]
    )
    return Section(
        "outcomes",
        "What the guideline would have said",
        "The outcome of each order, from what was on record on its day. Advice on what comes first decides.",
        plots=(plot,),
        tables=(table("outcomes", "Outcomes", words("outcome", "Outcome"), *columns, rows=rows),),
    )


def message_section(result: Result, names: Names) -> Section:
    """Return how often each message came, and how often a card would have shown it."""
    found = result.rows(
        "SELECT message, count(*), count(*) FILTER (list_contains(cards, message)) FROM"
        " (SELECT cards, unnest(all_messages) AS message FROM orders)"
        " GROUP BY 1 ORDER BY 3 DESC, 2 DESC, 1"
    )
    total = result.row("SELECT count(*) FROM orders")[0]
    rows = [
        (names.message(message), message, told(count), told(on_card), share_told(on_card, total))
        for message, count, on_card in found
    ]
    columns = (
        words("id", "Id"),
        Column("orders", "Orders"),
        Column("on_card", "On a card"),
        Column("percent", "On a card, of 100 orders"),
    )
    plot = shares_plot(
        Caption("Messages on a card", "orders with the message on a card, per 100"),
        [(name, ident, cell, share) for name, ident, _, cell, share in rows],
    )
    return Section(
        "messages",
        "Which messages would have come",
        "An order may get several. On a card are those that the clinician would have been shown; the others are "
        "decided and stay with the record, because nothing is asked for.",
        plots=(plot,),
        tables=(table("messages", "Messages", words("message", "Message"), *columns, rows=rows),),
    )


def shares_plot(caption: Caption, rows: Sequence[tuple[str, str, Cell, Cell]]) -> BarPlot:
    """Return bars of shares; what is not said has no bar."""
    drawn = []
    for name, ident, count, share in rows:
        value = share if isinstance(share, float) else 0.0
        figures = f"{written(count)} ({written(share)}\N{NO-BREAK SPACE}%)" if share is not None else written(count)
        drawn.append(Row(name, ident, (Bar((Part(value, "shown", f"{name}: {figures}"),), figures),)))
    most = max((share for *_, share in rows if isinstance(share, float)), default=100.0)
    return bar_plot(Caption(caption.title, caption.unit, (LegendItem("shown", caption.title),)), drawn, most=most)


def _share(count: int, total: int, cell: Cell) -> Cell:
    return None if isinstance(cell, str) else share_told(count, total)
