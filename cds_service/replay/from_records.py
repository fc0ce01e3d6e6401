"""Rows from the service's own records: what silent mode would have said, in the form that reports are made of.

A record tells the outcome, the messages, the cards, the sources and the time of an answer. It knows nothing of where an
order came from, of single resources, or of what became of a patient: `NOT_TOLD` names what is therefore empty, so that
a report says "not in these records" rather than none.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import and_, func, select

from cds_service.protocol.errors import SettingsError
from cds_service.records.insights.selection import Selection
from cds_service.records.tables import ASSESSMENTS, CARDS, INVOCATIONS
from cds_service.replay.rows import OrderRow, schema
from fhir_mappings.fhir.needs import DATA_NEEDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection, Row

    from cds_service.records.database import Database

NOT_TOLD: Final = (
    "clinic",
    "specialty",
    "reason",
    "site",
    "met",
    "unknown",
    "unread",
    "unread_codes",
    "unrecognised_orders",
    "resources",
    "later",
    "followed_to",
    "alternatives",
)
_SIGN: Final = "order-sign"
_CALLS_A_PAGE: Final = 2000
_TYPES: Final = {need.key: need.resource_type for need in DATA_NEEDS}


@dataclass(frozen=True, slots=True)
class RecordedCalls:
    """Which calls are taken: of a time, of a client; silent ones, or with `shown` those that showed cards too."""

    since: datetime | None = None
    client: str | None = None
    shown: bool = False
    synthetic: bool = False

    @property
    def selection(self) -> Selection:
        """What the records are asked for."""
        return Selection(self.since, None, self.client, None, None if self.shown else False, synthetic=self.synthetic)


@dataclass(slots=True)
class _Told:
    """What was taken and what was left out, as the summary tells it."""

    calls: int = 0
    patients: set[str] = field(default_factory=set)
    left_out: Counter[str] = field(default_factory=Counter)


def write_rows(database: Database, out: Path, calls: RecordedCalls) -> dict[str, Any]:
    """Write the rows of recorded calls and a summary into an empty folder; SettingsError where it is not, or no calls.

    The hook is order-sign, where an order is settled; where a client has only ever called another hook, that one.
    """
    import pyarrow as pa  # noqa: PLC0415 (comes with the replay extra)
    import pyarrow.parquet as pq  # noqa: PLC0415 (as above)

    if out.exists() and any(out.iterdir()):
        raise SettingsError([f"{out}: holds other files; name an empty folder"])
    draft = out / f".rows.{os.getpid()}"
    draft.mkdir(parents=True)
    told = _Told()
    columns = schema()
    try:
        with database.read() as connection, pq.ParquetWriter(draft / "part-00000.parquet", columns) as writer:
            hook = _hook(connection, calls, told)
            for rows in _pages(connection, calls, hook, told):
                writer.write_table(pa.Table.from_pylist([asdict(row) for row in rows], schema=columns))
        draft.rename(out / "rows")
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    summary = {
        "replayed": "records",
        "not_told": list(NOT_TOLD),
        "patients": len(told.patients - {""}),
        "left_out": dict(told.left_out.most_common()),
        "replay": {
            "hook": hook,
            "calls": told.calls,
            "since": calls.since.date().isoformat() if calls.since else "",
            "client": calls.client or "",
            "shown": calls.shown,
        },
    }
    (out / "summary.json").write_bytes(msgspec.json.format(msgspec.json.encode(summary), indent=2))
    return summary


def _hook(connection: Connection, calls: RecordedCalls, told: _Told) -> str:
    """Return the hook whose calls are taken, and note how many orders were assessed at the others."""
    found = connection.execute(
        select(INVOCATIONS.c.hook, func.count())
        .select_from(INVOCATIONS.join(ASSESSMENTS, ASSESSMENTS.c.invocation == INVOCATIONS.c.id))
        .where(calls.selection.calls())
        .group_by(INVOCATIONS.c.hook)
        .order_by(func.count().desc(), INVOCATIONS.c.hook)
    ).all()
    orders = dict(tuple(row) for row in found)
    if not orders:
        raise SettingsError(["the records: hold no call with a lumbar MRI order of this kind; see `/insights`"])
    hook = _SIGN if _SIGN in orders else next(iter(orders))
    told.left_out.update({f"at-{name}": count for name, count in orders.items() if name != hook})
    return hook


def _pages(connection: Connection, calls: RecordedCalls, hook: str, told: _Told) -> Iterator[list[OrderRow]]:
    """Yield the rows of so many calls at a time: a statement on years of records would be ended by its time limit."""
    last = -1
    while True:
        condition = and_(calls.selection.calls(), INVOCATIONS.c.hook == hook, INVOCATIONS.c.id > last)
        page = connection.execute(
            select(INVOCATIONS).where(condition).order_by(INVOCATIONS.c.id).limit(_CALLS_A_PAGE)
        ).all()
        if not page:
            return
        last = page[-1].id
        yield list(_rows(connection, page, told))


def _rows(connection: Connection, page: Sequence[Row[Any]], told: _Told) -> Iterator[OrderRow]:
    known = {call.id: call for call in page}
    ids = [call.id for call in page]
    cards = defaultdict[tuple[int, int], list[str]](list)
    for card in connection.execute(select(CARDS).where(CARDS.c.invocation.in_(ids)).order_by(CARDS.c.position)):
        cards[card.invocation, card.assessment] += card.messages
    found = connection.execute(
        select(ASSESSMENTS)
        .where(ASSESSMENTS.c.invocation.in_(ids))
        .order_by(ASSESSMENTS.c.invocation, ASSESSMENTS.c.position)
    ).all()
    told.calls += len({row.invocation for row in found})
    for assessment in found:
        call = known[assessment.invocation]
        told.patients.add(call.patient_hash)
        yield _row(call, assessment, tuple(cards[assessment.invocation, assessment.position]))


def _row(call: Row[Any], assessment: Row[Any], cards: tuple[str, ...]) -> OrderRow:
    return OrderRow(
        order=f"{call.id:016x}.{assessment.position}",
        patient=call.patient_hash,
        day=call.at.date(),
        origin="ServiceRequest",
        clinic="",
        specialty="",
        reason="",
        outcome=assessment.outcome,
        timing="",
        messages=assessment.messages,
        cards=cards,
        met=(),
        unknown=(),
        unread=(),
        unread_codes=(),
        missing=tuple(_missing(call.sources)),
        resources=0,
        assumed=0,
        updated_later=(),
        later=(),
        followed_to=None,
        alternatives=(),
        guideline=call.guideline,
        client=call.client,
        site="",
        microseconds=round(call.milliseconds * 1000),
    )


def _missing(sources: Mapping[str, str]) -> Iterator[str]:
    """Yield the resource types that did not come whole; a state is such as `prefetch:complete`."""
    for key, state in sources.items():
        if state.rpartition(":")[2] != "complete":
            yield _TYPES.get(key, key)
