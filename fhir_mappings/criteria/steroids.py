"""Chronic systemic steroid use: ninety consecutive days covered by prescriptions within the last year."""

from __future__ import annotations

from datetime import date, timedelta

from fhir_mappings.criteria.concepts import STEROIDS
from fhir_mappings.dates import shifted
from fhir_mappings.entries import Activity, ChartEntry
from fhir_mappings.facts import Facts
from fhir_mappings.findings import Evidence
from fhir_mappings.resources import MedicationRequest

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


def chronic_steroid(facts: Facts) -> list[Evidence]:
    """Return long-term steroid use by diagnosis code, or by prescriptions that cover enough days without a gap."""
    states = [
        facts.evidence(entry, "steroid_long_term")
        for entry in facts.stated("steroid_long_term")
        if entry.activity is not Activity.INACTIVE
    ]
    drugs = [entry for entry in facts.stated(*STEROIDS) if "steroid_excluded" not in entry.concepts]
    if longest_run(covered_days(facts, drugs)) >= facts.thresholds.steroid_days:
        return [*states, *(facts.evidence(entry, *STEROIDS) for entry in drugs)]
    return states


def covered_days(facts: Facts, drugs: list[ChartEntry]) -> set[date]:
    """Return the days covered by prescriptions, from the look-back's first day to the day of the order."""
    first = shifted(facts.as_of, -facts.thresholds.steroid_look_back)
    covered: set[date] = set()
    for entry in drugs:
        days = supply_days(entry.resource) if isinstance(entry.resource, MedicationRequest) else None
        start = entry.when.latest
        if days is None or start is None:
            continue
        begin, end = max(start, first), min(shifted(start, days - 1), facts.as_of)
        covered.update(begin + timedelta(days=step) for step in range((end - begin).days + 1))
    return covered


def supply_days(request: MedicationRequest) -> int | None:
    """Return how many days a prescription lasts, refills included; None where it does not say."""
    dispense = request.dispense_request
    supply = dispense.expected_supply_duration if dispense else None
    if dispense is None or supply is None or supply.value is None or not 0 < supply.value < 10_000:  # noqa: PLR2004
        return None
    factor = _DAYS.get((supply.code or supply.unit or "d").strip().casefold())
    if factor is None:
        return None
    return int(supply.value * factor) * (1 + max(0, min(dispense.number_of_repeats_allowed or 0, 99)))


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
