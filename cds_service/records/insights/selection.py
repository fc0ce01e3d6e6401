"""Which records a question is about, and the views of them that several questions share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Subquery, Table, and_, case, func, select

from cds_service.records.tables import CARDS, FEEDBACK, INVOCATIONS, UNRELATED_CALLS


@dataclass(frozen=True, slots=True)
class Selection:
    """Calls from `since` until before `until`, of one client, one guideline version, shown or silent; None is any.

    Either real records or synthetic ones, never both together. Calls that are only counted are selected by whole
    hours.
    """

    since: datetime | None = None
    until: datetime | None = None
    client: str | None = None
    guideline: str | None = None
    shown: bool | None = None
    synthetic: bool = False

    def calls(self) -> ColumnElement[bool]:
        """Return the condition on `invocations`."""
        return self._condition(INVOCATIONS.c.at, self.since, INVOCATIONS)

    def counted_calls(self) -> ColumnElement[bool]:
        """Return the condition on `unrelated_calls`."""
        return self._condition(UNRELATED_CALLS.c.hour, _hour(self.since), UNRELATED_CALLS)

    def _condition(self, moment: ColumnElement[datetime], since: datetime | None, table: Table) -> ColumnElement[bool]:
        columns = table.c
        conditions = [columns.synthetic == self.synthetic]
        if since is not None:
            conditions.append(moment >= since)
        if self.until is not None:
            conditions.append(moment < self.until)
        if self.client is not None:
            conditions.append(columns.client == self.client)
        if self.guideline is not None:
            conditions.append(columns.guideline == self.guideline)
        if self.shown is not None:
            conditions.append(columns.shown == self.shown)
        return and_(*conditions)


def cards_of(selection: Selection, *columns: ColumnElement[Any]) -> Subquery:
    """Return the cards of the selected calls, each once, as client, uuid, shown and further columns.

    A repeated call makes cards with the same ids, and the clinician sees one card.
    """
    kept = (*_IDENTITY, *columns)
    return select(*kept).select_from(_CARDS_OF_CALLS).where(selection.calls()).distinct().subquery("card")


def answered_cards(selection: Selection, *columns: ColumnElement[Any]) -> Subquery:
    """Return the same cards with what was reported of each: `reports`, and `accepted`, which is 1 when it ever was.

    Feedback counts for the cards of the client that sent it, and for no others.
    """
    kept = (*_IDENTITY, *columns)
    of_card = and_(
        FEEDBACK.c.card == CARDS.c.uuid,
        FEEDBACK.c.client == INVOCATIONS.c.client,
        FEEDBACK.c.synthetic == selection.synthetic,
    )
    accepted = func.max(case((FEEDBACK.c.outcome == "accepted", 1), else_=0))
    return (
        select(*kept, func.count(FEEDBACK.c.card).label("reports"), accepted.label("accepted"))
        .select_from(_CARDS_OF_CALLS.outerjoin(FEEDBACK, of_card))
        .where(selection.calls())
        .group_by(*kept)
        .subquery("card")
    )


def counts_of_answers(card: Subquery) -> tuple[ColumnElement[int], ColumnElement[int], ColumnElement[int]]:
    """Return how many of the answered cards there are, how many were accepted, and how many only overridden."""
    overridden = case((and_(card.c.reports > 0, card.c.accepted == 0), 1), else_=0)
    return func.count(), func.sum(card.c.accepted), func.sum(overridden)


def _hour(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0) if moment else None


# Wrapped, because SQLite otherwise walks all cards in the order of an index on one of them to group by it, rather than
# begin with the calls of the period.
_IDENTITY: Final = (
    func.coalesce(INVOCATIONS.c.client, "").label("client"),
    func.coalesce(CARDS.c.uuid, "").label("uuid"),
    INVOCATIONS.c.shown,
)
_CARDS_OF_CALLS: Final = INVOCATIONS.join(CARDS, CARDS.c.invocation == INVOCATIONS.c.id)
