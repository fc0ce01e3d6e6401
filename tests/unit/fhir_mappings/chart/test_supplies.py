"""How long a drug record covers: what it says of its length, and runs of the days that several cover."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest

from fhir_mappings.chart.supplies import covered_days, longest_run, supply_days
from fhir_mappings.fhir.resources import Dispense
from tests.unit.fhir_mappings.records import DAY, Resource, ago, coded, facts_of, prescription, record

LONG_AGO = DAY - timedelta(days=366)
PREDNISONE = "rx:8640"


def covered(drug: Resource) -> set[date]:
    """Return the days that a record of prednisone covers."""
    return covered_days(facts_of(drug).stated("steroid_systemic_drug"), LONG_AGO, DAY)


def test_supply_covers_the_days_that_follow() -> None:
    """A supply of three days covers the day of the prescription and the two after it."""
    assert covered(prescription(PREDNISONE, 20, 3)) == {DAY - timedelta(days=back) for back in (20, 19, 18)}


def test_statement_of_one_day_covers_none() -> None:
    """A statement with a date but no period does not say how long the drug was taken."""
    drug = {"status": "active", "medicationCodeableConcept": coded(PREDNISONE)}
    assert covered(record("MedicationStatement", "s", **drug, effectiveDateTime=ago(200))) == set()


@pytest.mark.parametrize(
    ("dispense", "days"),
    [
        ({}, None),
        ({"expectedSupplyDuration": {"unit": "d"}}, None),
        ({"expectedSupplyDuration": {"value": 0, "unit": "d"}}, None),
        ({"expectedSupplyDuration": {"value": 1, "unit": "d"}}, 1),
        ({"expectedSupplyDuration": {"value": 9_999, "unit": "d"}}, 9_999),
        ({"expectedSupplyDuration": {"value": 10_000, "unit": "d"}}, None),
        ({"expectedSupplyDuration": {"value": 90, "unit": "tablets"}}, None),
        ({"expectedSupplyDuration": {"value": 2, "unit": "d"}, "numberOfRepeatsAllowed": 99}, 200),
        ({"expectedSupplyDuration": {"value": 2, "unit": "d"}, "numberOfRepeatsAllowed": 100}, 200),
    ],
)
def test_days_of_a_supply(dispense: Resource, days: int | None) -> None:
    """An impossible or unreadable length is not stated, and an absurd number of refills is held at 99."""
    assert supply_days(msgspec.convert(dispense, Dispense)) == days


@pytest.mark.parametrize(
    ("days", "longest"),
    [
        ((), 0),
        ((0,), 1),
        ((0, 1), 2),
        ((0, 1, 2), 3),
        ((0, 2, 3, 4), 3),
        ((0, 1, 2, 4, 5), 3),
        ((0, 2, 4), 1),
    ],
)
def test_longest_run_of_days(days: tuple[int, ...], longest: int) -> None:
    """A missing day ends a run, and a run may begin right after one."""
    first = date(2026, 2, 27)
    assert longest_run({first + timedelta(days=day) for day in days}) == longest
