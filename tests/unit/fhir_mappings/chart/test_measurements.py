"""Measured values: what a number may stand for, in which unit, and measurements known by their words."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.chart.measurements import (
    MILLIGRAMS_PER_LITRE,
    MILLILITRES,
    MILLIMETRES_PER_HOUR,
    Measured,
    concept_by_words,
    in_celsius,
    written,
)
from tests.unit.fhir_mappings.records import DAY, finding, mri, observation, quantity

PVR, CRP, EGFR, TEMPERATURE = "loinc:9197-5", "loinc:1988-5", "loinc:98979-8", "loinc:8310-5"
UNITS: Any = pint.UnitRegistry()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("450 mL", (450, 450, "ml")), (">200 mL", (200, math.inf, "ml")), ("> 200", (200, math.inf, "")),
        ("≥200", (200, math.inf, "")), (">=200 mL", (200, math.inf, "ml")), ("<60", (-math.inf, 60, "")),
        ("GT 45", (45, math.inf, "")), ("LT 5", (-math.inf, 5, "")), ("less than 10 mg/L", (-math.inf, 10, "mg/l")),
        ("350cc", (350, 350, "cc")), ("1,200 mL", (1200, 1200, "ml")), ("38,5", (38.5, 38.5, "")),
        ("101.3 F", (101.3, 101.3, "f")), ("98.6°F", (98.6, 98.6, "°f")), ("2/5", (2, 2, "")), ("4+/5", (4.5, 4.5, "")),
        ("5-/5", (4.5, 4.5, "")), ("95 mm/hr", (95, 95, "mm/hr")), ("450 ml (bladder scan)", (450, 450, "ml")),
    ],
)  # fmt: skip
def test_values_are_read_as_they_are_written(text: str, expected: tuple[float, float, str]) -> None:
    """Comparators in signs and words, either decimal sign, grades of five, a unit stuck to its number."""
    found = written(text)
    assert found is not None
    assert (found.low, found.high, found.unit) == (*map(pytest.approx, expected[:2]), expected[2])


@pytest.mark.parametrize("text", ["", "see note", "trace", "pending", "no void", "-"])
def test_what_is_no_value_is_none(text: str) -> None:
    """A word is not taken for a small number."""
    assert written(text) is None


@given(st.floats(0, 1000), st.floats(0, 1000), st.sampled_from([">", ">=", "<", "<=", ""]), st.floats(0, 2000))
def test_an_answer_holds_for_every_true_value(number: float, limit: float, comparator: str, true: float) -> None:
    """Whatever the comparator left open, a yes or a no is right for every value that may be meant."""
    found = written(f"{comparator}{number:.6f}")
    assert found is not None
    if comparator == "" or not found.low <= true <= found.high:
        true = found.low if not math.isinf(found.low) else found.high
    for answer, truth in ((found.above(limit), true > limit), (found.below(limit), true < limit)):
        assert answer is None or answer is truth


@pytest.mark.parametrize(
    ("table", "ucum", "pint_unit", "target"),
    [
        (MILLILITRES, "ml", "mL", "mL"), (MILLILITRES, "l", "L", "mL"), (MILLILITRES, "dl", "dL", "mL"),
        (MILLILITRES, "cl", "cL", "mL"), (MILLILITRES, "[foz_us]", "US_fluid_ounce", "mL"),
        (MILLIMETRES_PER_HOUR, "mm/h", "mm/hour", "mm/hour"), (MILLIMETRES_PER_HOUR, "cm/h", "cm/hour", "mm/hour"),
        (MILLIGRAMS_PER_LITRE, "mg/l", "mg/L", "mg/L"), (MILLIGRAMS_PER_LITRE, "mg/dl", "mg/dL", "mg/L"),
        (MILLIGRAMS_PER_LITRE, "ug/ml", "ug/mL", "mg/L"), (MILLIGRAMS_PER_LITRE, "g/l", "g/L", "mg/L"),
    ],
)  # fmt: skip
def test_factors_are_those_of_a_units_library(table: dict[str, float], ucum: str, pint_unit: str, target: str) -> None:
    """The small tables say what a library of units says."""
    assert table[ucum] == pytest.approx(UNITS.Quantity(1, pint_unit).to(target).magnitude)


@pytest.mark.parametrize(("text", "degrees"), [("38.5", 38.5), ("101.3 F", 38.5), ("101.3", 38.5), ("39 Cel", 39.0)])
def test_temperatures(text: str, degrees: float) -> None:
    """Degrees are told by their unit, and without one by their height."""
    value = written(text)
    assert value is not None
    assert in_celsius(value) == Measured(degrees, degrees)


@pytest.mark.parametrize(
    ("words", "concept"),
    [
        ("r bladder scan post void residual", "pvr"), ("postvoid residual", "pvr"), ("pvr", "pvr"),
        ("erythrocyte sedimentation rate", "esr"), ("sed rate", "esr"), ("hs-crp", "crp"),
        ("c-reactive protein", "crp"),
        ("egfr ckd-epi 2021", "egfr"), ("temp oral", "fever"), ("room temperature", ""),
        ("motor strength", "motor_generic"),
        ("ankle dorsiflexion l", "motor_generic"), ("ehl", "motor_generic"), ("hand grip strength", ""),
        ("hemoglobin", ""), ("potassium", ""), ("temporal artery", ""),
    ],
)  # fmt: skip
def test_measurements_are_known_by_their_words(words: str, concept: str) -> None:
    """A ward's own code says nothing; its name does."""
    assert concept_by_words(words) == concept


