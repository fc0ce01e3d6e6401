"""Synthetic records."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from cards.guideline.guideline import MESSAGES
from cards.guideline.wording import load_wording
from cds_service.demo.record_scenarios import SCENARIOS
from cds_service.demo.records import (
    PREFIX,
    DemoDataError,
    make_demo_data,
    remove_demo_data,
    write_demo_data,
)
from cds_service.records.feedback import DatabaseFeedbackStore
from cds_service.records.insights.insights import read_choices, read_insights
from cds_service.records.insights.selection import Selection
from cds_service.records.recorder import QueueRecorder
from cds_service.records.tables import ACCEPTED_SUGGESTIONS, CARDS, FEEDBACK, INVOCATIONS, UNRELATED_CALLS
from tests.unit.cds_service.records.builders import assessed, call, card, count, event

if TYPE_CHECKING:
    from cds_service.records.database import Database

UNTIL = date(2026, 6, 1)
TABLES = (INVOCATIONS, CARDS, UNRELATED_CALLS, FEEDBACK, ACCEPTED_SUGGESTIONS)


def test_same_seed_gives_the_same_records() -> None:
    """Two people who look at the demonstration see the same numbers."""
    first, second = make_demo_data(UNTIL, weeks=1), make_demo_data(UNTIL, weeks=1)
    assert first == second
    assert make_demo_data(UNTIL, weeks=1, seed=2) != first


def test_everything_is_marked() -> None:
    """No synthetic record can be taken for a real one, by its mark or by its client's name."""
    data = make_demo_data(UNTIL, weeks=1)
    assert all(made.synthetic and made.client.startswith(PREFIX) for made in data.invocations)
    assert all(key.synthetic and key.client.startswith(PREFIX) for key in data.unrelated)
    assert all(made.client.startswith(PREFIX) for made in data.feedback)


def test_only_what_the_service_says_is_made_up() -> None:
    """Messages and suggestions are those of the guideline and its wording."""
    wording = load_wording("en")
    for scenario in SCENARIOS:
        assert set(scenario.messages) <= set(MESSAGES)
        for made in scenario.cards:
            assert set(made.messages) <= set(scenario.messages)
            assert all(wording.get("suggestions", key) for key in made.suggestions)
            assert not made.accepted or made.suggestions


def test_every_part_of_the_insights_has_something_to_show(database: Database) -> None:
    """A tester sees each plot filled, and the real part as empty as it was."""
    data = write_demo_data(database, UNTIL, weeks=4)
    found = read_insights(database, Selection(synthetic=True), "week")
    assert found.volume.lumbar_calls == len(data.invocations)
    assert found.volume.calls == len(data.invocations) + data.unrelated.total()
    assert 0 < found.cards.accepted + found.cards.overridden < found.cards.shown
    assert found.cards.accepted + found.cards.overridden == len({made.card for made in data.feedback})
    assert found.volume.silent_orders
    assert len(found.trend) == 4
    assert all((found.outcomes, found.messages, found.reasons, found.suggestions, found.latencies, found.sources))
    assert read_insights(database, Selection()).volume.calls == 0
    assert read_choices(database).clients == ()


def test_new_synthetic_records_replace_the_earlier_ones(database: Database) -> None:
    """Asking twice does not double anything, and real records stay."""
    recorder = QueueRecorder(database)
    recorder.record(call(assessed(card())))
    recorder.record(call())
    assert recorder.close(30)
    DatabaseFeedbackStore(database).record([event(outcome="accepted", accepted=("s",))])
    real = [count(database, table) for table in TABLES]
    write_demo_data(database, UNTIL, weeks=2)
    filled = [count(database, table) for table in TABLES]
    write_demo_data(database, UNTIL, weeks=2)
    assert [count(database, table) for table in TABLES] == filled
    assert remove_demo_data(database) > 0
    assert [count(database, table) for table in TABLES] == real


def test_real_client_of_a_synthetic_name_is_not_touched(database: Database) -> None:
    """When a real client has such a name nothing is written, because nobody could tell the two apart."""
    recorder = QueueRecorder(database)
    recorder.record(call(client=f"{PREFIX}hospital"))
    assert recorder.close(30)
    with pytest.raises(DemoDataError):
        write_demo_data(database, UNTIL, weeks=1)
    assert [count(database, table) for table in (INVOCATIONS, UNRELATED_CALLS)] == [0, 1]
