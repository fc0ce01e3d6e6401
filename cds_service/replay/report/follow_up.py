"""What became of the patients who would have been told to wait: the number that a safety board asks for first.

Patients are counted, not orders, so that each counts once: a patient with any order that would have been deferred by
the first such order, any other by the first order. These counts are of the whole site and exact, however small: a board
has no use for less. Only they are; what they are broken down by is told as in the rest of the report.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cds_service.replay.report.cells import Cell, Interval, table_told, wilson
from cds_service.replay.report.names import KINDS, Names
from cds_service.replay.report.parts import Column, Section, Table, table, words
from cds_service.replay.rows import DEFERRAL

if TYPE_CHECKING:
    from cds_service.replay.report.result import Result

WITHIN_DAYS: Final = 90
WAIT_DAYS: Final = 42
_FIRST_ORDERS: Final = f"""
    WITH placed AS (
        SELECT *, row_number() OVER (PARTITION BY who ORDER BY is_deferred DESC, day, "order") AS place FROM orders
    )
    SELECT *, coalesce(followed_to >= day + {WITHIN_DAYS}, false) AS is_followed,
           [event.kind for event in later if event.days <= {WITHIN_DAYS}] AS kinds,
           [event.kind for event in later if event.days <= {WAIT_DAYS}] AS soon
    FROM placed WHERE place = 1
