"""What a user has answered about a patient, from the records of cards and the feedback on them.

Nothing is written when feedback comes: cards and feedback meet here, when the next call asks, so that neither has to
wait for the other. Only calls that would show a card ask, and they wait a moment at most: without an answer the card is
shown, which is never wrong.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, bindparam, or_, select

from cds_service.records.database import Database
from cds_service.records.stores import AnsweredCard
from cds_service.records.tables import ACCEPTED_SUGGESTIONS, CARDS, FEEDBACK, INVOCATIONS, SUGGESTIONS

_LOG: Final = logging.getLogger(__name__)

_PATIENCE: Final = 0.2  # seconds that a call waits
_REST: Final = 1.0  # seconds in which nobody waits again after the database did not answer
_AT_ONCE: Final = 4  # look-ups of a process
_MOST: Final = 200  # rows


class StoredAnsweredCards:
    """Looks into the database, on a thread each, which a server that never answers may keep; safe to share."""

    def __init__(self, database: Database, patience: float = _PATIENCE) -> None:
        """Take a database at the layout of this version, and how many seconds a call may wait for it."""
        self._database = database
        self.patience = patience
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._resting_until = 0.0

    def of(self, client: str, user: str, patient: str, since: datetime) -> tuple[AnsweredCard, ...] | None:
        """Return them, or None when the database does not answer in time; for a moment nobody waits for it then."""
        begun = time.monotonic()
        if begun < self._resting_until:
            return None
        if self._turns.acquire(timeout=self.patience):
            found: Future[tuple[AnsweredCard, ...]] = Future()
            asked = (found, client, user, patient, since)
            threading.Thread(target=self._in_turn, args=asked, name="answered", daemon=True).start()
            try:
                return found.result(max(0.0, self.patience - (time.monotonic() - begun)))
            except TimeoutError:
                pass
            except Exception as error:  # noqa: BLE001 - advice needs no database, whatever is wrong with it
                _LOG.warning("answered cards cannot be looked up (%s)", type(error).__name__)
        self._resting_until = time.monotonic() + _REST
        return None

    def _in_turn(self, found: Future[tuple[AnsweredCard, ...]], *asked: Any) -> None:
        try:
            found.set_result(self._look(*asked))
        except BaseException as error:  # noqa: BLE001 - it is raised again by whoever waits
            found.set_exception(error)
        finally:
            self._turns.release()

    def _look(self, client: str, user: str, patient: str, since: datetime) -> tuple[AnsweredCard, ...]:
        with self._database.read() as connection:
            return tuple(_answered(connection, client, user, patient, since))


def _answered(connection: Connection, client: str, user: str, patient: str, since: datetime) -> Iterator[AnsweredCard]:
    """Yield the answers; an accepted suggestion that was not on the card is none, nor is an override without reason."""
    rows = connection.execute(_answers(), {"client": client, "user": user, "patient": patient, "since": since})
    for at, outcome, reason, keys, marks, after in rows:
        counted = after if outcome == "accepted" else marks
        if keys and counted:
            yield AnsweredCard(at, outcome, reason, keys, counted)


@cache  # putting it together takes longer than looking
def _answers() -> Select[Any]:
    of_card = and_(
        FEEDBACK.c.card == CARDS.c.uuid,
        FEEDBACK.c.client == INVOCATIONS.c.client,
        FEEDBACK.c.synthetic == INVOCATIONS.c.synthetic,
    )
    of_suggestion = and_(
        SUGGESTIONS.c.invocation == CARDS.c.invocation,
        SUGGESTIONS.c.assessment == CARDS.c.assessment,
        SUGGESTIONS.c.card == CARDS.c.position,
        SUGGESTIONS.c.uuid == ACCEPTED_SUGGESTIONS.c.suggestion,
    )
    with_reason = or_(FEEDBACK.c.reason_code != "", FEEDBACK.c.reason_display != "", FEEDBACK.c.comment != "")
    return (
        select(
            INVOCATIONS.c.at,
            FEEDBACK.c.outcome,
            FEEDBACK.c.reason_code,
            CARDS.c.message_keys,
            CARDS.c.marks,
            SUGGESTIONS.c.marks.label("after"),
        )
        .select_from(
            INVOCATIONS.join(CARDS, CARDS.c.invocation == INVOCATIONS.c.id)
            .join(FEEDBACK, of_card)
            .outerjoin(ACCEPTED_SUGGESTIONS, ACCEPTED_SUGGESTIONS.c.feedback == FEEDBACK.c.fingerprint)
            .outerjoin(SUGGESTIONS, of_suggestion)
        )
        .where(
            INVOCATIONS.c.patient_hash == bindparam("patient"),
            INVOCATIONS.c.user_hash == bindparam("user"),
            INVOCATIONS.c.client == bindparam("client"),
            INVOCATIONS.c.at >= bindparam("since"),
            INVOCATIONS.c.shown.is_(True),
            or_(FEEDBACK.c.outcome == "accepted", with_reason),
        )
        .order_by(INVOCATIONS.c.at.desc())
        .limit(_MOST)
    )
