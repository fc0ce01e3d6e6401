"""Which records a question is about, and the views of them that several questions share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Subquery, Table, and_, case, exists, func, not_, select

from cds_service.records.invocations import DEMO_MARK
from cds_service.records.tables import (
    ACCEPTED_SUGGESTIONS,
    CARDS,
    FEEDBACK,
    INVOCATIONS,
    SUGGESTIONS,
    UNRELATED_CALLS,
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Calls from `since` until before `until`, of one client, one guideline version, shown or silent; None is any.

    Either real records, or those of the demo, or synthetic ones, never any of them together. Calls that are only
    counted are selected by whole hours.
    """

    since: datetime | None = None
    until: datetime | None = None
    client: str | None = None
    guideline: str | None = None
    shown: bool | None = None
    synthetic: bool = False
    demo: bool = False

    def calls(self) -> ColumnElement[bool]:
        """Return the condition on `invocations`."""
        return self._condition(INVOCATIONS.c.at, self.since, INVOCATIONS)

    def counted_calls(self) -> ColumnElement[bool]:
        """Return the condition on `unrelated_calls`."""
        return self._condition(UNRELATED_CALLS.c.hour, _hour(self.since), UNRELATED_CALLS)

    def _condition(self, moment: ColumnElement[datetime], since: datetime | None, table: Table) -> ColumnElement[bool]:
        columns = table.c
        conditions = [of_kind(table, synthetic=self.synthetic, demo=self.demo)]
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


def of_kind(table: Table, *, synthetic: bool, demo: bool) -> ColumnElement[bool]:
    """Return the condition on calls to be real, of the demo, or synthetic."""
    marked = table.c.service.startswith(DEMO_MARK, autoescape=True)
    return and_(table.c.synthetic == synthetic, marked if demo else not_(marked))


def cards_of(selection: Selection, *columns: ColumnElement[Any]) -> Subquery:
    """Return the cards of the selected calls, each once, as client, uuid, shown and further columns.

    A repeated call makes cards with the same ids, and the clinician sees one card.
    """
    kept = (*_IDENTITY, *columns)
    return select(*kept).select_from(_CARDS_OF_CALLS).where(selection.calls()).distinct().subquery("card")


def answered_cards(selection: Selection, *columns: ColumnElement[Any]) -> Subquery:
    """Return the same cards with what was reported of each.

    `reports` are how many; 1 or 0 says whether something could be taken (`offers`), was taken (`accepted`), or a
    question was answered by a press (`answered`). Feedback counts for the cards of the client that sent it, and for no
    others.
    """
    kept = (*_IDENTITY, *columns)
    of_card = and_(
        FEEDBACK.c.card == CARDS.c.uuid,
        FEEDBACK.c.client == INVOCATIONS.c.client,
        FEEDBACK.c.synthetic == selection.synthetic,
    )
    taken, answer = FEEDBACK.c.outcome == "accepted", _is_answer()
    return (
        select(
            *kept,
            func.count(FEEDBACK.c.card).label("reports"),
            func.max(case((_has_suggestions(), 1), else_=0)).label("offers"),
            func.max(case((and_(taken, not_(answer)), 1), else_=0)).label("accepted"),
            func.max(case((and_(taken, answer), 1), else_=0)).label("answered"),
        )
        .select_from(_CARDS_OF_CALLS.outerjoin(FEEDBACK, of_card))
        .where(selection.calls())
        .group_by(*kept)
        .subquery("card")
    )


def counts_of_answers(card: Subquery) -> tuple[ColumnElement[int], ...]:
    """Return, as `COUNTED` names them, how many cards there are, offered something, and were answered in which way."""
    # What offers nothing cannot be accepted, whatever a client reports.
    accepted = case((and_(card.c.accepted == 1, card.c.offers == 1), 1), else_=0)
    answered = case((and_(card.c.answered == 1, card.c.accepted == 0), 1), else_=0)
    overridden = case((and_(card.c.reports > 0, card.c.accepted == 0, card.c.answered == 0), 1), else_=0)
    sums = (card.c.offers, accepted, answered, overridden)
    return (func.count(), *(func.sum(number) for number in sums))


COUNTED: Final = ("shown", "offering", "accepted", "answered", "overridden")


def _has_suggestions() -> ColumnElement[bool]:
    return exists().where(_of_card()).correlate(CARDS)


def _is_answer() -> ColumnElement[bool]:
    """Whether the suggestion that a report says was taken answers a question of the card."""
    taken = ACCEPTED_SUGGESTIONS.c
    same = and_(taken.feedback == FEEDBACK.c.fingerprint, taken.suggestion == SUGGESTIONS.c.uuid)
    answers = SUGGESTIONS.c.key.startswith(_ANSWER, autoescape=True)
    return exists().where(_of_card(), same, answers).correlate(CARDS, FEEDBACK)


def _of_card() -> ColumnElement[bool]:
    return and_(
        SUGGESTIONS.c.invocation == CARDS.c.invocation,
        SUGGESTIONS.c.assessment == CARDS.c.assessment,
        SUGGESTIONS.c.card == CARDS.c.position,
    )


def _hour(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0) if moment else None


# Begins the keys of suggestions that answer a question rather than change the order.
_ANSWER: Final = "answer-"

# Wrapped, because SQLite otherwise walks all cards in the order of an index on one of them to group by it, rather than
# begin with the calls of the period.
_IDENTITY: Final = (
    func.coalesce(INVOCATIONS.c.client, "").label("client"),
    func.coalesce(CARDS.c.uuid, "").label("uuid"),
    INVOCATIONS.c.shown,
)
_CARDS_OF_CALLS: Final = INVOCATIONS.join(CARDS, CARDS.c.invocation == INVOCATIONS.c.id)
