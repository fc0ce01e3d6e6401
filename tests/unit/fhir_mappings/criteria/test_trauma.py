"""Trauma relative to age and bone, and fragile bone itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.fhir_mappings.records import Resource, condition, encounter, finding, patient, prescription, verdict

FALL, CRASH, FRACTURE, CONTUSION = "icd:W01.0XXA", "icd:V89.2XXA", "icd:S32.010A", "icd:S30.0XXA"
STIFF, OSTEOPOROSIS = "icd:M45.6", "icd:M81.0"
FIRES, NOTHING = ("MET", ()), ("NOT_MET", ())
MECHANISM = ("UNKNOWN", ("trauma_mechanism",))


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([condition(FRACTURE, 90)], FIRES),
        ([condition(FRACTURE, 91)], NOTHING),
        ([condition(FRACTURE, None)], FIRES),
        ([condition(FRACTURE, 30, "resolved")], FIRES),
        ([condition("icd:S34.3XXA")], FIRES),
        ([condition("sct:426646004")], FIRES),
        ([condition(CONTUSION)], MECHANISM),
        ([condition("icd:S39.92XA")], MECHANISM),
        ([condition("sct:11437003")], MECHANISM),
        ([condition("sct:417746004")], MECHANISM),
        ([condition(CONTUSION), condition(FRACTURE)], FIRES),
        ([condition("icd:S39.012A")], NOTHING),
        ([condition(CRASH)], FIRES),
        ([encounter(CRASH, 90)], FIRES),
        ([encounter(CRASH, 91)], NOTHING),
        ([condition(FALL)], NOTHING),
        ([condition("icd:W19.XXXA")], MECHANISM),
        ([condition("icd:W19.XXXA", 91)], NOTHING),
        ([condition(FALL), condition(STIFF, 3000)], FIRES),
        ([condition(FALL), condition("icd:M46.1", 3000)], NOTHING),
        ([condition(STIFF, 3000)], NOTHING),
        ([condition(FALL, verification="refuted")], NOTHING),
    ],
)
def test_trauma_at_38(resources: list[Resource], expected: tuple[str, tuple[str, ...]]) -> None:
    """Fractures and high energy fire, contusions ask how it happened, a strain is none, a fall needs a stiff spine."""
    assert verdict("R-TRAUMA", *resources) == expected


@pytest.mark.parametrize(
    ("how", "resources", "expected"),
    [
        ({"born": "1961-06-02"}, [], (False, True)),  # 65
        ({"born": "1961-06-03"}, [], (False, False)),  # 64
        ({}, [condition(OSTEOPOROSIS, 3000)], (False, True)),
        ({}, [condition("icd:Z79.52", 300)], (False, True)),
        ({"born": "1961-06-02"}, [condition(STIFF, 3000)], (True, True)),
    ],
)
def test_fall_counts_by_age_and_bone(
    how: dict[str, Any], resources: list[Resource], expected: tuple[bool, bool]
) -> None:
    """A simple fall counts at 65, with osteoporosis or chronic steroids, and is urgent in a stiff spine."""
    records = [condition(FALL), *resources]
    assert (finding("R-TRAUMA", *records, **how).met, finding("R-V6", *records, **how).met) == expected


@pytest.mark.parametrize(("born", "question"), [(None, "age"), ("1961", "trauma_mechanism"), ("1961-06", None)])
def test_fall_at_an_unknown_age_is_asked_about(born: str | None, question: str | None) -> None:
    """Whether a fall counts is open while the age is."""
    status, questions = verdict("R-TRAUMA", condition(FALL), values={"patient": patient(born)})
    assert status == "UNKNOWN"
    assert questions
    assert question is None or questions == (question,)


@pytest.mark.parametrize(
    ("resource", "tags"),
    [
        (condition(OSTEOPOROSIS, 3000), {"osteoporosis"}),
        (condition(OSTEOPOROSIS, 3000, verification="refuted"), set()),
        (prescription("rx:46041", 300), {"osteoporosis"}),
        (condition("icd:M80.08XA", 90), {"fracture"}),
        (condition("icd:Z79.52", 300), {"steroid"}),
        (condition("icd:Z79.52", 300, "inactive"), set()),
        (condition("icd:Z79.51", 300), set()),
    ],
)
def test_fragile_bone(resource: Resource, tags: set[str]) -> None:
    """Osteoporosis by diagnosis or drug stays, a fragility fracture counts while new, inhaled steroids never."""
    found = finding("R-V6", resource)
    assert found.met is bool(tags)
    assert tags <= found.tags


def test_old_fragility_fracture_is_no_new_one() -> None:
    """A fracture of last year is not why the back hurts now."""
    assert "fracture" not in finding("R-V6", condition("icd:M84.48XA", 91)).tags
    assert "fracture" not in finding("R-V6", condition("icd:M80.08XA", 30, "resolved")).tags


@pytest.mark.parametrize("source", ["Condition", "Procedure"])
def test_no_trauma_is_only_said_of_complete_sources(source: str) -> None:
    """What was not read may hold the fracture."""
    assert verdict("R-TRAUMA", failed=[source])[0] == "UNKNOWN"
    assert verdict("R-V6", cut=[source])[0] == "UNKNOWN"