"""  # noqa: S608 - constants of ours


@dataclass(frozen=True, slots=True)
class Group:
    """Patients of one kind: how many, how many the data follow for 90 days, and how many had what, of which of them.

    Events are by kind; `any` is any of them, `soon` any of them within the six weeks that are waited.
    """

    patients: int = 0
    followed: int = 0
    events: tuple[tuple[str, int], ...] = ()
    events_of_followed: tuple[tuple[str, int], ...] = ()

    @property
    def not_followed(self) -> int:
        """How many the data do not follow for 90 days."""
        return self.patients - self.followed

    def count(self, kind: str) -> int:
        """How many of all had it, followed or not."""
        return dict(self.events).get(kind, 0)

    def of_followed(self, kind: str) -> int:
        """How many of those followed had it."""
        return dict(self.events_of_followed).get(kind, 0)

    def interval(self, kind: str, *, followed: bool) -> Interval | None:
        """Return the share of all, or of those followed, who had it."""
        return wilson(self.of_followed(kind), self.followed) if followed else wilson(self.count(kind), self.patients)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """The patients of orders that would have been deferred beside those of whom none would have been."""

    deferred: Group
    others: Group
    deferred_orders: int
    orders: int


ANY: Final = "any"
SOON: Final = "soon"
ROWS: Final = {**KINDS, ANY: "Any of these", SOON: f"Any of these within {WAIT_DAYS} days"}


def read_follow_up(result: Result) -> FollowUp:
    """Return what became of the patients."""
    tests = {
        ANY: "len(kinds) > 0",
        SOON: "len(soon) > 0",
        **{kind: f"list_contains(kinds, '{kind}')" for kind in KINDS},
    }
    asked = ", ".join(f"count(*) FILTER ({test}), count(*) FILTER ({test} AND is_followed)" for test in tests.values())
    found = result.rows(
        f"SELECT is_deferred, count(*), count(*) FILTER (is_followed), {asked} FROM ({_FIRST_ORDERS}) GROUP BY 1"  # noqa: S608 - constants of ours
    )
    groups = {bool(is_deferred): _group(tuple(tests), counts) for is_deferred, *counts in found}
    orders, deferred = result.row("SELECT count(*), count(*) FILTER (is_deferred) FROM orders")
    return FollowUp(groups.get(True, Group()), groups.get(False, Group()), deferred, orders)


def _group(kinds: tuple[str, ...], counts: list[int]) -> Group:
    patients, followed, *pairs = counts
    return Group(
        patients, followed, tuple(zip(kinds, pairs[::2], strict=True)), tuple(zip(kinds, pairs[1::2], strict=True))
    )


def follow_up_section(result: Result, follow_up: FollowUp, words_of: Names) -> Section:
    """Return the section, the first of the report."""
    about = (
        f"Patients with an order that would have got the advice to wait ({DEFERRAL}), and what is on record of them in "
        f"the {WITHIN_DAYS} days after it, beside patients of whom no order would have got it. A patient counts once. "
        f"Followed are those of whom the data know anything {WITHIN_DAYS} days or more after the order."
    )
    title = "Told to wait, and what became of them"
    if "later" in result.not_told:
        return Section("follow-up", title, about, absent=_ABSENT)
    tables = (
        _events(follow_up, followed=False),
        _followed(follow_up),
        _events(follow_up, followed=True),
        *_kinds(result, words_of),
    )
    return Section("follow-up", title, about, tables=tables, notes=_NOTES)


_ABSENT: Final = (
    "Not in these records: they hold what was answered, and nothing of what became of the patients. Replay an export "
    "of the same time for this number."
)
_NOTES: Final = (
    "Nobody waited: in this past the MRI was done, and may itself have found what is counted here.",
    "The number says how often waiting would have been put to somebody with something serious, and not what harm it "  # noqa: ISC004 - one sentence
    "would have done.",
    "Of all patients the count is a least number: what happened elsewhere, or after the export, is not in the data. Of "  # noqa: ISC004 - as above
    "those followed the share may be too high, because who comes back is more often ill, or too low, because who was "
    "found ill may have gone elsewhere.",
    "The intervals are Wilson’s, for 95 %. These counts are exact, also below 11.",
    "The references are in review.csv, which is to be kept as a chart is.",
)


def document(follow_up: FollowUp) -> dict[str, Any]:
    """Return the exact numbers as JSON has them."""
    groups = {"deferred": follow_up.deferred, "not_deferred": follow_up.others}
    return {
        "message": DEFERRAL,
        "within_days": WITHIN_DAYS,
        "orders": follow_up.orders,
        "deferred_orders": follow_up.deferred_orders,
        **{name: _document(group) for name, group in groups.items()},
    }


def _document(group: Group) -> dict[str, Any]:
    told: dict[str, Any] = {"patients": group.patients, "followed": group.followed}
    for kind in ROWS:
        told[kind] = {
            "patients": group.count(kind),
            **_bounds(group.interval(kind, followed=False)),
            "followed": {"patients": group.of_followed(kind), **_bounds(group.interval(kind, followed=True))},
        }
    return told


def _bounds(interval: Interval | None) -> dict[str, float]:
    return {"percent": interval.share, "low": interval.low, "high": interval.high} if interval else {}


def _events(follow_up: FollowUp, *, followed: bool) -> Table:
    columns = [
        Column("deferred", "Told to wait"),
        Column("deferred_percent", "Of 100"),
        words("deferred_interval", "95 % interval"),
        Column("others", "Not told to wait"),
        Column("others_percent", "Of 100"),
        words("others_interval", "95 % interval"),
    ]
    rows = []
    for kind, name in ROWS.items():
        row: list[Any] = [name]
        for group in (follow_up.deferred, follow_up.others):
            found = group.interval(kind, followed=followed)
            bounds = f"{found.low} to {found.high}" if found else "–"
            part, whole = (group.of_followed(kind), group.followed) if followed else (group.count(kind), group.patients)
            row += [f"{part:,} of {whole:,}", found.share if found else None, bounds]
        rows.append(row)
    if followed:
        caption = f"Those followed for {WITHIN_DAYS} days"
        return table("events_of_followed", caption, words("event", "What"), *columns, rows=rows)
    caption = f"All patients, within {WITHIN_DAYS} days after the order: at least so many"
    return table("events", caption, words("event", "What"), *columns, rows=rows)


def _followed(follow_up: FollowUp) -> Table:
    columns = [Column("deferred", "Told to wait"), Column("others", "Not told to wait")]
    groups = (follow_up.deferred, follow_up.others)
    rows: list[tuple[Cell, ...]] = [
        ("Patients", *(group.patients for group in groups)),
        (f"Followed for {WITHIN_DAYS} days", *(group.followed for group in groups)),
        ("Not followed", *(group.not_followed for group in groups)),
        ("Not followed, and any of these on record", *(group.count(ANY) - group.of_followed(ANY) for group in groups)),
    ]
    return table("followed", "Who could be followed", words("patients", "Patients"), *columns, rows=rows)


def _kinds(result: Result, words_of: Names) -> list[Table]:
    """Return what it was, in patients of either kind; told as in the rest of the report."""
    found = result.rows(
        "SELECT event.kind, event.what, count(DISTINCT who) FILTER (is_deferred),"  # noqa: S608 - constants of ours
        "       count(DISTINCT who) FILTER (NOT is_deferred)"
        f" FROM (SELECT who, is_deferred, unnest(later) AS event FROM ({_FIRST_ORDERS}))"
        f" WHERE event.days <= {WITHIN_DAYS} GROUP BY ALL ORDER BY 3 DESC, 4 DESC, 1, 2"
    )
    if not found:
        return []
    cells = table_told([counts for _, _, *counts in found])
    rows = [
        (words_of.event(kind, what), KINDS.get(kind, kind), *told)
        for (kind, what, *_), told in zip(found, cells, strict=True)
    ]
    columns = [words("kind", "Kind"), Column("deferred", "Told to wait"), Column("others", "Not told to wait")]
    return [table("kinds", "What it was, in patients", words("what", "What"), *columns, rows=rows)]
