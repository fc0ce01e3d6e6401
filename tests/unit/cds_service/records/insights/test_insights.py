"""What the records are asked on the insights page."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from cds_service.records.feedback import DatabaseFeedbackStore
from cds_service.records.insights.insights import Insights, read_choices, read_insights
from cds_service.records.insights.responses import CardAnswers, MessageAnswers, ReasonCount, SuggestionAnswers
from cds_service.records.insights.selection import Selection
from cds_service.records.insights.timings import Latency, SourceStates, percentile
from cds_service.records.insights.volumes import OutcomeCount, TrendPoint, Volume
from cds_service.records.invocations import DEMO_MARK
from cds_service.records.recorder import QueueRecorder
from tests.unit.cds_service.records.builders import AT, assessed, call, card, event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cds_service.protocol.feedback import FeedbackEvent
    from cds_service.records.database import Database
    from cds_service.records.invocations import Invocation

DAY = timedelta(days=1)
THERAPY = ("s-therapy", "therapy-instead")


def recorded(database: Database, calls: Sequence[Invocation], events: Sequence[FeedbackEvent] = ()) -> None:
    """Record calls and feedback as the service does."""
    recorder = QueueRecorder(database)
    for item in calls:
        recorder.record(item)
    assert recorder.close(30)
    DatabaseFeedbackStore(database).record(events)


def waiting(number: int, **changes: object) -> Invocation:
    """Return a call that was answered with the advice to wait."""
    advice = card(f"card-{number}", "C-NOTAPP-6W", "C-EDU", suggestions=(THERAPY,))
    return call(assessed(advice), **changes)


def north(uuid: str, outcome: str = "overridden", **changes: object) -> FeedbackEvent:
    """Return what the client `north` reports."""
    return event(uuid, outcome=outcome, client="north", **changes)


def insights(database: Database, **selection: object) -> Insights:
    """Return the insights of a selection."""
    return read_insights(database, Selection(**selection))  # type: ignore[arg-type] # as the tests write them


def test_nothing_on_record_is_no_error(database: Database) -> None:
    """A new installation shows an empty page."""
    found = insights(database)
    assert found.volume == Volume(0, 0, 0, 0, 0, 0, 0)
    assert found.volume.firing_rate is None
    assert found.cards == CardAnswers(0, 0, 0, 0)
    assert not any((found.outcomes, found.messages, found.reasons, found.suggestions, found.latencies, found.trend))
    choices = read_choices(database)
    assert (choices.clients, choices.first) == ((), None)


def test_calls_and_orders_are_counted(database: Database) -> None:
    """Every call counts, and of 100 lumbar MRI orders the rate says how many brought a card."""
    appropriate = assessed(outcome="APPROPRIATE")
    calls = [
        *(call() for _ in range(7)),
        call(status=412),
        call(appropriate, appropriate),
        waiting(1),
        waiting(2, shown=False, mode="silent"),
    ]
    recorded(database, calls)
    found = insights(database)
    assert found.volume == Volume(
        calls=11, lumbar_calls=3, refused=1, orders=3, fired=1, silent_orders=1, silent_fired=1
    )
    assert (found.volume.firing_rate, found.volume.silent_firing_rate) == (33.3, 100.0)
    assert found.outcomes == (OutcomeCount("APPROPRIATE", 2, 0), OutcomeCount("NOT_APPROPRIATE", 1, 1))


def test_answers_are_measured_against_the_cards_that_were_shown(database: Database) -> None:
    """Cards of which nothing was reported count; a repeated call, a second report and silent cards do not."""
    recorded(
        database,
        [waiting(1), waiting(1), waiting(2), waiting(3), waiting(4), waiting(5, shown=False)],
        [
            north("card-1", "accepted", accepted=("s-therapy",)),
            north("card-1"),
            north("card-2"),
            north("card-2", at=AT + DAY),
            north("unheard-of"),
            event("card-3", client="south"),
        ],
    )
    found = insights(database)
    assert found.cards == CardAnswers(shown=4, accepted=1, overridden=1, silent=1, offering=4)
    assert found.cards.unanswered == 2
    assert found.messages == (MessageAnswers(4, 1, 1, 1, 4, message="C-NOTAPP-6W"),)
    assert found.messages[0].unanswered == 2
    assert found.suggestions == (SuggestionAnswers("therapy-instead", "C-NOTAPP-6W", 4, 1),)


def test_answered_question_is_no_acceptance(database: Database) -> None:
    """A pressed answer counts as one; with a suggestion taken too the card is accepted; without an offer, never."""
    answer = ("s-no", "answer-ces-no")
    cards = [card(f"card-{number}", "C-INFO-NEED", suggestions=(answer, THERAPY)) for number in (1, 2, 3)]
    cards += [card("card-4", "C-DEGRADED")]
    recorded(
        database,
        [call(assessed(item)) for item in cards],
        [
            north("card-1", "accepted", accepted=("s-no",)),
            north("card-2", "accepted", accepted=("s-no",)),
            north("card-2", "accepted", accepted=("s-therapy",)),
            north("card-4", "accepted", accepted=("s-no",)),
        ],
    )
    found = {answers.message: answers for answers in insights(database).messages}
    asked, degraded = found["C-INFO-NEED"], found["C-DEGRADED"]
    assert (asked.shown, asked.offering, asked.answered, asked.accepted, asked.unanswered) == (3, 3, 1, 1, 1)
    assert (degraded.offering, degraded.accepted) == (0, 0)


def test_demo_calls_are_counted_apart(database: Database) -> None:
    """Orders for the demo's invented patients, and its other calls, are among neither the real nor the synthetic."""
    demo = {"service": f"{DEMO_MARK}lumbar-mri-order-sign"}
    recorded(database, [waiting(1), waiting(2, **demo), call(**demo), call()], [north("card-2")])
    real, played = insights(database), insights(database, demo=True)
    assert (real.volume.calls, real.cards.shown, real.cards.overridden) == (2, 1, 0)
    assert (played.volume.calls, played.cards.shown, played.cards.overridden) == (2, 1, 1)
    assert insights(database, synthetic=True).volume.calls == 0
    assert read_choices(database, demo=True).clients == ("north",)


