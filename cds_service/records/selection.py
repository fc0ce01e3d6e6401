"""Which records a question is about, and the two views of them that several questions share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Subquery, and_, case, func, select

from cds_service.records.tables import ASSESSMENTS, CARDS, FEEDBACK, INVOCATIONS, UNRELATED_CALLS


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

    def _condition(self, moment: ColumnElement[datetime], since: datetime | None, table: object) -> ColumnElement[bool]:
        columns = table.c  # type: ignore[attr-defined] # both tables have these columns
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


def cards_of(selection: Selection, *columns: ColumnElement[object]) -> Subquery:
    """Return the cards of the selected calls, each once, as client, uuid, shown and further columns.

    A repeated call makes cards with the same ids, and the clinician sees one card.
    """
    joined = INVOCATIONS.join(ASSESSMENTS, ASSESSMENTS.c.invocation == INVOCATIONS.c.id).join(
        CARDS, and_(CARDS.c.invocation == ASSESSMENTS.c.invocation, CARDS.c.assessment == ASSESSMENTS.c.position)
    )
    basic = (INVOCATIONS.c.client, CARDS.c.uuid, INVOCATIONS.c.shown)
    return select(*basic, *columns).select_from(joined).where(selection.calls()).distinct().subquery("card")


def answers_to_cards(selection: Selection) -> Subquery:
    """Return what was reported, by client and card: `accepted` is 1 when it ever was, else 0 for overridden.

    Feedback counts for the cards of the client that sent it, and for no others.
    """
    accepted = func.max(case((FEEDBACK.c.outcome == "accepted", 1), else_=0))
    return (
        select(FEEDBACK.c.client, FEEDBACK.c.card, accepted.label("accepted"))
        .where(FEEDBACK.c.synthetic == selection.synthetic)
        .group_by(FEEDBACK.c.client, FEEDBACK.c.card)
        .subquery("answer")
    )


def _hour(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0) if moment else None
