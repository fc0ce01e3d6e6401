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
    in_celsius,
    unit_key,
    written,
)
from fhir_mappings.words.record_names import measurement_concept
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
        ("5-/5", (4.5, 4.5, "")), ("200+", (200, math.inf, "")), ("200-300 mL", (200, 300, "ml")),
        ("37.2 deg C", (37.2, 37.2, "deg c")), ("1.200 mL", (1.2, 1200, "ml")), ("60-", (-math.inf, math.inf, "")),
        ("95 mm/hr", (95, 95, "mm/hr")), ("450 ml (bladder scan)", (450, 450, "ml")),
    ],
)  # fmt: skip
def test_values_are_read_as_they_are_written(text: str, expected: tuple[float, float, str]) -> None:
    """Comparators in signs and words, either decimal sign, grades of five, a unit stuck to its number."""
    found = written(text)
    assert found is not None
    assert (found.low, found.high, found.unit) == (*map(pytest.approx, expected[:2]), expected[2])


@pytest.mark.parametrize("text", ["", "see note", "trace", "pending", "no void", "-", "2026-05-30", "~450 mL"])
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
    assert table[unit_key(ucum)] == pytest.approx(UNITS.Quantity(1, pint_unit).to(target).magnitude)


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
        ("hemoglobin", ""), ("potassium", ""), ("temporal artery", ""), ("residual volume, urine", "pvr"),
        ("bladder residual volume", "pvr"), ("post-micturition residual", "pvr"), ("residual volume", ""),
        ("pulmonary vascular resistance (pvr)", ""), ("pre-void bladder scan", ""),
        ("pre and post void bladder scan", "pvr"), ("tmax", "fever"), ("foot temperature", ""),
        ("mrc dyspnoea scale", ""), ("mrc breathlessness scale", ""), ("plantar flexion reflex", ""),
    ],
)  # fmt: skip
def test_measurements_are_known_by_their_words(words: str, concept: str) -> None:
    """A ward's own code says nothing; its name does."""
    assert measurement_concept(words, is_worded=False) == concept


@pytest.mark.parametrize("name", ["temp source", "body temperature site", "sed rate method"])
def test_a_row_beside_a_measurement_is_none(name: str) -> None:
    """How something was measured bears its name; with a number for a value it is the measurement all the same."""
    assert measurement_concept(name, is_worded=True) == ""
    assert measurement_concept(name, is_worded=False) != ""


