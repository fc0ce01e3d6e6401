"""Hints in free text (R-HINT): where a text counts, for how long, and what the record's own codes settle."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.criteria.findings import Status
from tests.unit.fhir_mappings.records import (
    FOOT_DROP,
    PAIN,
    Resource,
    ago,
    coded,
    condition,
    device,
    encounter,
    finding,
    mri,
    observation,
    procedure,
    quantity,
    status,
)

TEXT = "new foot drop"


@pytest.mark.parametrize(
    ("resources", "order"),
    [
        ([condition({"text": TEXT}, resource_id="c")], {}),
        ([condition({"coding": [{"display": TEXT}]}, resource_id="c")], {}),
        ([condition(PAIN, note=[{"text": TEXT}, {}])], {}),
        ([encounter(PAIN, reasonCode=[{"text": TEXT}])], {}),
        ([encounter(PAIN, day=None, reasonCode=[{"text": TEXT}])], {}),
        ([observation({"text": "Exam"}, valueString=TEXT)], {}),
        ([observation({"text": "Exam"}, note=[{"text": TEXT}])], {}),
        ([observation({"text": TEXT})], {}),
        ([observation({"text": "Exam"}, valueCodeableConcept={"text": TEXT})], {}),
        ([procedure({"text": TEXT}, day=1)], {}),
        ([], {"reasons": [{"text": TEXT}]}),
        ([], {"reasons": [coded(PAIN) | {"text": TEXT}]}),
        ([], {"note": [7, {"text": 7}, {"text": TEXT}]}),
        ([], {"orderDetail": [{"coding": [7, {"display": 7}, {"display": TEXT}]}]}),
        ([], {"orderDetail": [{"text": TEXT, "coding": "x"}], "note": "x"}),
        ([], {"patientInstruction": TEXT}),
    ],
)
def test_text_is_found_wherever_it_stands(resources: list[Resource], order: dict[str, Any]) -> None:
    """A hint in a problem, visit, finding, procedure or in the order itself is asked about, and never fires."""
    found = finding("R-HINT", *resources, order=mri(**order))
    assert (found.status, found.questions) == (Status.UNKNOWN, ("hint_motor",))
    assert found.tags == {"motor"}


@pytest.mark.parametrize(
    "resource",
    [
        condition({"text": TEXT}, resource_id="c", verification="refuted"),
        condition({"text": TEXT}, resource_id="c", verification="entered-in-error"),
        condition({"text": TEXT}, 300, "resolved", resource_id="c"),
        condition({"text": TEXT}, 300, "resolved", resource_id="c", abatementDateTime=ago(91)),
        condition({"text": "weakness"}, 91, resource_id="c"),
        encounter(PAIN, status="cancelled", reasonCode=[{"text": TEXT}]),
        encounter(PAIN, day=100, reasonCode=[{"text": TEXT}]),
        observation({"text": TEXT}, status="entered-in-error"),
        observation({"text": TEXT}, valueBoolean=False),
        observation({"text": TEXT}, valueString="No"),
        observation({"text": TEXT}, valueQuantity=quantity(5)),
        procedure({"text": TEXT}, status="not-done"),
        procedure({"text": TEXT}, day=100),
        device({"text": TEXT}, status="entered-in-error"),
        condition(coded(FOOT_DROP) | {"text": TEXT}, resource_id="c", clinical="resolved"),
    ],
)
def test_text_that_is_over_is_not_asked_about(resource: Resource) -> None:
    """A sign that is over, too old, denied by its value or settled by the record's own code raises nothing."""
    assert finding("R-HINT", resource).questions == ()


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("lung cancer", "cancer"),
        ("osteoporosis", "risk"),
        ("spinal fusion", "surgery"),
    ],
)
def test_lasting_things_are_asked_about_however_old(text: str, topic: str) -> None:
    """A cancer, a risk or an operation stays, although it was recorded long ago or as resolved."""
    old = condition({"text": text}, resource_id="c", onset=3000, clinical="resolved")
    assert finding("R-HINT", old).tags == {topic}


