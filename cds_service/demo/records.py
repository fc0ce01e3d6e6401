"""Synthetic records, so that the insights can be seen before there are any: marked, and never mixed with real ones.

The same seed and end give the same records. Putting them in again replaces the earlier ones; no real row is read or
changed.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, delete, func, select

from cards.guideline.guideline import GUIDELINE_VERSION, MESSAGES
from cards.guideline.wording import Wording, load_wording
from cds_service.demo.record_scenarios import SCENARIOS, DemoCard, DemoScenario
from cds_service.protocol.feedback import FeedbackEvent
from cds_service.records.database import Database
from cds_service.records.feedback import accepted_rows, feedback_row
from cds_service.records.invocations import AssessmentRecord, CardRecord, Invocation
from cds_service.records.rows import Batch, CallKey, write_batch
from cds_service.records.statements import insert_new
from cds_service.records.tables import ACCEPTED_SUGGESTIONS, FEEDBACK, INVOCATIONS, UNRELATED_CALLS
from fhir_mappings.fhir.needs import DATA_NEEDS

PREFIX: Final = "synthetic-"
HOSPITAL: Final = f"{PREFIX}hospital"  # sends everything as prefetch, sees cards
CLINIC: Final = f"{PREFIX}clinic"  # lets everything be fetched, is silent in the first half

_ORDERS: Final = {HOSPITAL: 11, CLINIC: 5}  # of a working day
_WORKING_DAYS: Final = 5
_HOURS: Final = range(7, 20)
_SIGNED_PERCENT: Final = 70
_PHASES: Final = {
    "authenticate": 0.4,
    "read": 0.6,
    "fetch": 55.0,
    "chart": 1.6,
    "assess": 0.9,
    "respond": 0.7,
}  # usual milliseconds


class DemoDataError(Exception):
    """A real client has a name that is kept for synthetic ones."""


@dataclass(frozen=True, slots=True)
class DemoData:
    """Synthetic records: calls with orders, calls that are only counted, and feedback."""

    invocations: tuple[Invocation, ...]
    unrelated: Counter[CallKey]
    feedback: tuple[FeedbackEvent, ...]


def write_demo_data(database: Database, until: date, *, weeks: int = 8, seed: int = 1) -> DemoData:
    """Put the records of so many weeks before a day in place of the earlier synthetic ones and return them.

    DemoDataError when a real client has a synthetic one's name; SQLAlchemyError when the database fails. Either way
    nothing is changed.
    """
    data = make_demo_data(until, weeks=weeks, seed=seed)
    numbers = random.Random(seed)  # noqa: S311 - repeatable on purpose
    batch = Batch([(numbers.getrandbits(63), call) for call in data.invocations], data.unrelated)
    with database.write() as connection:
        _refuse_real_namesakes(connection)
        _remove(connection)
        write_batch(connection, batch)
        rows = [feedback_row(event, event.at, synthetic=True) for event in data.feedback]
        insert_new(connection, FEEDBACK, rows)
        insert_new(connection, ACCEPTED_SUGGESTIONS, list(accepted_rows(data.feedback)))
    return data


def remove_demo_data(database: Database) -> int:
    """Delete the synthetic records and return how many calls with orders there were."""
    with database.write() as connection:
        return _remove(connection)


def make_demo_data(until: date, *, weeks: int = 8, seed: int = 1) -> DemoData:
    """Return the synthetic records of so many weeks before a day."""
    maker = _Maker(random.Random(seed), load_wording("en"))  # noqa: S311 - repeatable on purpose
    start = until - timedelta(weeks=weeks)
    for offset in range(7 * weeks):
        maker.day(start + timedelta(days=offset), silent_clinic=offset < 7 * weeks // 2)
    return DemoData(tuple(maker.invocations), maker.unrelated, tuple(maker.feedback))


def _refuse_real_namesakes(connection: Connection) -> None:
    for table in (INVOCATIONS, UNRELATED_CALLS, FEEDBACK):
        named = table.c.client.startswith(PREFIX, autoescape=True)
        if connection.execute(select(func.count()).where(named, table.c.synthetic.is_(False))).scalar():
            raise DemoDataError(f"there are real records of a client whose name begins with {PREFIX!r}")


def _remove(connection: Connection) -> int:
    connection.execute(delete(UNRELATED_CALLS).where(UNRELATED_CALLS.c.synthetic.is_(True)))
    connection.execute(delete(FEEDBACK).where(FEEDBACK.c.synthetic.is_(True)))
    return connection.execute(delete(INVOCATIONS).where(INVOCATIONS.c.synthetic.is_(True))).rowcount


class _Maker:
    """Makes the records of one day after another, from one sequence of random numbers."""

    def __init__(self, chance: random.Random, wording: Wording) -> None:
        self.chance = chance
        self.wording = wording
        self.invocations: list[Invocation] = []
        self.unrelated: Counter[CallKey] = Counter()
        self.feedback: list[FeedbackEvent] = []

    def day(self, day: date, *, silent_clinic: bool) -> None:
        """Make the records of one day."""
        working = day.weekday() < _WORKING_DAYS
        for client, usual in _ORDERS.items():
            shown = not (client == CLINIC and silent_clinic)
            for _ in range(round(self.chance.uniform(0.7, 1.3) * (usual if working else usual / 4))):
                self._order(client, self._moment(day), shown=shown)
            for hour in _HOURS:
                moment = datetime.combine(day, time(hour), UTC)
                key = CallKey(moment, client, "lumbar-mri-order-select", GUIDELINE_VERSION, shown, synthetic=True)
                self.unrelated[key] += self.chance.randint(20, 60) if working else self.chance.randint(4, 12)

    def _order(self, client: str, at: datetime, *, shown: bool) -> None:
        """Make an order: its selection, what the clinician did with the cards, and mostly its signature."""
        scenario = self.chance.choices(SCENARIOS, [found.weight for found in SCENARIOS])[0]
        selected = self._call(client, at, "order-select", scenario, shown=shown)
        self.invocations.append(selected)
        replaced = shown and self._react(selected, scenario)
        if not replaced and self._percent(_SIGNED_PERCENT):
            signed = self._call(client, at + timedelta(seconds=90), "order-sign", scenario, shown=shown)
            self.invocations.append(signed)
            if shown:
                self._react(signed, scenario)

    def _call(self, client: str, at: datetime, hook: str, scenario: DemoScenario, *, shown: bool) -> Invocation:
        fetched = client == CLINIC
        phases = {
            phase: round(usual * self.chance.lognormvariate(0, 0.35), 2)
            for phase, usual in _PHASES.items()
            if fetched or phase != "fetch"
        }
        assessment = AssessmentRecord(str(scenario.outcome), scenario.messages, tuple(self._cards(scenario)))
        return Invocation(
            request_id=str(self._uuid()),
            at=at,
            client=client,
            service=f"lumbar-mri-{hook}",
            hook=hook,
            status=200,
            mode="on" if shown else "silent",
            shown=shown,
            guideline=GUIDELINE_VERSION,
            milliseconds=round(sum(phases.values()) + self.chance.uniform(0.3, 1.5), 2),
            assessments=(assessment,),
            phases=phases,
            sources={need.key: self._state(need.key, "fetched" if fetched else "prefetch") for need in DATA_NEEDS},
            synthetic=True,
        )

    def _cards(self, scenario: DemoScenario) -> Iterator[CardRecord]:
        for card in scenario.cards:
            suggestions = tuple((str(self._uuid()), key) for key in card.suggestions)
            indicator = str(MESSAGES[card.messages[0]].indicator)
            yield CardRecord(str(self._uuid()), indicator, card.messages, suggestions)

    def _react(self, call: Invocation, scenario: DemoScenario) -> bool:
        """Make feedback on the cards of a call and return whether the order was replaced."""
        replaced = False
        for card, record in zip(scenario.cards, call.assessments[0].cards, strict=True):
            event = self._feedback(call, card, record)
            if event is not None:
                self.feedback.append(event)
                keys = dict(record.suggestions)
                replaced |= any(keys[suggestion].endswith("-instead") for suggestion in event.accepted)
        return replaced

    def _feedback(self, call: Invocation, card: DemoCard, record: CardRecord) -> FeedbackEvent | None:
        drawn = self.chance.randrange(100)
        at = call.at + timedelta(seconds=self.chance.randint(4, 60))
        event = FeedbackEvent(call.service, record.uuid, "overridden", at, client=call.client)
        if drawn < card.accepted and record.suggestions:
            return replace(event, outcome="accepted", accepted=(self.chance.choice(record.suggestions)[0],))
        if drawn >= card.accepted + card.overridden:
            return None
        reasons = MESSAGES[card.messages[0]].overrides
        if not reasons or self._percent(15):
            return event
        reason = self.wording.get("overrides", self.chance.choice(reasons))
        comment = "Synthetic comment" if self._percent(20) else ""
        return replace(
            event,
            reason_code=str(reason["code"]),
            reason_system=str(reason["system"]),
            reason_display=str(reason["display"]),
            comment=comment,
        )

    def _state(self, key: str, way: str) -> str:
        if key in ("patient", "conditions") or self._percent(90):
            return f"{way}:complete"
        return self.chance.choice((f"{way}:partial", f"{way}:unavailable", "not-provided"))

    def _moment(self, day: date) -> datetime:
        seconds = self.chance.randrange(len(_HOURS) * 3600)
        return datetime.combine(day, time(_HOURS.start), UTC) + timedelta(seconds=seconds)

    def _percent(self, of_100: int) -> bool:
        return self.chance.randrange(100) < of_100

    def _uuid(self) -> UUID:
        return UUID(int=self.chance.getrandbits(128), version=4)