@pytest.mark.parametrize(
    ("unit", "key"),
    [
        ("mm/(h)", "mm/h"), ("mL/min/1.73 m²", "ml/min/173m2"), ("mL/min/{1.73_m2}", "ml/min/173m2"),
        ("mL/min per 1.73 sq m", "ml/min/173m2"), ("milliliter(s)", "ml"), ("mLs", "ml"), ("mcg/mL", "ug/ml"),
        ("µg/mL", "ug/ml"), ("mg/litre", "mg/l"), ("[degF]", "degf"), ("deg F", "f"), ("°C", "c"), ("°", "deg"),
        ("deg", "deg"),
    ],
)  # fmt: skip
def test_one_unit_is_spelt_in_many_ways(unit: str, key: str) -> None:
    """Case, spaces, brackets, plurals and powers do not make another unit; a degree of an angle stays one."""
    assert unit_key(unit) == key


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
        (sent(PVR, valueRange={"low": quantity(300, "mL"), "high": quantity(400, "mL")}), "R-CES", True, None),
        (sent(PVR, valueRange={"low": quantity(100, "mL"), "high": quantity(400, "mL")}), "R-CES", False, "ces"),
        (sent(PVR, valueRange={"low": quantity(20, "mL"), "high": quantity(40, "mL")}), "R-CES", False, None),
        (sent(PVR, valueRange={"low": quantity(1, "L")}), "R-CES", True, None),
        (sent(PVR, valueRange={"low": quantity(1, "mL"), "high": quantity(1, "L")}), "R-CES", False, "ces"),
        (sent(PVR, valueString="200+"), "R-CES", False, "ces"),
        (sent({"text": "PVR"}, valueCodeableConcept={"text": "450 mL"}), "R-CES", True, None),
        (sent({"text": "PVR"}, dataAbsentReason={"text": "unknown"}), "R-CES", False, "ces"),
        (observation({"text": "PVR"}, 200, dataAbsentReason={"text": "unknown"}), "R-CES", False, None),
        (sent({"text": "PVR"}, valueQuantity={**quantity(450, "mL"), "code": "258773002"}), "R-CES", True, None),
        (sent({"text": "CRP"}, valueCodeableConcept={"text": "High"}), "R-INFECT", False, "inflammation_markers"),
        (sent(CRP, valueString="Negative"), "R-INFECT", False, None),
        (sent({"text": "Temp"}, valueString="afebrile"), "R-INFECT", False, None),
        (sent({"text": "Temp"}, valueString="98.6 deg F"), "R-INFECT", False, None),
        (sent({"text": "Temp source"}, valueString="Oral"), "R-INFECT", False, None),
        (sent(CRP, valueString="see note", interpretation=[{"text": "(H)"}]), "R-INFECT", True, None),
        (
            sent(CRP, interpretation=[{"coding": [{"code": "99", "display": "Above high normal"}]}]),
            "R-INFECT",
            True,
            None,
        ),
        (sent({"text": "Hip flexion"}, valueQuantity=quantity(120, "deg")), "R-MOTOR", False, None),
        (sent({"text": "Muscle strength"}, valueString="3/5", bodySite={"text": "Right hand"}), "R-MOTOR", False, None),
        (
            sent({"text": "Muscle strength"}, component=[{"code": {"text": "Left L5"}, "valueString": "2/5"}]),
            "R-MOTOR",
            False,
            "power",
        ),
    ],
)
def test_limits_are_passed_whatever_the_true_value(
    resource: Any, criterion: str, met: bool, question: str | None
) -> None:
    """What can be told fires or is quiet; what could go either way asks."""
    found = finding(criterion, resource)
    assert (found.met, question in found.questions) == (met, question is not None)


@pytest.mark.parametrize(
    ("resource", "criterion", "question"),
    [
        (sent({"text": "Bladder scan"}, valueString="see note"), "R-CES", "ces"),
        (sent({"text": "CRP"}, valueString="pending"), "R-INFECT", "inflammation_markers"),
        (sent({"text": "Temp"}, valueString="see note"), "R-INFECT", "fever"),
        (sent({"text": "EHL strength"}, valueString="3/5"), "R-MOTOR", "power"),
    ],
)
def test_a_question_names_the_measurement_that_raised_it(resource: Any, criterion: str, question: str) -> None:
    """Who is asked about a value sees which record holds it."""
    (item,) = finding(criterion, resource).asked
    assert (item.concept, item.quote, item.reference) == (
        question,
        resource["code"]["text"],
        f"Observation/{resource['id']}",
    )


@pytest.mark.parametrize(
    ("value", "limit", "met"),
    [
        (quantity(5, "mm/h"), quantity(20, "mm/hr"), False),
        (quantity(55, "mm/hr"), quantity(20, "mm/h"), True),
        (quantity(2, "mg/dL"), quantity(5, "mg/L"), True),
        (quantity(0.2, "mg/dL"), quantity(5, "mg/L"), False),
        (quantity(800, "nmol/L"), quantity(48, "nmol/L"), True),
        (quantity(800, "nmol/L"), quantity(5, "mg/L"), None),
    ],
)
def test_the_range_of_a_laboratory_may_be_in_another_unit(value: Any, limit: Any, met: bool | None) -> None:
    """A value and its limit are compared in one unit; where there is none, the question is asked."""
    code = CRP if value["unit"] != "mm/h" and limit["unit"] != "mm/h" else "loinc:30341-2"
    found = finding("R-INFECT", sent(code, valueQuantity=value, referenceRange=[{"high": limit}]))
    assert (found.met, bool(found.questions)) == (met is True, met is None)


