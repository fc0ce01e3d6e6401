"""Which orders two replays answer differently, from what to what, and the rules that came out differently.

Orders are matched by their id in the rows, which is a hash under the key of each folder: without the same key nothing
can be matched, and that is said rather than told as a difference. Counts are exact: who approves a change has to know
of a single order, and so a comparison stays inside the house.
"""

from __future__ import annotations

import hmac
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cards.guideline.guideline import Outcome
from cds_service.protocol.errors import SettingsError
from cds_service.replay.report.result import KEY, connected, read_summary, show

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import duckdb

_MOST_CHANGES: Final = 200
_MOST_ORDERS: Final = 100_000
_PRESSING: Final = f"('{Outcome.EMERGENCY.value}', '{Outcome.URGENT.value}')"
# What may differ between the two, because it is what is compared, and what makes other orders of them.
_COMPARED: Final = {
    "guideline": "guideline version",
    "version": "software version",
    "site": "site file",
    "client": "client",
    "profile": "client profile",
    "verbosity": "verbosity",
    "conditional": "reading of MR Conditional",
}
_SAME: Final = {
    "inputs": "other files were read, or files that have changed since",
    "sample": "the samples are of another size",
    "since": "they begin on another day",
    "what_if": "one asks what a visit would have been told, the other what an order would have been",
}
_STATUS: Final = """
    CREATE MACRO status_of(met, unknown, name) AS CASE
        WHEN list_contains(met, name) THEN 'met' WHEN list_contains(unknown, name) THEN 'unknown' ELSE 'not met' END
"""
_PAIRS: Final = f"""
    CREATE VIEW pairs AS SELECT a."order", a.patient, a.day, a.outcome AS before, b.outcome AS after,
        a.is_deferred AS was_deferred, b.is_deferred AS is_deferred,
        a.is_carded AS was_carded, b.is_carded AS is_carded,
        a.outcome IN {_PRESSING} AS was_pressing, b.outcome IN {_PRESSING} AS is_pressing, b.later,
        a.outcome <> b.outcome OR list_sort(list_distinct(a.cards)) <> list_sort(list_distinct(b.cards)) AS is_changed,
        list_sort([name for name in list_distinct(a.cards) if NOT list_contains(b.cards, name)]) AS gone,
        list_sort([name for name in list_distinct(b.cards) if NOT list_contains(a.cards, name)]) AS come,
        [name || ': ' || status_of(a.met, a.unknown, name) || ' → ' || status_of(b.met, b.unknown, name)
         for name in list_sort(list_distinct(a.met || a.unknown || b.met || b.unknown))
         if status_of(a.met, a.unknown, name) <> status_of(b.met, b.unknown, name)] AS rules
    FROM first a JOIN second b USING ("order")
"""  # noqa: S608 - constants of ours


@dataclass(frozen=True, slots=True)
class Change:
    """Orders that changed in the same way: outcomes, messages that left the cards and that came, rules that differ."""

    before: str
    after: str
    gone: tuple[str, ...]
    come: tuple[str, ...]
    rules: tuple[str, ...]
    orders: int


@dataclass(frozen=True, slots=True)
class Turn:
    """Orders that turned one way: how many, and after how many a red flag, or anything at all, is on record."""

    orders: int
    red_flag: int
    anything: int


@dataclass(frozen=True, slots=True)
class Counts:
    """Orders in both results or one alone, those that changed answer, those with a card before and after."""

    matched: int
    only_first: int
    only_second: int
    changed: int
    outcome_changed: int
    carded_before: int
    carded_after: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two results: what differs between them, what makes the comparison unsafe, and what changed."""

    first: str
    second: str
    differs: tuple[tuple[str, str, str], ...]
    warnings: tuple[str, ...]
    counts: Counts
    newly_deferred: Turn
    no_longer_deferred: Turn
    no_longer_pressing: Turn
    newly_pressing: Turn
    changes: tuple[Change, ...]
    orders: tuple[tuple[Any, ...], ...]

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it, without what refers to single orders."""
        found = {name: value for name, value in asdict(self).items() if name != "orders"}
        found["differs"] = [dict(zip(("what", "first", "second"), item, strict=True)) for item in self.differs]
        return found


ORDER_COLUMNS: Final = ("order", "patient", "ordered_on", "before", "after", "gone", "come", "rules")