def test_suggestion_is_accepted_on_its_own_card_only(database: Database) -> None:
    """What is reported of another card, or of an unknown suggestion, is no acceptance of this one."""
    recorded(
        database,
        [call(assessed(card("card-1", suggestions=(THERAPY, ("s-remove", "remove"))), card("card-2", "C-MR-HOLD")))],
        [
            north("card-2", "accepted", accepted=("s-therapy",)),
            north("card-1", "accepted", accepted=("s-remove", "s-unheard-of")),
        ],
    )
    found = {suggestion.key: suggestion.accepted for suggestion in insights(database).suggestions}
    assert found == {"therapy-instead": 0, "remove": 1}


def test_override_reasons_are_counted_by_card(database: Database) -> None:
    """Each reason says on how many shown cards it was given, and how many of them have a comment."""
    reason = {"reason_code": "a", "reason_system": "http://b", "reason_display": "c"}
    recorded(
        database,
        [waiting(1), waiting(2), waiting(3), waiting(4, shown=False)],
        [
            north("card-1", **reason, comment="x"),
            north("card-1", **reason, comment="y"),
            north("card-2", **reason, comment="x"),
            north("card-3"),
            north("card-4", **reason),
            north("unheard-of", **reason),
        ],
    )
    found = insights(database)
    assert found.reasons == (ReasonCount("a", "http://b", "c", 2, 2), ReasonCount("", "", "", 1, 0))


def test_comments_are_in_no_part_of_the_insights(database: Database) -> None:
    """Free text may name a patient: only who may read the database sees it."""
    recorded(database, [waiting(1)], [north("card-1", comment="Mr Smith")])
    assert "Smith" not in repr(insights(database))


