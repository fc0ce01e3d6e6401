"""Infection of the spine: fever, blood tests, bacteraemia, earlier infections, and who is at risk."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.criteria.thresholds import Thresholds
from fhir_mappings.words.values import ASKS_ABOVE
from tests.unit.fhir_mappings.records import (
    PAIN,
    Resource,
    ago,
    coded,
    condition,
    encounter,
    finding,
    mri,
    observation,
    prescription,
    quantity,
    status,
    verdict,
)

TEMPERATURE, FEVER, ESR, CRP = "loinc:8310-5", "sct:386661006", "loinc:30341-2", "loinc:1988-5"
DISCITIS, BACTERAEMIA = "icd:M46.46", "icd:R78.81"
HIGH, LOW = [status("H", "v3-ObservationInterpretation")], [status("N", "v3-ObservationInterpretation")]
FIRES, NOTHING = ("MET", ()), ("NOT_MET", ())


def asks(question: str) -> tuple[str, tuple[str, ...]]:
    """Return the verdict of an open question."""
    return "UNKNOWN", (question,)


def measured(code: str, value: float, unit: str | None, day: int | None = 1, **elements: Any) -> Resource:
    """Return a measurement."""
    return observation(code, day, valueQuantity=quantity(value, unit), **elements)


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (measured(TEMPERATURE, 38.0, "Cel", 14), FIRES),
        (measured(TEMPERATURE, 38.0, "Cel", 15), NOTHING),
        (measured(TEMPERATURE, 37.9, "Cel"), NOTHING),
        (measured(TEMPERATURE, 100.4, "[degF]"), FIRES),
        (measured(TEMPERATURE, 100.3, "[degF]"), NOTHING),
        (measured(TEMPERATURE, 102.2, "°F"), FIRES),
        (measured(TEMPERATURE, 102.2, None), FIRES),
        (measured(TEMPERATURE, 98.6, None), NOTHING),
        (measured(TEMPERATURE, 39.0, "Cel", None), FIRES),
        (observation(FEVER, 1), FIRES),
        (observation(FEVER, 1, valueBoolean=False), NOTHING),
        (observation(FEVER, 1, dataAbsentReason=status("unknown")), asks("fever")),
        (observation(FEVER, 15), NOTHING),
        (condition(FEVER, 3), FIRES),
        (condition(FEVER, 3, "resolved"), NOTHING),
        (condition(FEVER, 15), asks("fever")),
        (condition("icd:R50.9", None), FIRES),
        (encounter(FEVER, 3), FIRES),
    ],
)
def test_fever(resource: Resource, expected: tuple[str, tuple[str, ...]]) -> None:
    """A temperature of 38.0 °C within fourteen days fires, in either unit; an old fever still listed asks."""
    assert verdict("R-INFECT", resource) == expected


def test_fever_in_a_panel_counts() -> None:
    """A temperature among the vital signs of one panel is a temperature."""
    part = {"code": coded(TEMPERATURE), "valueQuantity": quantity(39.2, "Cel")}
    assert finding("R-INFECT", observation("loinc:85353-1", component=[part])).met


@pytest.mark.parametrize(
    ("resource", "fires"),
    [
        (measured(ESR, 21, "mm/h"), True),
        (measured(ESR, 20, "mm/h"), False),
        (measured(ESR, 21, "mm/h", 30), True),
        (measured(ESR, 21, "mm/h", 31), False),
        (measured(ESR, 25, "mm/h", referenceRange=[{"high": quantity(30)}]), False),
        (measured(ESR, 31, "mm/h", referenceRange=[{"high": quantity(30)}, {"low": quantity(0)}]), True),
        (measured(ESR, 16, "mm/h", referenceRange=[{"high": quantity(15)}]), True),
        (measured(ESR, 5, "mm/h", interpretation=HIGH), True),
        (observation(ESR, 1, interpretation=HIGH), True),
        (measured(ESR, 25, "mm/h", interpretation=LOW), False),
        (observation(ESR, 1), False),
        (measured(CRP, 11, "mg/L"), True),
        (measured(CRP, 10, "mg/L"), False),
        (measured(CRP, 1.1, "mg/dL"), True),
        (measured(CRP, 0.9, "mg/dL"), False),
        (measured(CRP, 11, None), True),
        (measured(CRP, 11, "mg/L", None), True),
        (measured(CRP, 90, "mg/L", status="entered-in-error"), False),
    ],
)
def test_blood_tests(resource: Resource, fires: bool) -> None:
    """ESR and CRP are raised by the laboratory's word, else by its range, else by the default of their unit."""
    found = finding("R-INFECT", resource)
    assert found.met is fires


@pytest.mark.parametrize(
    ("unit", "shown"),
    [("mg/L", "40 mg/L"), ("mm/h", "40 mm/h"), ("<b>mg</b>", "40"), ("x" * 13, "40"), (None, "40")],
)
def test_unit_is_shown_only_if_it_is_one(unit: str | None, shown: str) -> None:
    """A unit is free text: what does not look like one is left out."""
    flagged = measured(CRP, 40, unit) | {"interpretation": [{"text": "High"}]}
    (evidence,) = finding("R-INFECT", flagged).evidence
    assert evidence.amount.casefold() == shown.casefold()


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (condition(DISCITIS, 3000), FIRES),
        (condition(DISCITIS, 3000, None), FIRES),
        (condition(DISCITIS, 3000, "resolved", abatementDateTime=ago(365)), FIRES),
        (condition(DISCITIS, 3000, "resolved", abatementDateTime=ago(366)), asks("old_infection")),
        (condition(DISCITIS, 3000, "resolved"), asks("old_infection")),
        (condition(DISCITIS, None, "resolved"), FIRES),
        (condition(DISCITIS, 10, verification="provisional"), FIRES),
        (condition(DISCITIS, 10, verification="refuted"), NOTHING),
        (encounter(DISCITIS, 365), FIRES),
        (encounter(DISCITIS, 366), asks("old_infection")),
        (condition(BACTERAEMIA, 365), FIRES),
        (condition(BACTERAEMIA, 366), NOTHING),
        (condition(BACTERAEMIA, None), FIRES),
    ],
)
def test_infection_on_record(resource: Resource, expected: tuple[str, tuple[str, ...]]) -> None:
    """A spinal infection counts while open and for a year after; bacteraemia counts for a year."""
    assert verdict("R-INFECT", resource) == expected


