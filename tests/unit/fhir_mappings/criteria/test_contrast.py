"""Contrast: what asks for it, what speaks against it, and what is simply not known."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.fhir_mappings.records import (
    PAIN,
    Resource,
    ago,
    allergy,
    coded,
    condition,
    device,
    finding,
    mri,
    observation,
    procedure,
    quantity,
    report,
    status,
    verdict,
)

EGFR, RENAL, DIALYSIS = "loinc:33914-3", "icd:N18.4", "icd:N18.6"
URINE_TEST, PREGNANCY_STATUS = "loinc:2106-3", "loinc:82810-3"
NORMAL_EGFR = observation(EGFR, 1, "egfr-normal", valueQuantity=quantity(95))


def egfr(value: float, day: int | str | None = 10, **elements: Any) -> Resource:
    """Return a kidney function."""
    name = f"egfr-{value}-{day}"
    return observation(EGFR, day, name, valueQuantity=quantity(value, "mL/min/1.73 m2", **elements))


@pytest.mark.parametrize(
    ("resources", "tags"),
    [
        ([], {"egfr_missing"}),
        ([egfr(29)], {"egfr_severe"}),
        ([egfr(30)], {"egfr_reduced"}),
        ([egfr(44)], {"egfr_reduced"}),
        ([egfr(45)], set()),
        ([egfr(30, comparator="<")], {"egfr_severe"}),
        ([egfr(60, comparator=">")], set()),
        ([egfr(95, 90)], set()),
        ([egfr(95, 91)], {"egfr_missing"}),
        ([egfr(95, "2026")], {"egfr_missing"}),
        ([egfr(95, None)], {"egfr_missing"}),
        ([egfr(25, 30), egfr(60, 5)], set()),
        ([egfr(60, 30), egfr(25, 5)], {"egfr_severe"}),
        ([egfr(60, 5), egfr(25, 5)], {"egfr_severe"}),
        ([observation(EGFR, 5, dataAbsentReason=status("unknown"))], {"egfr_missing"}),
        ([observation(EGFR, 5, valueString="pending")], {"egfr_missing"}),
        ([condition(RENAL, 3000)], {"renal_disease"}),
        ([condition(DIALYSIS, 3000), egfr(95)], {"renal_disease"}),
        ([condition(RENAL, 3000), egfr(25)], {"egfr_severe"}),
        ([condition(RENAL, 3000, "resolved")], {"egfr_missing"}),
    ],
)
def test_kidney_function_before_contrast(resources: list[Resource], tags: set[str]) -> None:
    """The newest value of ninety days decides, severe disease counts as below 30, and nothing known is no "normal"."""
    assert finding("R-CON-SAFE", *resources).tags == tags


@pytest.mark.parametrize(
    ("resource", "tags"),
    [
        (allergy("rx:1310171"), {"allergy_gadolinium"}),
        (allergy("sct:58281002"), {"allergy_gadolinium"}),
        (allergy("rx:1310171", clinicalStatus=status("resolved")), set()),
        (allergy("sct:385420005"), {"allergy_unclear"}),
        (condition("icd:Z91.041", 3000), {"allergy_unclear"}),
        (condition("icd:Z33.1"), {"pregnancy"}),
        (condition("sct:102874004"), {"pregnancy"}),
    ],
)
def test_what_speaks_against_contrast(resource: Resource, tags: set[str]) -> None:
    """Allergies to gadolinium or to an unknown agent, and a certain or possible pregnancy, come before contrast."""
    assert finding("R-CON-SAFE", NORMAL_EGFR, resource).tags == tags


def pregnancy_test(day: int | None = 1, **value: Any) -> Resource:
    """Return a pregnancy test."""
    return observation(URINE_TEST, day, "test", **value)


PREGNANT, NOT_PREGNANT = coded("sct:77386006"), coded("sct:60001007")


def denied(day: int) -> Resource:
    """Return a record that there is no pregnancy."""
    return observation(PREGNANCY_STATUS, day, valueCodeableConcept=NOT_PREGNANT)


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([], ("NOT_MET", ())),
        ([condition("icd:Z33.1", 270)], ("MET", ())),
        ([condition("icd:Z33.1", 271)], ("NOT_MET", ())),
        ([condition("icd:O09.90", None)], ("MET", ())),
        ([condition("icd:Z33.1", 100, "resolved")], ("NOT_MET", ())),
        ([observation(PREGNANCY_STATUS, 30, valueCodeableConcept=PREGNANT)], ("MET", ())),
        ([denied(3)], ("NOT_MET", ())),
        ([pregnancy_test(valueBoolean=True)], ("MET", ())),
        ([pregnancy_test(valueString="Positive")], ("MET", ())),
        ([pregnancy_test(valueBoolean=False)], ("NOT_MET", ())),
        ([pregnancy_test(valueString="negative")], ("NOT_MET", ())),
        ([pregnancy_test(271, valueBoolean=True)], ("NOT_MET", ())),
        ([pregnancy_test(valueCodeableConcept=coded("sct:10828004", text="Positive"))], ("MET", ())),
        ([pregnancy_test(valueCodeableConcept={"text": "Positive"})], ("MET", ())),
        ([condition("sct:102874004")], ("UNKNOWN", ("pregnancy",))),
        ([condition("sct:91957002")], ("UNKNOWN", ("pregnancy",))),
        ([condition("sct:102874004", 271)], ("NOT_MET", ())),
        (
            [condition("icd:Z33.1", 100), denied(7)],
            ("NOT_MET", ()),
        ),
        (
            [condition("icd:Z33.1", 100), denied(8)],
            ("MET", ()),
        ),
        ([condition("icd:Z33.1", 2), denied(7)], ("MET", ())),
        ([condition("sct:102874004"), observation("sct:250425007", 2)], ("NOT_MET", ())),
    ],
)
def test_pregnancy(resources: list[Resource], expected: tuple[str, tuple[str, ...]]) -> None:
    """A pregnancy of this term counts until a negative of the last week, and a possible one is asked about."""
    assert verdict("R-PREG", *resources) == expected


MRI, RESULT = "cpt:72148", "sct:408379005"


@pytest.mark.parametrize(
    ("resource", "met"),
    [
        (report(MRI, 180, conclusionCode=[coded(RESULT)]), True),
        (report(MRI, 181, conclusionCode=[coded(RESULT)]), False),
        (report(MRI, 20, conclusion="Indeterminate marrow signal"), True),
        (report(MRI, 20, conclusion="NON-DIAGNOSTIC due to motion"), True),
        (report(MRI, 20, conclusion="Equivocal"), True),
        (report(MRI, 20, conclusion="Normal study"), False),
        (report(MRI, 20, conclusionCode=[coded("sct:169083003")]), False),
        (report(MRI, 20), False),
        (report(MRI, None, conclusion="Equivocal"), False),
        (report("cpt:72158", 20, conclusion="Equivocal"), False),
        (report(MRI, 20, conclusion="Equivocal", status="cancelled"), False),
    ],
)
def test_unclear_study_asks_for_contrast(resource: Resource, met: bool) -> None:
    """A study without contrast that settled nothing, by its code or its words, is a reason for contrast."""
    assert finding("R-CON-NONDIAG", resource).met is met


@pytest.mark.parametrize(
    ("resource", "met"),
    [
        (condition("icd:M45.6", 3000), True),
        (condition("sct:784332006", 3000, verification="provisional"), True),
        (condition("icd:M45.6", 3000, "resolved"), False),
        (condition(PAIN), False),
    ],
)
def test_inflammation_asks_for_contrast(resource: Resource, met: bool) -> None:
    """An inflammatory spine disease that goes on, or is suspected, is a reason for contrast."""
    assert finding("R-CON-MIT", resource).met is met


SURGERY, FUSED, LAMINECTOMY = "cpt:63030", "icd:Z98.1", "sct:387731002"
NOW = mri(reasons=[PAIN])
LEVEL = ("UNKNOWN", ("surgery_level",))


@pytest.mark.parametrize(
    ("resources", "order", "expected"),
    [
        ([procedure(SURGERY, 3000)], NOW, ("MET", ())),
        ([procedure(SURGERY, None)], NOW, ("MET", ())),
        ([procedure(SURGERY, 3000, status="not-done")], NOW, ("NOT_MET", ())),
        ([condition("icd:M96.1", 3000)], NOW, ("MET", ())),
        ([condition("icd:M96.1", 3000, "resolved")], NOW, ("MET", ())),
        ([condition(FUSED, 3000)], NOW, LEVEL),
        ([condition(FUSED, 3000), procedure(SURGERY, 3000)], NOW, ("MET", ())),
        ([condition(FUSED, 3000), device("sct:257275005")], NOW, ("MET", ())),
        ([procedure(LAMINECTOMY, 3000)], NOW, LEVEL),
        ([condition("sct:161615003", 3000)], NOW, LEVEL),
        ([], NOW, ("NOT_MET", ())),
    ],
)
def test_earlier_lumbar_surgery(
    resources: list[Resource], order: Resource, expected: tuple[str, tuple[str, ...]]
) -> None:
    """Pain after lumbar surgery of any age counts; surgery whose level is not stated is asked about."""
    assert verdict("R-CON-POSTOP", *resources, order=order) == expected


def test_surgery_without_pain_is_history() -> None:
    """An operated back that does not hurt is no reason for a scan."""
    assert not finding("R-CON-POSTOP", procedure(SURGERY, 3000), order=mri(reasons=["icd:Q05.7"])).met


@pytest.mark.parametrize("source", ["Condition", "Procedure"])
def test_no_surgery_is_only_said_of_complete_sources(source: str) -> None:
    """An operation may stand in what was not read."""
    assert verdict("R-CON-POSTOP", failed=[source])[0] == "UNKNOWN"


def test_failed_allergies_leave_safety_open() -> None:
    """Allergies that could not be read are not "no allergy"."""
    found = finding("R-CON-SAFE", NORMAL_EGFR, failed=["AllergyIntolerance"])
    assert (found.status.value, found.unavailable) == ("UNKNOWN", ("AllergyIntolerance",))


def test_pregnancy_that_ended_is_over() -> None:
    """A pregnancy with a recorded end is no pregnancy now."""
    assert verdict("R-PREG", condition("icd:Z33.1", 200, None, abatementDateTime=ago(20))) == ("NOT_MET", ())


@pytest.mark.parametrize(
    ("newer", "tags"),
    [
        ({"valueQuantity": quantity(0.35, "mmol/L")}, {"egfr_unclear"}),
        ({"valueString": "See comment"}, {"egfr_unclear"}),
        ({"dataAbsentReason": status("unknown")}, {"egfr_unclear"}),
        ({"valueQuantity": quantity(25, "mL/min/1.73 m2"), "effectiveDateTime": None}, {"egfr_unclear"}),
        ({"valueString": "See comment", "effectiveDateTime": ago(70)}, set()),
        ({"valueQuantity": quantity(80, "mL/min/1.73 m2"), "effectiveDateTime": None}, set()),
    ],
)
def test_an_older_kidney_function_does_not_stand_for_one_that_cannot_be_read(
    newer: dict[str, Any], tags: set[str]
) -> None:
    """A value that cannot be judged, and may be the newest, leaves the kidney unclear."""
    unread = {**observation(EGFR, 1, "newest"), **newer}
    assert set(finding("R-CON-SAFE", egfr(80, 70), {k: v for k, v in unread.items() if v}).tags) == tags
