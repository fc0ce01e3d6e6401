"""Cancer: what may press on the cord, what is only a risk, what is the family's or the skin's."""

from __future__ import annotations

import pytest

from tests.unit.fhir_mappings.records import Resource, ago, condition, encounter, finding, observation, verdict


@pytest.mark.parametrize(
    ("resource", "met", "tags"),
    [
        (condition("icd:C79.51", 3000), True, {"metastatic", "active"}),
        (condition("sct:94602001", 3000), True, {"metastatic", "active"}),
        (condition("icd:C79.51", 3000, verification="provisional"), True, {"metastatic", "active"}),
        (condition("icd:C79.51", 3000, "remission"), False, {"history"}),
        (condition("icd:C61", 1826), False, {"active"}),
        (condition("icd:C61", 1827), False, {"history"}),
        (condition("icd:C61", 1827, recordedDate=ago(100)), False, {"active"}),
        (condition("icd:C61", None), False, {"active"}),
        (condition("icd:C61", 3000, None), False, {"history"}),
        (condition("icd:C90.01", 3000), False, {"active"}),
        (condition("icd:C79.31", 3000), False, {"active"}),
        (condition("icd:C61", 3000, "remission"), False, {"history"}),
        (condition("icd:C61", 3000, "resolved"), False, {"history"}),
        (condition("icd:Z85.46", 3000), False, {"history"}),
        (condition("icd:Z85.46", 3000, "inactive"), False, {"history"}),
        (encounter("icd:C61", 1000), False, {"active"}),
        (condition("icd:C61", 10, verification="refuted"), False, set()),
        (condition("icd:C44.91", 10), False, set()),
        (condition("icd:Z85.828", 10), False, set()),
        (condition("icd:Z80.42", 10), False, set()),
    ],
)
def test_cancer(resource: Resource, met: bool, tags: set[str]) -> None:
    """Only a metastasis that goes on is met; a cancer elsewhere or past is a risk, and never forgotten."""
    found = finding("R-CANCER", resource)
    assert (found.met, set(found.tags)) == (met, tags)


@pytest.mark.parametrize(
    ("resource", "asked"),
    [
        (condition("sct:89362005", 365), True),
        (condition("sct:89362005", 366), False),
        (condition("sct:89362005", 10, "resolved"), False),
        (observation("sct:89362005", 10), True),
        (condition("icd:R63.4", 10), False),
    ],
)
def test_weight_loss_of_unknown_intent_is_asked_about(resource: Resource, asked: bool) -> None:
    """Weight loss that may have been wanted is asked about for a year."""
    assert verdict("R-CANCER", resource)[1] == (("weight_loss",) if asked else ())