def compare(first: Path, second: Path) -> Comparison:
    """Return how the results in two folders differ; SettingsError where they cannot be compared."""
    summaries = read_summary(first), read_summary(second)
    settings = tuple(found if isinstance(found := item.get("replay"), dict) else {} for item in summaries)
    if any(item.get("replayed") == "records" for item in summaries):
        raise SettingsError(
            [f"{first} and {second}: a report of records has orders of its own; replay an export twice"]
        )
    _check_keys(first, second, *settings)
    with tempfile.TemporaryDirectory(prefix="lumbar-cds-") as spill, connected(Path(spill)) as database:
        show(database, first, "first")
        show(database, second, "second")
        database.execute(_STATUS)
        database.execute(_PAIRS)
        counts = _counts(database)
        if not counts.matched and counts.only_first and counts.only_second:
            remedy = _REMEDY.format(first=first)
            raise SettingsError([f"{first} and {second}: have no order in common. {remedy}"])
        return Comparison(
            str(first),
            str(second),
            tuple(_differences(*settings)),
            (*_warnings(*settings), *_unmatched(counts)),
            counts,
            newly_deferred=_turn(database, "is_deferred AND NOT was_deferred"),
            no_longer_deferred=_turn(database, "was_deferred AND NOT is_deferred"),
            no_longer_pressing=_turn(database, "was_pressing AND NOT is_pressing"),
            newly_pressing=_turn(database, "is_pressing AND NOT was_pressing"),
            changes=tuple(_changes(database)),
            orders=tuple(_orders(database)),
        )


_REMEDY: Final = (
    "Orders are matched by hashes under the key in each folder. Give the second replay the key of the first, and make "
    "it again: mkdir NEW && cp {first}/key NEW/key && lumbar-cds replay … --out NEW"
)


def _check_keys(first: Path, second: Path, one: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    """Refuse results whose orders cannot be matched."""
    if bool(one.get("identified")) != bool(other.get("identified")):
        raise SettingsError([f"{first} and {second}: one was made with --identify, one without; make both alike"])
    keys = [folder / KEY for folder in (first, second)]
    if one.get("identified") or not all(key.is_file() for key in keys):
        return
    if not hmac.compare_digest(*(key.read_bytes() for key in keys)):
        remedy = _REMEDY.format(first=first)
        raise SettingsError([f"{first} and {second}: their identifiers are hashed with different keys. {remedy}"])


def _warnings(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    for name, sentence in _SAME.items():
        if name in one and name in other and one[name] != other[name]:
            yield f"{sentence[0].upper()}{sentence[1:]}: part of the difference is that."


def _unmatched(counts: Counts) -> Iterator[str]:
    if counts.only_first or counts.only_second:
        yield (
            f"{counts.only_first:,} orders are in the first result only and {counts.only_second:,} in the second only; "
            "they are not compared."
        )
    if counts.changed > _MOST_ORDERS:
        yield f"Only the first {_MOST_ORDERS:,} of the orders that changed are listed in changed.csv."


def _differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, words in _COMPARED.items():
        values = str(one.get(name) or "none"), str(other.get(name) or "none")
        if values[0] != values[1]:
            yield words, values[0][:12], values[1][:12]


def _counts(database: duckdb.DuckDBPyConnection) -> Counts:
    found = database.execute(
        """
        SELECT count(*), (SELECT count(*) FROM first ANTI JOIN second USING ("order")),
               (SELECT count(*) FROM second ANTI JOIN first USING ("order")), count(*) FILTER (is_changed),
               count(*) FILTER (before <> after), count(*) FILTER (was_carded), count(*) FILTER (is_carded)
        FROM pairs
        """
    ).fetchone()
    return Counts(*(found or ()))


def _turn(database: duckdb.DuckDBPyConnection, condition: str) -> Turn:
    kinds = "[event.kind for event in later]"
    found = database.execute(
        f"SELECT count(*), count(*) FILTER (list_contains({kinds}, 'red-flag')), count(*) FILTER (len(later) > 0)"  # noqa: S608 - constants of ours
        f" FROM pairs WHERE {condition}"
    ).fetchone()
    return Turn(*found) if found else Turn(0, 0, 0)


def _changes(database: duckdb.DuckDBPyConnection) -> Iterator[Change]:
    found = database.execute(
        "SELECT before, after, gone, come, rules, count(*) FROM pairs WHERE is_changed"
        " GROUP BY ALL ORDER BY 6 DESC, 1, 2, 3, 4, 5 LIMIT ?",
        [_MOST_CHANGES],
    )
    for before, after, gone, come, rules, orders in found.fetchall():
        yield Change(before, after, tuple(gone), tuple(come), tuple(rules), orders)


def _orders(database: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    """Yield the orders that changed, for whoever looks them up."""
    yield from database.execute(
        "SELECT \"order\", patient, CAST(day AS VARCHAR), before, after, array_to_string(gone, ' '),"
        " array_to_string(come, ' '), array_to_string(rules, '; ') FROM pairs WHERE is_changed"
        ' ORDER BY day, "order" LIMIT ?',
        [_MOST_ORDERS],
    ).fetchall()