@pytest.mark.parametrize(
    ("selection", "calls"),
    [
        ({}, 8),
        ({"client": "north"}, 6),
        ({"client": "nobody"}, 0),
        ({"guideline": "2.0.0"}, 2),
        ({"shown": False}, 2),
        ({"since": AT + DAY}, 2),
        ({"until": (AT + DAY).replace(minute=0)}, 6),
        ({"since": AT, "until": AT + timedelta(seconds=1), "client": "north", "shown": True}, 2),
        ({"synthetic": True}, 2),
    ],
)
def test_records_are_selected(database: Database, selection: dict[str, object], calls: int) -> None:
    """Period, client, guideline version, mode and kind each narrow what is counted, with orders and without."""
    varied: list[dict[str, object]] = [{}, {"client": "south", "guideline": "2.0.0"}, {"shown": False}]
    varied += [{"at": AT + DAY}, {"synthetic": True}]
    recorded(database, [made for changes in varied for made in (call(**changes), call(assessed(card()), **changes))])
    found = insights(database, **selection)
    assert found.volume.calls == calls
    assert found.volume.lumbar_calls == calls // 2
    assert sum(point.calls for point in found.trend) == calls


def test_choices_are_what_is_on_record(database: Database) -> None:
    """The page offers clients and versions that occur, real and synthetic ones apart."""
    recorded(
        database,
        [waiting(1), call(client="south", guideline="2.0.0", at=AT + DAY), call(client="x", synthetic=True)],
    )
    choices = read_choices(database)
    assert (choices.clients, choices.guidelines) == (("north", "south"), ("1.0.0", "2.0.0"))
    assert (choices.first, choices.last) == (AT, (AT + DAY).replace(minute=0))
    assert read_choices(database, synthetic=True).clients == ("x",)


def test_latency_is_given_by_phase(database: Database) -> None:
    """Half of the calls took at most p50, nine of ten p90; a phase counts the calls that went through it."""
    calls = [
        waiting(number, milliseconds=float(number), phases={"parse": 0.5} | ({"fetch": 40.0} if number > 90 else {}))
        for number in range(1, 101)
    ]
    recorded(database, calls)
    assert insights(database).latencies == (
        Latency("total", 100, 50.0, 90.0, 99.0),
        Latency("fetch", 10, 40.0, 40.0, 40.0),
        Latency("parse", 100, 0.5, 0.5, 0.5),
    )


@pytest.mark.parametrize(
    ("values", "percent", "expected"), [([7.0], 99, 7), ([1.0, 2.0], 50, 1), ([1.0, 2.0], 51, 2), ([1.0, 2.0], 1, 1)]
)
def test_percentile_is_one_of_the_values(values: list[float], percent: int, expected: float) -> None:
    """No value is made up between two that were measured."""
    assert percentile(values, percent) == expected


def test_states_of_sources_are_counted_by_key(database: Database) -> None:
    """An integrator sees which data a client really sends."""
    complete = {"devices": "prefetch:complete", "conditions": "prefetch:complete"}
    recorded(
        database,
        [
            waiting(1, sources=complete),
            waiting(2, sources=complete),
            waiting(3, sources=complete | {"devices": "fetched:unavailable"}),
        ],
    )
    assert insights(database).sources == (
        SourceStates("conditions", {"prefetch:complete": 3}),
        SourceStates("devices", {"prefetch:complete": 2, "fetched:unavailable": 1}),
    )


def test_trend_has_no_gaps(database: Database) -> None:
    """A day without calls is a day with zero; answers belong to the day on which the card was shown."""
    recorded(
        database,
        [waiting(1), call(), waiting(2, at=AT + 2 * DAY), waiting(3, at=AT + 2 * DAY, shown=False)],
        [north("card-1", "accepted", accepted=("s",), at=AT + 9 * DAY), north("card-2")],
    )
    assert insights(database).trend == (
        TrendPoint(date(2026, 6, 2), 2, 1, 1, 1, 1, 0),
        TrendPoint(date(2026, 6, 3), 0, 0, 0, 0, 0, 0),
        TrendPoint(date(2026, 6, 4), 2, 2, 2, 1, 0, 1),
    )
    weekly = read_insights(database, Selection(), "week").trend
    assert weekly == (TrendPoint(date(2026, 6, 1), 4, 3, 3, 2, 1, 1),)


def test_day_ends_at_midnight_utc(database: Database) -> None:
    """Both kinds of database put a late call on the same day."""
    late = AT.replace(hour=23, minute=59, second=59, microsecond=999999)
    recorded(database, [waiting(1, at=late), waiting(2, at=late + timedelta(microseconds=1))])
    assert [(point.start.day, point.calls) for point in insights(database).trend] == [(2, 1), (3, 1)]
