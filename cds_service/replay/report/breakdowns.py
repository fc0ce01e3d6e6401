"""The orders by month, clinic, specialty and reason: how many, how often a card, what was said.

Clinics, specialties and reasons with fewer than 11 orders stand together in one row, and so do those beyond the twenty
most frequent.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cds_service.pages.plots.bars import Bar, BarPlot, Part, Row, bar_plot
from cds_service.pages.plots.scales import Caption, LegendItem
from cds_service.pages.plots.trend import Period, TrendPlot, column_plot
from cds_service.replay.report.cells import SMALL, Cell, part_told, share_told, table_told
from cds_service.replay.report.names import NOT_KNOWN
from cds_service.replay.report.parts import Column, Section, Table, table, words, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from cds_service.replay.report.names import Names
    from cds_service.replay.report.result import Result

_MOST_ROWS: Final = 20
_WITH: Final = LegendItem("shown", "with a card")
_WITHOUT: Final = LegendItem("quiet", "without a card")
_UNTOLD: Final = LegendItem("unread", "orders, where one of the two is below 11")


@dataclass(frozen=True, slots=True)
class Dimension:
    """What orders are broken down by: the column or expression, and the words around it."""

    ident: str
    column: str
    title: str
    heading: str
    about: str
    is_time: bool = False


DIMENSIONS: Final = (
    Dimension("month", "month", "By month", "Month", "By the month of the order.", is_time=True),
    Dimension(
        "clinic",
        "clinic",
        "By clinic",
        "Clinic",
        "By the clinic of the visit, else the requester’s or performer’s organization, as far as the data name one.",
    ),
    Dimension(
        "specialty",
        "specialty",
        "By specialty",
        "Specialty",
        "By what kind of clinician ordered, as far as the data tell.",
    ),
    Dimension(
        "reason",
        "reason",
        "By reason",
        "Reason",
        "By the first coded reason of the order. A reason in words alone is not read here: not in the data.",
    ),
)


@dataclass(slots=True)
class _Line:
    """The counts of one value, or of several that stand together."""

    orders: int = 0
    carded: int = 0
    deferred: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)

    def add(self, other: _Line) -> None:
        self.orders += other.orders
        self.carded += other.carded
        self.deferred += other.deferred
        self.outcomes.update(other.outcomes)
        self.messages.update(other.messages)


def breakdown_section(result: Result, dimension: Dimension, names: Names) -> Section:
    """Return the orders by one dimension."""
    if dimension.column in result.not_told:
        absent = "Not in these records: they do not say where an order came from or why it was made."
        return Section(dimension.ident, dimension.title, dimension.about, absent=absent)
    found = _read(result, dimension)
    name_of: Callable[[str], str] = names.code if dimension.ident == "reason" else lambda name: name or NOT_KNOWN
    if dimension.is_time:
        lines = [(name, line) for name, line in sorted(found.items())]
    else:
        lines = [(name_of(name), line) for name, line in _ranked(found)]
        if rest := _rest(found):
            lines.append(rest)
    plot: BarPlot | TrendPlot = _columns(lines) if dimension.is_time else _bars(dimension, lines)
    tables = (
        _orders(dimension, lines),
        _crossed(dimension, lines, "outcomes", "Outcomes", names.outcome),
        _crossed(dimension, lines, "messages", "Messages", names.message),
    )
    return Section(dimension.ident, dimension.title, dimension.about, plots=(plot,), tables=tables)


def _read(result: Result, dimension: Dimension) -> dict[str, _Line]:
    lines: dict[str, _Line] = defaultdict(_Line)
    column = dimension.column
    for name, orders, carded, deferred in result.rows(
        f"SELECT {column}, count(*), count(*) FILTER (is_carded), count(*) FILTER (is_deferred) FROM orders GROUP BY 1"  # noqa: S608 - columns of ours
    ):
        lines[name] = _Line(orders, carded, deferred)
    for name, outcome, count in result.rows(f"SELECT {column}, outcome, count(*) FROM orders GROUP BY 1, 2"):  # noqa: S608 - as above
        lines[name].outcomes[outcome] = count
    told = f"SELECT {column} AS name, unnest(all_messages) AS message FROM orders"  # noqa: S608 - as above
    for name, message, count in result.rows(f"SELECT name, message, count(*) FROM ({told}) GROUP BY 1, 2"):  # noqa: S608 - as above
        lines[name].messages[message] = count
    return dict(lines)


def _ranked(found: Mapping[str, _Line]) -> list[tuple[str, _Line]]:
    """Return the values that stand for themselves, the most frequent first, those not known last."""
    large = [(name, line) for name, line in found.items() if name and line.orders >= SMALL]
    ranked = sorted(large, key=lambda pair: (-pair[1].orders, pair[0]))[:_MOST_ROWS]
    return ranked + ([("", found[""])] if "" in found else [])


def _rest(found: Mapping[str, _Line]) -> tuple[str, _Line] | None:
    """Return the values that stand together, and their row."""
    alone = {name for name, _ in _ranked(found)}
    others = [line for name, line in found.items() if name not in alone]
    if not others:
        return None
    total = _Line()
    for line in others:
        total.add(line)
    few = all(line.orders < SMALL for line in others)
    return f"{len(others):,} others{f' with fewer than {SMALL} orders each' if few else ''}", total


def _orders(dimension: Dimension, lines: Sequence[tuple[str, _Line]]) -> Table:
    columns = (
        Column("orders", "Orders"),
        Column("carded", "With a card"),
        Column("carded_percent", "Of 100"),
        Column("deferred", "Told to wait"),
        Column("deferred_percent", "Of 100"),
    )
    rows = [
        (
            name,
            cells[0],
            cells[1],
            _share(line.carded, line, cells[:2]),
            cells[2],
            _share(line.deferred, line, cells[::2]),
        )
        for name, line, cells in _told(lines)
    ]
    first = words(dimension.ident, dimension.heading)
    return table("orders", f"Orders {dimension.title.lower()}", first, *columns, rows=rows)


def _told(lines: Sequence[tuple[str, _Line]]) -> list[tuple[str, _Line, list[Cell]]]:
    """Return the counts of each line as they may be said: orders, those with a card, those told to wait."""
    told = table_told([[line.orders, line.carded, line.deferred] for _, line in lines])
    found = []
    for (name, line), (orders, *parts) in zip(lines, told, strict=True):
        cells: list[Cell] = [orders]
        for count, cell in zip((line.carded, line.deferred), parts, strict=True):
            known = None if isinstance(orders, str) else cell
            cells.append(known if known is None or isinstance(known, str) else part_told(count, line.orders))
        found.append((name, line, cells))
    return found


def _share(count: int, line: _Line, cells: Sequence[Cell]) -> Cell:
    return share_told(count, line.orders) if all(isinstance(cell, int) for cell in cells) else None


def _crossed(
    dimension: Dimension,
    lines: Sequence[tuple[str, _Line]],
    of: str,
    caption: str,
    name_of: Callable[[str], str],
) -> Table:
    """Return how often each outcome or message came, by the dimension."""
    counters: list[Counter[str]] = [line.outcomes if of == "outcomes" else line.messages for _, line in lines]
    idents = [ident for ident, _ in _total(counters).most_common()]
    cells = table_told([[counter[ident] for ident in idents] for counter in counters], rows_add_up=of == "outcomes")
    rows = [(name, *told_cells) for (name, _), told_cells in zip(lines, cells, strict=True)] if idents else []
    columns = [Column(ident, name_of(ident)) for ident in idents]
    first = words(dimension.ident, dimension.heading)
    return table(of, f"{caption} {dimension.title.lower()}", first, *columns, rows=rows, folded=True)


def _total(counters: Iterable[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for counter in counters:
        total.update(counter)
    return Counter(dict(sorted(total.items())))


def _columns(lines: Sequence[tuple[str, _Line]]) -> TrendPlot:
    periods = [Period(name, _parts(line, cells), f"{name}: {_tip(cells)}") for name, line, cells in _told(lines)]
    return column_plot(
        Caption("Lumbar MRI orders", "orders per month", _legend(part for period in periods for part in period.parts)),
        periods,
    )


def _bars(dimension: Dimension, lines: Sequence[tuple[str, _Line]]) -> BarPlot:
    rows = []
    drawn: list[tuple[str, float | None]] = []
    for name, line, cells in _told(lines):
        drawn += _parts(line, cells)
        share = _share(line.carded, line, cells[:2])
        figures = f"{written(cells[0])}, {written(share)} % with a card" if share is not None else written(cells[0])
        parts = tuple(Part(value, series, f"{name}: {_tip(cells)}") for series, value in _parts(line, cells))
        rows.append(Row(name, "", (Bar(parts, figures),)))
    caption = Caption(f"Lumbar MRI orders {dimension.title.lower()}", "orders", _legend(drawn))
    return bar_plot(caption, rows)


def _parts(line: _Line, cells: Sequence[Cell]) -> tuple[tuple[str, int], ...]:
    """Return what is drawn: nothing of few, and the whole alone where a part of it is not said."""
    orders, carded, *_ = cells
    if isinstance(orders, str):
        return ()
    if not isinstance(carded, int):
        return (("unread", line.orders),)
    return (("shown", line.carded), ("quiet", line.orders - line.carded))


def _legend(parts: Iterable[tuple[str, float | None]]) -> tuple[LegendItem, ...]:
    """Return what the bars stand for, as far as there are such."""
    series = {name for name, _ in parts}
    return tuple(item for item in (_WITH, _WITHOUT, _UNTOLD) if item.series in series)


def _tip(cells: Sequence[Cell]) -> str:
    return f"{written(cells[0])} orders, {written(cells[1])} with a card"
