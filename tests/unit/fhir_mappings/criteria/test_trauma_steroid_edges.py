"""The edges of chronic steroid use: the first and last day that counts, and what a record leaves unsaid."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.criteria.trauma import chronic_steroid, steroid_unclear
from tests.unit.fhir_mappings.records import Resource, ago, coded, condition, facts_of, prescription, record

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


def test_statement_of_one_day_is_no_chronic_use() -> None:
    """A statement with a date but no period does not say how long the drug was taken."""
    assert chronic_steroid(facts_of(taken(effectiveDateTime=ago(200)))) == []


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
