"""How long a drug record covers: from its first day to the last one that it was supplied or taken for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from fhir_mappings.chart.entries import Activity, ChartEntry
from fhir_mappings.fhir.dates import parse_date, shifted
from fhir_mappings.fhir.resources import Dispense, MedicationRequest, MedicationStatement

_DAYS = {
    "d": 1.0,
    "day": 1.0,
    "days": 1.0,
    "wk": 7.0,
    "week": 7.0,
    "weeks": 7.0,
    "mo": 30.4,
    "month": 30.4,
    "months": 30.4,
}
_MOST_DAYS = 10_000  # a longer supply is a typing error


def covered_days(drugs: Iterable[ChartEntry], first: date, as_of: date) -> set[date]:
    """Return the days covered by drug records, from a first day to that on which the chart is read."""
    covered: set[date] = set()
    for entry in drugs:
        span = supply(entry, as_of)
        if span is None:
            continue
        begin, end = max(span[0], first), min(span[1], as_of)
        covered.update(begin + timedelta(days=step) for step in range((end - begin).days + 1))
    return covered


def supply(entry: ChartEntry, as_of: date) -> tuple[date, date] | None:
    """Return the first and the last day that a drug record covers; None where it does not say."""
    start = entry.when.latest
    if start is None:
        return None
    last = None
    if isinstance(entry.resource, MedicationStatement):
        last = _last_day_taken(entry, entry.resource, as_of)
    elif isinstance(entry.resource, MedicationRequest) and entry.resource.dispense_request is not None:
        last = _last_day_supplied(start, entry.resource.dispense_request)
    return None if last is None else (start, last)


def _last_day_taken(entry: ChartEntry, statement: MedicationStatement, as_of: date) -> date | None:
    period = statement.effective_period
    if period is None or not period.start:
        return None
    end = parse_date(period.end).earliest
    return as_of if end is None and entry.activity is Activity.ACTIVE else end


def _last_day_supplied(start: date, dispense: Dispense) -> date | None:
    days = supply_days(dispense)
    if days is not None:
        return shifted(start, days - 1)
    return parse_date(dispense.validity_period.end).earliest if dispense.validity_period else None


def supply_days(dispense: Dispense) -> int | None:
    """Return how many days a prescription lasts, refills included; None where it does not say."""
    quantity = dispense.expected_supply_duration
    if quantity is None or quantity.value is None or not 0 < quantity.value < _MOST_DAYS:
        return None
    factor = _DAYS.get((quantity.code or quantity.unit or "d").strip().casefold())
    if factor is None:
        return None
    return int(quantity.value * factor) * (1 + max(0, min(dispense.number_of_repeats_allowed or 0, 99)))


def longest_run(days: set[date]) -> int:
    """Return the length of the longest run of consecutive days."""
    best = 0
    for day in days:
        if day - timedelta(days=1) not in days:
            length = 1
            while day + timedelta(days=length) in days:
                length += 1
            best = max(best, length)
    return best
