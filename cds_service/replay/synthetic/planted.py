"""Patients with an order: a situation of the table made into records, and what is known of the answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from cds_service.replay.synthetic.background import study
from cds_service.replay.synthetic.charts import UNTIL, Chart, concept
from cds_service.replay.synthetic.situations import coding

if TYPE_CHECKING:
    from random import Random

    from cds_service.replay.synthetic.situations import Fact, Situation

# Orders are of one year, and of each the data know three months more.
_YEAR: Final = 365
_AFTERWARDS: Final = 92
_BIRTHDAYS: Final = 300
EXPECTED_COLUMNS: Final = ("patient", "order", "day", "situation", "outcome", "messages", "later", "left_out")


@dataclass(frozen=True, slots=True)
class Expected:
    """What a replay must say of a planted order; no outcome where it is left out for a reason."""

    patient: str
    order: str
    day: date
    situation: Situation

    @property
    def row(self) -> tuple[str, ...]:
        """The row of the list of what is expected."""
        known = self.situation
        outcome, messages = ("", "") if known.left_out else (known.outcome, " ".join(known.messages))
        later = "; ".join(known.events)
        return (self.patient, self.order, self.day.isoformat(), known.name, outcome, messages, later, known.left_out)


def plant(chart: Chart, situation: Situation, chance: Random) -> Expected:
    """Put a situation into a chart."""
    day = UNTIL - timedelta(days=_AFTERWARDS + int(chance.random() * _YEAR))
    born = date(day.year - situation.age, 1, 1)
    chart.patient(born + timedelta(days=int(chance.random() * _BIRTHDAYS) * _had_birthday(day)), situation.sex)
    visits: dict[int, str] = {}
    for fact in (*situation.facts, *situation.later):
        if fact.type == "Encounter":
            code = concept(fact.code, fact.text)
            visits[fact.day] = chart.visit(day + timedelta(days=fact.day), fact.visit_class, code)
    for fact in (*situation.facts, *situation.later):
        if fact.type != "Encounter":
            at = day + timedelta(days=fact.day)
            _add(chart, fact, at, visits.get(fact.day) or visits.setdefault(fact.day, chart.visit(at)))
    order = _order(chart, situation, day, visits.get(0) or chart.visit(day))
    return Expected(f"Patient/{chart.id}", order, day, situation)


def _had_birthday(day: date) -> int:
    """Whether all of the first 300 days of a year are over, so that any of them may be the birthday."""
    return int((day - date(day.year, 1, 1)).days >= _BIRTHDAYS)


def _add(chart: Chart, fact: Fact, day: date, visit: str) -> None:
    code = concept(fact.code, fact.text)
    match fact.type:
        case "Condition":
            chart.condition(code, day, visit)
        case "Observation":
            chart.observation(code, day, visit, fact.value or 0.0, fact.unit)
        case "MedicationRequest":
            chart.medication(code, day, visit, fact.status)
        case "Procedure":
            chart.procedure(code, day, visit, fact.status or "completed")
        case "Device":
            safety = {"safety": [{"coding": [coding(fact.safety)]}]} if fact.safety else {}
            meta = {"versionId": "1", "lastUpdated": f"{day}T12:00:00.000Z"}
            chart.add("Device", status=fact.status, type=code, meta=meta, **safety)
        case other:
            raise ValueError(f"situations.toml: nothing makes a {other}")


def _order(chart: Chart, situation: Situation, day: date, visit: str) -> str:
    code = concept(situation.order.code, situation.order.text)
    reason: dict[str, Any] = {}
    if situation.reason is not None:
        reason = {"reasonCode": [concept(situation.reason.code, situation.reason.text)]}
    order = chart.add(
        "ServiceRequest",
        status=situation.status,
        intent="order",
        priority="routine",
        code=code,
        encounter={"reference": visit},
        authoredOn=f"{day}T09:25:00-05:00",
        requester={"reference": f"Practitioner/{chart.clinician}"},
        **reason,
    )
    if not situation.left_out:
        study(chart, code, day + timedelta(days=4), based_on=order)
    return order
