"""How much hangs on two numbers: what the same orders would have been told with another threshold."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from cards.guideline.guideline import Outcome
from cds_service.replay.report.cells import Cell, column_told, told
from cds_service.replay.report.parts import Column, Section, table, words

if TYPE_CHECKING:
    from cds_service.replay.report.names import Names
    from cds_service.replay.report.result import Result

_ABOUT: Final = (
    "The outcome of each order with one number changed and everything else as it is: the days of conservative care "
    "that are asked for (42 unless the site says otherwise), and the age from which a scan is no longer called not "
    "appropriate by itself (70)."
)


def threshold_section(result: Result, names: Names) -> Section:
    """Return the sensitivity of the outcomes to the thresholds."""
    title = "With other thresholds"
    if "alternatives" in result.not_told:
        absent = "Not in these records: an order was answered with the thresholds in force, and with no others."
        return Section("thresholds", title, _ABOUT, absent=absent)
    found = result.rows(
        "SELECT other.threshold, other.value, count(*) FILTER (other.outcome <> outcome),"
        " count(*) FILTER (outcome = $1), count(*) FILTER (other.outcome = $1)"
        " FROM (SELECT outcome, unnest(alternatives) AS other FROM orders) GROUP BY 1, 2 ORDER BY 1, 2",
        Outcome.NOT_APPROPRIATE.value,
    )
    rows = [
        (names.threshold(name), value, told(changed), told(before), told(after))
        for name, value, changed, before, after in found
    ]
    columns = (
        Column("value", "Instead"),
        Column("changed", "Orders with another outcome"),
        Column("before", "Not appropriate as it is"),
        Column("after", "Not appropriate then"),
    )
    first = words("threshold", "Threshold")
    tables = [table("thresholds", "One number changed", first, *columns, rows=rows)]
    if moves := _moves(result, names):
        columns = (
            Column("value", "Instead"),
            words("before", "Outcome as it is"),
            words("after", "Outcome then"),
            Column("orders", "Orders"),
        )
        tables.append(table("moves", "Which outcomes change", first, *columns, rows=moves, folded=True))
    return Section("thresholds", title, _ABOUT, tables=tuple(tables))


def _moves(result: Result, names: Names) -> list[tuple[Cell, ...]]:
    found = result.rows(
        "SELECT other.threshold, other.value, outcome, other.outcome, count(*)"
        " FROM (SELECT outcome, unnest(alternatives) AS other FROM orders) WHERE other.outcome <> outcome"
        " GROUP BY ALL ORDER BY 1, 2, 5 DESC, 3, 4"
    )
    rows: list[tuple[Cell, ...]] = []
    for (name, value), group in groupby(found, key=itemgetter(0, 1)):
        moves = list(group)
        cells = column_told([count for *_, count in moves])
        for (_, _, before, after, _), cell in zip(moves, cells, strict=True):
            rows.append((names.threshold(name), value, names.outcome(before), names.outcome(after), cell))
    return rows