@pytest.mark.parametrize(
    ("value", "asks"),
    [
        ({"valueString": "5/5"}, False), ({"valueString": "R 5/5, L 5/5"}, False), ({"valueInteger": 5}, False),
        ({"valueString": "strong"}, False), ({"valueCodeableConcept": {"text": "5/5"}}, False),
        ({"valueRatio": {"numerator": {"value": 5}, "denominator": {"value": 5}}}, False),
        ({"valueRatio": {"numerator": {"value": 3}, "denominator": {"value": 5}}}, True),
        ({"valueString": "5/5 right, 3/5 left"}, True), ({"valueString": "5/5 except EHL"}, True),
        ({"valueString": "4-5/5"}, True), ({"valueString": "4+/5"}, True), ({"valueString": "8/10"}, True),
        ({"valueString": "60 %"}, True), ({"valueQuantity": quantity(30, "lb")}, True),
        ({"valueString": "reduced"}, True),
        ({"valueCodeableConcept": {"text": "3/5"}}, True),
        ({"valueRange": {"low": {"value": 4}, "high": {"value": 5}}}, True),
    ],
)  # fmt: skip
def test_only_full_power_on_every_side_is_normal(value: Any, asks: bool) -> None:
    """One full side, another scale or a force in pounds does not hide a weak leg."""
    assert ("power" in finding("R-MOTOR", sent({"text": "EHL strength"}, **value)).questions) is asks


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        ({"valueQuantity": quantity(60, "mL/min/{1.73_m2}", comparator="<")}, "egfr_unclear"),
        ({"valueString": ">60"}, None),
        ({"valueString": "<30"}, "egfr_severe"),
        ({"valueString": "42"}, "egfr_reduced"),
        ({"valueQuantity": quantity(1.5, "mL/s")}, "egfr_missing"),
        ({"valueQuantity": quantity(25, "mL/min/1.73 m²")}, "egfr_severe"),
        ({"valueQuantity": quantity(80, "mL/min/1.73 sq m")}, None),
    ],
)
def test_kidney_function_as_laboratories_report_it(value: Any, tag: str | None) -> None:
    """A value "<60" may be 25, one ">60" is enough, and an unknown unit is no value."""
    assert set(finding("R-CON-SAFE", sent(EGFR, **value)).tags) == ({tag} if tag else set())


def test_a_measurement_after_an_old_order_counts_today() -> None:
    """An order of March that is signed again in June is judged by what was measured in June."""
    order = mri(authoredOn=(DAY - timedelta(days=80)).isoformat())
    new = observation(PVR, 2, valueQuantity=quantity(450, "mL"))
    assert finding("R-CES", new, order=order).met
    late = observation(PVR, 40, valueQuantity=quantity(450, "mL"))
    assert not finding("R-CES", late, order=order).met
    assert finding("R-DATE", late, order=order).questions == ("future_date",)


@pytest.mark.parametrize(("days_after", "met", "question"), [(1, True, None), (5, False, "future_date")])
def test_a_sign_seen_after_an_old_order_never_passes_out_of_its_window_unseen(
    days_after: int, met: bool, question: str | None
) -> None:
    """What is no measurement fires by its day, and asks for its date from the second day on, a year later too."""
    order = mri(authoredOn=(DAY - timedelta(days=365)).isoformat())
    seen = observation("sct:449813001", 365 - days_after)
    assert finding("R-CES", seen, order=order).met is met
    assert finding("R-DATE", seen, order=order).questions == ((question,) if question else ())


def test_a_fall_of_power_is_told_in_the_units_of_grades() -> None:
    """Grade 4 and then 3 of one muscle is progressive, whatever the unit is called."""
    values = [
        observation({"text": "EHL strength"}, day, f"p{day}", valueQuantity=quantity(grade, "MRC grade"))
        for day, grade in ((6, 4), (1, 3))
    ]
    assert finding("R-MOTOR", *values).met
