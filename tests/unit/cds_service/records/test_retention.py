"""Deleting old records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from cds_service.records import retention
from cds_service.records.feedback import DatabaseFeedbackStore
from cds_service.records.recorder import QueueRecorder
from cds_service.records.retention import Pruned, prune
from cds_service.records.tables import (
    ACCEPTED_SUGGESTIONS,
    ASSESSMENTS,
    CARDS,
    FEEDBACK,
    INVOCATIONS,
    SUGGESTIONS,
    UNRELATED_CALLS,
)
from tests.unit.cds_service.records.builders import AT, assessed, call, card, count, event

if TYPE_CHECKING:
    from cds_service.records.database import Database

DAY = timedelta(days=1)
OF_CALLS = (INVOCATIONS, ASSESSMENTS, CARDS, SUGGESTIONS, UNRELATED_CALLS)
OF_FEEDBACK = (FEEDBACK, ACCEPTED_SUGGESTIONS)


@pytest.fixture
def filled(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Seven days with a lumbar MRI and another order each, and one report; deleted a few at a time."""
    monkeypatch.setattr(retention, "_AT_ONCE", 2)
    recorder = QueueRecorder(database)
    for number in range(7):
        at = AT + number * DAY
        recorder.record(call(assessed(card(suggestions=(("s", "labs"),))), at=at))
        recorder.record(call(at=at))
    assert recorder.close(30)
    DatabaseFeedbackStore(database).record([event(outcome="accepted", accepted=("s",))])
    return database


def test_old_calls_go_and_feedback_stays(filled: Database) -> None:
    """Nothing of a deleted call is left, and what is recent is untouched."""
    assert prune(filled, AT + 5 * DAY) == Pruned(invocations=5, counted_hours=6, feedback=0)
    assert [count(filled, table) for table in OF_CALLS] == [2, 2, 2, 2, 1]
    assert [count(filled, table) for table in OF_FEEDBACK] == [1, 1]


def test_feedback_goes_on_request(filled: Database) -> None:
    """Feedback is deleted by the day on which it came."""
    assert prune(filled, AT, feedback=True).feedback == 0
    assert prune(filled, datetime.now(UTC) + DAY, feedback=True).feedback == 1
    assert [count(filled, table) for table in OF_FEEDBACK] == [0, 0]
