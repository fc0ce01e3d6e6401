"""What was not read, the most frequent first: a site's next work on its codes and its export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cds_service.replay.report.cells import share_told, told
from cds_service.replay.report.parts import Column, Section, Table, table, words

if TYPE_CHECKING:
    from cds_service.replay.report.names import Names
    from cds_service.replay.report.result import Result

_MOST: Final = 30


def unread_section(result: Result, names: Names) -> Section:
    """Return what was unread, by source and by code, what was not there, and the orderables that nobody recognised."""
    tables = [
        found
        for found in (
            _sources(result, names),
            _missing(result, names),
            _codes(result, names),
            _orderables(result, names),
        )
        if found is not None
    ]
    notes = ["A code that is mapped in the site's terminology folder is read from the next replay on."]
    if "unread" in result.not_told:
        notes.append("Not in these records: single resources and codes that were unread. Only whole sources are known.")
    return Section(
        "unread",
        "What was not read",
        "What is in the records and no value set knows counts as neither there nor absent: it keeps an order from "
        "being called not appropriate. The most frequent of these are the next to map.",
        tables=tuple(tables),
        notes=tuple(notes),
    )


def _sources(result: Result, names: Names) -> Table | None:
    if "unread" in result.not_told:
        return None
    total = _orders(result)
    found = result.rows(
        "SELECT item.name, count(*), sum(item.count) FROM (SELECT unnest(unread) AS item FROM orders)"
        " GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    rows = [
        (names.source(source), source, told(orders), share_told(orders, total), told(int(entries)))
        for source, orders, entries in found
    ]
    columns = (
        words("type", "Type"),
        Column("orders", "Orders"),
        Column("percent", "Of 100 orders"),
        Column("entries", "Unread in all"),
    )
    return table("sources", "Sources with something unread", words("source", "Source"), *columns, rows=rows)


def _missing(result: Result, names: Names) -> Table:
    total = _orders(result)
    found = result.rows(
        "SELECT source, count(*) FROM (SELECT unnest(list_distinct(missing)) AS source FROM orders)"
        " GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    rows = [(names.source(source), source, told(orders), share_told(orders, total)) for source, orders in found]
    columns = (words("type", "Type"), Column("orders", "Orders"), Column("percent", "Of 100 orders"))
    caption = "Sources that were not there, or not whole"
    return table("missing", caption, words("source", "Source"), *columns, rows=rows)


def _codes(result: Result, names: Names) -> Table | None:
    if "unread_codes" in result.not_told:
        return None
    found = result.rows(
        "SELECT item.name, count(*), sum(item.count) FROM (SELECT unnest(unread_codes) AS item FROM orders)"
        " GROUP BY 1 ORDER BY 2 DESC, 3 DESC, 1 LIMIT ?",
        _MOST,
    )
    rows = [(names.code(code), told(orders), told(int(entries))) for code, orders, entries in found]
    columns = (Column("orders", "Orders"), Column("entries", "Unread in all"))
    return table("codes", f"Unread codes, the first {_MOST}", words("code", "Code"), *columns, rows=rows)


def _orderables(result: Result, names: Names) -> Table | None:
    if "unrecognised_orders" in result.not_told:
        return None
    listed: Any = result.summary.get("unrecognised_orders")
    found = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    rows = [
        (names.code(str(item.get("name", ""))), told(count))
        for item in found[:_MOST]
        if isinstance(count := item.get("count"), int)
    ]
    caption = f"Orderables that look like an MRI of the spine and were not recognised, the first {_MOST}"
    return table("orderables", caption, words("code", "Code"), Column("orders", "Orders"), rows=rows)


def _orders(result: Result) -> int:
    count: int = result.row("SELECT count(*) FROM orders")[0]
    return count