SWEATING = "sct:42984000"
HOSTS = [
    condition("icd:B20"),
    condition("icd:Z94.0", 2000),
    condition("sct:226034001"),
    prescription("rx:197388", 90),
]


@pytest.mark.parametrize("sweating", [SWEATING, "icd:R61"])
@pytest.mark.parametrize("host", HOSTS, ids=lambda host: str(host["id"]))
def test_night_sweats_at_risk_are_suspicion(host: Resource, sweating: str) -> None:
    """Night sweats of a patient whose defence is weak are a suspicion; of others they are asked about."""
    sweats = condition(sweating, 10)
    assert verdict("R-INFECT", sweats) == asks("night_sweats")
    assert finding("R-INFECT", sweats, host).met
    assert not finding("R-INFECT", host).met
    assert verdict("R-INFECT", condition(sweating, 91)) == NOTHING
    assert verdict("R-INFECT", condition(sweating, 10, "resolved")) == NOTHING


@pytest.mark.parametrize(
    ("resource", "tags"),
    [
        (condition("icd:D84.9", 3000), {"immune"}),
        (condition("icd:D84.9", 3000, "resolved"), set()),
        (condition("icd:B20", 3000), {"immune"}),
        (prescription("rx:197388", 90), {"immune"}),
        (prescription("rx:197388", 89), set()),
        (prescription("rx:197388", 90, status="stopped"), {"immune"}),
        (prescription("rx:197388", 90, status="draft"), set()),
        (prescription("rx:197388", None), set()),
        (condition("sct:226034001", 3000), {"drug_use"}),
        (condition("sct:226034001", 365, None), {"drug_use"}),
        (condition("sct:226034001", 366, None), set()),
        (condition("sct:226034001", 800, "resolved", abatementDateTime=ago(366)), set()),
        (condition("icd:F11.20", 10), set()),
        (condition("icd:R63.4", 365), {"weight_loss"}),
        (condition("icd:R63.4", 366), set()),
        (condition("icd:R63.4", 10, "resolved"), set()),
        (condition("icd:C61", 3000), {"cancer"}),
        (condition("icd:Z85.46", 3000), {"cancer"}),
        (condition("icd:Z80.42", 10), set()),
        (condition("icd:C44.91", 10), set()),
        (condition("icd:Z85.828", 10), set()),
    ],
)
def test_risk_of_cancer_or_infection(resource: Resource, tags: set[str]) -> None:
    """States count while they go on, drug use and weight loss for a year, a family's or the skin's cancer never."""
    found = finding("R-V7", resource)
    assert (found.met, set(found.tags)) == (bool(tags), tags)


@pytest.mark.parametrize("source", ["Condition", "Observation", "Encounter"])
def test_no_suspicion_is_only_said_of_complete_sources(source: str) -> None:
    """What was not read may hold the infection."""
    assert verdict("R-INFECT") == NOTHING
    assert verdict("R-INFECT", failed=[source])[0] == "UNKNOWN"
    assert verdict("R-V7", cut=[source])[0] == "UNKNOWN"


@pytest.mark.parametrize(
    ("highs", "expected"),
    [((5,), ("MET", ())), ((5, 100), ("UNKNOWN", ("inflammation_markers",))), ((80, 100), ("NOT_MET", ()))],
)
def test_ranges_that_disagree_leave_a_value_open(highs: tuple[int, ...], expected: tuple[str, Any]) -> None:
    """Above the normal range and below the critical one is not normal: which range is which is not told."""
    ranges = [{"high": quantity(high, "mg/L")} for high in highs]
    value = observation("loinc:1988-5", 3, valueQuantity=quantity(60, "mg/L"), referenceRange=ranges)
    assert verdict("R-INFECT", condition(PAIN), value) == expected


def test_words_ask_from_the_limits_of_the_criteria() -> None:
    """A typed value asks above the number that the criteria count from: neither is silent where the other asks."""
    usual = Thresholds()
    assert ASKS_ABOVE["pvr"] == usual.post_void_residual_ml
    assert ASKS_ABOVE["esr"] == usual.esr_mm_per_hour
    assert ASKS_ABOVE["crp"] == usual.crp_mg_per_litre
    assert usual.fever_celsius - 0.1 < ASKS_ABOVE["fever"] < usual.fever_celsius


@pytest.mark.parametrize(
    ("note", "met"),
    [("ESR 98 CRP 120", True), ("T 38.9", True), ("CRP 5 mg/dL", True), ("ESR 8, CRP 3, T 36.8", False)],
)
def test_typed_marker_counts_like_a_measured_one(note: str, met: bool) -> None:
    """ESR, CRP and temperature in the order's words are weighed as those of the record are."""
    found = finding("R-INFECT", order=mri(note=[{"text": note}]))
    assert found.met is met
    assert all(item.quote for item in found.evidence)
