"""Who is who in a synthetic population: everything follows from the seed and a patient's number, and from nothing else.

So a part of it can be made alone, in any process, and is the same each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Final

from cds_service.replay.synthetic.background import fill, measure
from cds_service.replay.synthetic.charts import CLINICIANS, CLINICS, UNTIL, Chart, Resource
from cds_service.replay.synthetic.planted import Expected, plant
from cds_service.replay.synthetic.situations import load_situations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cds_service.replay.synthetic.situations import Situation

_PATIENTS_A_SEED: Final = 2**40
_GIANT: Final = "failed-six-weeks"
_GIANT_AT_ONCE: Final = 2_000
_SPECIALTIES: Final = ("Family medicine", "Internal medicine", "Orthopaedics", "Neurology", "Physical medicine")


@dataclass(frozen=True, slots=True)
class Population:
    """A population: how many patients, what share of them has an order, and one with a very large chart if asked."""

    patients: int
    seed: int = 1
    orders_share: float = 0.02
    giant: int = 0

    def chart(self, number: int) -> tuple[Chart, Expected | None]:
        """Return the chart of a patient, and what is expected where there is an order."""
        chance = self._chance(number)
        chart = Chart(number)
        before = int(number * self.orders_share)
        if int((number + 1) * self.orders_share) == before:
            chart.patient(date(1940 + int(chance.random() * 70), 1 + int(chance.random() * 12), 15), _sex(chance))
            fill(chart, chance, may_ache=True)
            return chart, None
        deck = _deck(self.seed)
        expected = plant(chart, deck[before % len(deck)], chance)
        fill(chart, chance, may_ache=False)
        return chart, expected

    def giant_chart(self) -> Iterator[tuple[Chart, Expected | None]]:
        """Yield the chart of the patient after the last in pieces, so that it need not be held."""
        if not self.giant:
            return
        chance = self._chance(self.patients)
        chart = Chart(self.patients)
        expected: Expected | None = plant(chart, next(one for one in load_situations() if one.name == _GIANT), chance)
        made = 0
        visit = chart.visit(UNTIL - timedelta(days=2_000))
        while made < self.giant:
            while made + chart.count < self.giant and chart.count < _GIANT_AT_ONCE:
                measure(chart, UNTIL - timedelta(days=int(chance.random() * 2_000)), visit, chance)
            yield chart, expected
            made += chart.count
            expected = None
            chart.records.clear()

    def _chance(self, number: int) -> Random:
        return Random(self.seed * _PATIENTS_A_SEED + number)  # noqa: S311 - repeatable, and nothing secret


@cache
def _deck(seed: int) -> tuple[Situation, ...]:
    """Return the situations as often as they weigh, shuffled: the orders of a population take them in turn."""
    deck = [one for one in load_situations() for _ in range(one.weight)]
    chance = Random(seed)  # noqa: S311 - as above
    return tuple(sorted(deck, key=lambda _: chance.random()))


def _sex(chance: Random) -> str:
    return "female" if chance.random() < 0.5 else "male"  # noqa: PLR2004 - half of them


def shared_resources() -> Iterator[Resource]:
    """Yield the clinics and the clinicians, to whom the charts refer."""
    for number in range(1, CLINICS + 1):
        name = f"Clinic {number}"
        yield {"resourceType": "Organization", "id": f"clinic-{number}", "active": True, "name": name}
        yield {
            "resourceType": "Location",
            "id": f"place-{number}",
            "status": "active",
            "name": name,
            "managingOrganization": {"reference": f"Organization/clinic-{number}"},
        }
    for number in range(1, CLINICIANS + 1):
        reference = {"reference": f"Practitioner/clinician-{number}"}
        family = f"Clinician{number}"
        yield {"resourceType": "Practitioner", "id": f"clinician-{number}", "name": [{"family": family}]}
        yield {
            "resourceType": "PractitionerRole",
            "id": f"role-{number}",
            "practitioner": reference,
            "organization": {"reference": f"Organization/clinic-{number % CLINICS + 1}"},
            "specialty": [{"text": _SPECIALTIES[number % len(_SPECIALTIES)]}],
        }