def sent(code: Any, **value: Any) -> Any:
    """Return an Observation of yesterday."""
    return observation(code, 1, **value)


@pytest.mark.parametrize(
    ("resource", "criterion", "met", "question"),
    [
        (sent(PVR, valueQuantity=quantity(3.5, "dL")), "R-CES", True, None),
        (sent(PVR, valueQuantity=quantity(200, "mL", comparator=">=")), "R-CES", False, "ces"),
        (sent(PVR, valueQuantity=quantity(400, "mL", comparator="<")), "R-CES", False, "ces"),
        (sent(PVR, valueQuantity=quantity(150, "mL", comparator="<")), "R-CES", False, None),
        (sent(PVR, valueQuantity=quantity(3, "bottles")), "R-CES", False, "ces"),
        (sent({"text": "Post Void Residual"}, valueQuantity=quantity(450, "mL")), "R-CES", True, None),
        (sent({"text": "Bladder scan"}, valueString="see nursing note"), "R-CES", False, "ces"),
        (sent({"text": "ESR"}, valueQuantity=quantity(95, "mm/hr")), "R-INFECT", True, None),
        (sent(CRP, valueQuantity=quantity(800, "nmol/L")), "R-INFECT", False, "inflammation_markers"),
        (sent(CRP, valueString="<5 mg/L"), "R-INFECT", False, None),
        (sent(CRP, valueString=">5 mg/L"), "R-INFECT", False, "inflammation_markers"),
        (sent(TEMPERATURE, valueQuantity=quantity(37.5, "Cel", comparator=">")), "R-INFECT", False, "fever"),
        (sent({"text": "Temp"}, valueString="101.3 F"), "R-INFECT", True, None),
        (sent({"text": "EHL strength"}, valueString="3/5"), "R-MOTOR", False, "power"),
        (sent({"text": "EHL strength"}, valueString="5/5"), "R-MOTOR", False, None),
    ],
)
def test_limits_are_passed_whatever_the_true_value(
    resource: Any, criterion: str, met: bool, question: str | None
) -> None:
    """What can be told fires or is quiet; what could go either way asks."""
    found = finding(criterion, resource)
    assert (found.met, question in found.questions) == (met, question is not None)


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        ({"valueQuantity": quantity(60, "mL/min/{1.73_m2}", comparator="<")}, "egfr_unclear"),
        ({"valueString": ">60"}, None),
        ({"valueString": "<30"}, "egfr_severe"),
        ({"valueString": "42"}, "egfr_reduced"),
        ({"valueQuantity": quantity(1.5, "mL/s")}, "egfr_missing"),
    ],
)
def test_kidney_function_as_laboratories_report_it(value: Any, tag: str | None) -> None:
    """A value "<60" may be 25, ">60" is enough, and an unknown unit is no value."""
    assert set(finding("R-CON-SAFE", sent(EGFR, **value)).tags) == ({tag} if tag else set())


def test_a_measurement_after_an_old_order_counts_today() -> None:
    """An order of March that is signed again in June is judged by what was measured in June."""
    order = mri(authoredOn=(DAY - timedelta(days=80)).isoformat())
    new = observation(PVR, 2, valueQuantity=quantity(450, "mL"))
    assert finding("R-CES", new, order=order).met
    late = observation(PVR, 40, valueQuantity=quantity(450, "mL"))
    assert not finding("R-CES", late, order=order).met
    assert finding("R-DATE", late, order=order).questions == ("future_date",)