def test_device_is_known_by_its_name() -> None:
    """A device without a known code that is called a pacemaker is asked about, for safety and not for the timing."""
    named = device({"text": "Device"}, deviceName=[{"name": "Medtronic pacemaker"}, {}])
    assert finding("R-HINT", named).questions == ()
    assert finding("R-MR", named).tags == {"hold"}


def test_questions_come_by_weight() -> None:
    """Bladder before weakness before the rest, whatever the order of the words."""
    text = "pacemaker, weight loss, fell, lymphoma, fever, myelopathy, foot drop, saddle numbness"
    found = finding("R-HINT", order=mri(note=[{"text": text}]))
    assert found.questions == tuple(
        f"hint_{topic}" for topic in ("ces", "motor", "cord", "infection", "cancer", "trauma", "risk")
    )


def test_own_code_settles_its_words_only() -> None:
    """A coded foot drop raises no question about its own words, but one about the fever noted beside it."""
    noted = condition(FOOT_DROP, note=[{"text": "weakness and fever"}])
    assert finding("R-HINT", noted).questions == ("hint_infection",)


def test_nothing_hinted_is_only_said_of_complete_sources() -> None:
    """Without the problems nobody knows what their texts say."""
    assert finding("R-HINT").status is Status.NOT_MET
    assert finding("R-HINT", failed=["Condition"]).status is Status.UNKNOWN


def test_exam_answered_normal_is_no_hint() -> None:
    """A finding whose interpretation is normal is not there."""
    normal = observation({"text": "Leg weakness"}, interpretation=[status("N", "v3-ObservationInterpretation")])
    assert finding("R-HINT", normal).questions == ()


def _open(text: str, day: int, **elements: Any) -> Resource:
    return condition({"text": text}, day, resource_id="c", **elements)


def _over(text: str, day: int, **elements: Any) -> Resource:
    return condition({"text": text}, day, "resolved", resource_id="c", **elements)


@pytest.mark.parametrize(
    ("resource", "question"),
    [
        (_open("Vertebral osteomyelitis", 400), "hint_infection"),
        (_open("Spinal cord compression", 200), "hint_cord"),
        (_open("Left foot drop", 2000), "hint_motor"),
        (_open("Guillain-Barre syndrome", 200), "hint_motor"),
        (_open("Urinary retention", 120), "hint_ces"),
        (_open("Transverse myelitis", 500), "hint_cord"),
        (_open("Saddle numbness", 700, recordedDate=ago(1)), "hint_ces"),
        (_over("Cauda equina syndrome", 20), "hint_ces"),
        (_over("Cauda equina syndrome", 300, abatementDateTime=ago(20)), "hint_ces"),
        (_over("Discitis", 800, abatementDateTime=ago(700)), "hint_infection"),
        (_over("Sepsis", 800, abatementDateTime=ago(300)), "hint_infection"),
        (_over("Fracture of L1 vertebra", 30), "hint_trauma"),
        (_over("Kidney stone", 20), "hint_mimic"),
        (_open("weakness", 300, recordedDate=ago(5)), "hint_motor"),
        (_open("weakness", 300, encounter={"reference": "Encounter/now"}), "hint_motor"),
    ],
)
def test_words_ask_for_as_long_as_their_code_would(resource: Resource, question: str) -> None:
    """An open disease or deficit asks whatever its age, what is over for a while, and the newest date counts."""
    assert finding("R-HINT", resource, encounter("icd:Z00.00", 3, "now")).questions == (question,)


@pytest.mark.parametrize(
    "resource",
    [
        _open("Numbness", 300),
        _over("Cauda equina syndrome", 300, abatementDateTime=ago(91)),
        _over("Sepsis", 800, abatementDateTime=ago(366)),
        _open("Fracture of L1 vertebra", 91),
        _open("Kidney stone", 31),
        encounter(None, 100, reasonCode=[{"text": "foot drop"}]),
    ],
)
def test_words_age_as_their_code_does(resource: Resource) -> None:
    """A symptom, an injury and a visit are events; what ended long ago is history."""
    assert finding("R-HINT", resource).questions == ()
