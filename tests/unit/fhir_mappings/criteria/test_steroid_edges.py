"""The edges of chronic steroid use: the first and last day that counts, and what a record leaves unsaid."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from fhir_mappings.criteria.steroids import chronic_steroid, covered_days, longest_run, steroid_unclear, supply_days
from fhir_mappings.fhir.resources import Dispense
from tests.unit.fhir_mappings.records import DAY, Resource, ago, coded, condition, facts_of, prescription, record

PREDNISONE, CREAM, LONG_TERM = "rx:8640", "rx:106258", "icd:Z79.52"


def steroid(day: int, supply: float | None = None, **elements: Any) -> Resource:
    """Return a prescription of a systemic steroid."""
    return prescription(PREDNISONE, day, supply, **elements)


def taken(**elements: Any) -> Resource:
    """Return a statement that a steroid is taken."""
    drug = {"status": "active", "medicationCodeableConcept": coded(PREDNISONE)}
    return record("MedicationStatement", "s", **drug, **elements)


@pytest.mark.parametrize(
    ("drug", "unclear"),
    [
        (steroid(88), False),  # 89 days until the order at most
        (steroid(89), True),
        (steroid(90), True),
        (steroid(200, status="completed"), True),
        (steroid(366, status="completed"), True),
        (steroid(367, status="completed"), False),  # before the look-back, and not said to go on
        (steroid(367, status="active"), True),
        (steroid(200, 5), False),
        (taken(effectivePeriod={"end": ago(100)}), True),  # begun at any time before
        (taken(effectiveDateTime=ago(200)), True),
        (taken(effectivePeriod={"start": ago(200), "end": ago(190)}), False),
    ],
)
def test_use_of_unstated_length(drug: Resource, unclear: bool) -> None:
    """Only a steroid that may have been taken for ninety days within the look-back leaves chronic use open."""
    assert steroid_unclear(facts_of(drug)) is unclear


def test_statement_of_one_day_covers_none() -> None:
    """A statement with a date but no period does not say how long the drug was taken."""
    facts = facts_of(taken(effectiveDateTime=ago(200)))
    assert covered_days(facts, list(facts.stated("steroid_systemic_drug"))) == set()
    assert chronic_steroid(facts) == []


def test_supply_covers_the_days_that_follow() -> None:
    """A supply of three days covers the day of the prescription and the two after it."""
    facts = facts_of(steroid(20, 3))
    drugs = list(facts.stated("steroid_systemic_drug"))
    assert covered_days(facts, drugs) == {DAY - timedelta(days=back) for back in (20, 19, 18)}


@pytest.mark.parametrize(("clinical", "chronic"), [("active", True), (None, True), ("resolved", False)])
def test_diagnosis_of_long_term_use_counts_until_it_ends(clinical: str | None, chronic: bool) -> None:
    """Long-term use that is resolved is no use now."""
    assert bool(chronic_steroid(facts_of(condition(LONG_TERM, 300, clinical)))) is chronic


def test_excluded_form_beside_its_ingredient_is_not_systemic() -> None:
    """A cream coded with its ingredient as well stays a cream."""
    cream = coded(PREDNISONE, CREAM)
    covered = steroid(200, 120, medicationCodeableConcept=cream)
    assert chronic_steroid(facts_of(steroid(200, 120)))
    assert chronic_steroid(facts_of(covered)) == []
    assert not steroid_unclear(facts_of(steroid(200, medicationCodeableConcept=cream)))


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
