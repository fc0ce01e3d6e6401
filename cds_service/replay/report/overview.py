"""What was replayed: orders, days, patients, with what, and what was left out on the way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from cds_service.replay.report.cells import told
from cds_service.replay.report.parts import Column, Section, Table, table, words

if TYPE_CHECKING:
    from cds_service.replay.report.names import Names
    from cds_service.replay.report.result import Result


@dataclass(frozen=True, slots=True)
class Overview:
    """The numbers of the whole."""

    orders: int
    patients: int
    first: date | None
    last: date | None
    carded: int
    deferred: int
    guidelines: tuple[str, ...]
    clients: tuple[str, ...]
    sites: tuple[str, ...]
    origins: tuple[tuple[str, int], ...]
    resources: int
    assumed: int
    milliseconds: float

    @property
    def days(self) -> str:
        """The days of the orders, as people write them."""
        if self.first is None or self.last is None:
            return "no day: there are no orders"
        return f"{_day(self.first)} – {_day(self.last)}"

    @property
    def is_what_if(self) -> bool:
        """Whether visits stand for orders that nobody made."""
        return dict(self.origins).keys() == {"what-if"}

    @property
    def stand_ins(self) -> int:
        """How many studies and procedures stand for their orders."""
        return sum(count for origin, count in self.origins if origin in ("ImagingStudy", "Procedure"))


def read_overview(result: Result) -> Overview:
    """Return the numbers of the whole."""
    orders, patients, first, last, carded, deferred, resources, assumed, microseconds = result.row(
        "SELECT count(*), count(DISTINCT nullif(patient, '')), min(day), max(day),"
        " count(*) FILTER (is_carded), count(*) FILTER (is_deferred),"
        " coalesce(sum(resources), 0), coalesce(sum(assumed), 0), coalesce(median(microseconds), 0) FROM orders"
    )
    return Overview(
        orders,
        patients,
        first,
        last,
        carded,
        deferred,
        guidelines=_values(result, "guideline"),
        clients=_values(result, "client"),
        sites=_values(result, "site"),
        origins=_counts(result),
        resources=int(resources),
        assumed=int(assumed),
        milliseconds=microseconds / 1000,
    )


def _values(result: Result, column: str) -> tuple[str, ...]:
    found = result.rows(f"SELECT DISTINCT {column} FROM orders ORDER BY 1")  # noqa: S608 - columns of ours
    return tuple(name for (name,) in found if name)


def _counts(result: Result) -> tuple[tuple[str, int], ...]:
    found = result.rows("SELECT origin, count(*) FROM orders GROUP BY 1 ORDER BY 2 DESC, 1")
    return tuple((origin, count) for origin, count in found)


def overview_section(result: Result, overview: Overview, names: Names) -> Section:
    """Return what was replayed."""
    if result.is_of_records:
        about = "The orders of hook calls that the service has on record, with the answers of that time."
    else:
        about = "Past orders, each with the chart as an EHR could have shown it on its day."
    tables = [
        table(
            "facts", "The replay", words("fact", "What"), words("value", "It is"), rows=_facts(result, overview, names)
        )
    ]
    tables += _updated_later(result, names)
    tables += _left_out(result, names)
    return Section("replay", "What was replayed", about, tables=tuple(tables))


def _facts(result: Result, overview: Overview, names: Names) -> list[tuple[str, str]]:
    settings = result.settings
    rows = [
        ("Days of the orders", overview.days),
        ("Orders", "; ".join(f"{count:,} {names.origin(origin)}" for origin, count in overview.origins) or "none"),
        ("Patients", f"{overview.patients:,}" if overview.patients else "not told apart"),
        ("Guideline version", ", ".join(overview.guidelines) or "–"),
        ("Client whose cards these are", ", ".join(overview.clients) or "–"),
        ("Site", ", ".join(overview.sites) or "none: the guideline as it comes"),
    ]
    if isinstance(sample := settings.get("sample"), int):
        rows.append(("Sample", f"{sample:,} of the patients"))
    if hook := settings.get("hook"):
        rows.append(("Hook", f"{hook}, {settings.get('calls', 0):,} calls"))
    if since := settings.get("since"):
        rows.append(("Only orders from", str(since)))
    if overview.resources:
        share = 100 * overview.assumed / overview.resources
        rest = "dated by their last update, or taken to have been there"
        count = f"{overview.assumed:,} of {overview.resources:,} ({share:.1f} %)"
        rows.append(("Resources without a day of recording", f"{count}: {rest}"))
    if "updated_later" in result.not_told:
        rows.append(("Records left out for their last update alone", "not counted by the version that replayed"))
    rows.append(("Time an answer took, median", f"{overview.milliseconds:.1f} ms"))
    return rows


def _updated_later(result: Result, names: Names) -> list[Table]:
    """Return what charts lack for its last update alone: answers without it may reassure more than the hook's."""
    found = result.rows(
        "SELECT item.name, count(*), sum(item.count) FROM (SELECT unnest(updated_later) AS item FROM orders)"
        " GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    if not found:
        return []
    rows = [(names.source(source), source, told(orders), told(int(count))) for source, orders, count in found]
    columns = (words("type", "Type"), Column("orders", "Orders"), Column("records", "Records in all"))
    caption = (
        "Left out of charts: nothing but a last update after the order is known of these records. They may have been "
        "there, and the hook might have said more"
    )
    return [table("updated_later", caption, words("source", "Source"), *columns, rows=rows)]


def _left_out(result: Result, names: Names) -> list[Table]:
    found = []
    if left_out := result.counts("left_out"):
        rows: list[tuple[Any, ...]] = [(names.left_out(reason), told(count)) for reason, count in left_out.items()]
        found.append(table("left_out", "Orders left out", words("why", "Why"), Column("orders", "Orders"), rows=rows))
    if rejects := result.counts("rejects"):
        rows = [(reason.replace("-", " "), count) for reason, count in rejects.items()]
        caption = "Lines that could not be read; each stands in rejects.ndjson"
        found.append(table("rejects", caption, words("why", "Why"), Column("lines", "Lines"), rows=rows))
    return found


def _day(day: date) -> str:
    return f"{day.day} {day:%b} {day.year}"
