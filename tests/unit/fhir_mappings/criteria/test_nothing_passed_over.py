"""What was received and passed over once: notes, forms broken off, reports without a word, a laboratory's flags."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.fhir_mappings.records import (
    PAIN,
    Resource,
    condition,
    finding,
    mri,
    observation,
    prescription,
    procedure,
    quantity,
    record,
    report,
)

NAMED = "hx of MS"
IMAGING = [{"coding": [{"code": "RAD"}]}]


def form(text: str, value: Any, **elements: Any) -> Resource:
    """Return a form with one answer, of the day of the order."""
    given = {"valueBoolean": value} if isinstance(value, bool) else {"valueString": value}
    items = [{"linkId": "1", "text": text, "answer": [given]}]
    return record(
        "QuestionnaireResponse", "form", **{"status": "completed", "authored": "2026-06-02", "item": items, **elements}
    )


@pytest.mark.parametrize(
    ("resource", "place"),
    [
        (condition(PAIN, note=[{"text": NAMED}]), "note"),
        (observation({"text": "Comment"}, 3, valueString=NAMED), "observation"),
        (observation({"text": "Comment"}, 3, note=[{"text": NAMED}]), "note"),
        (procedure({"text": "Dressing change"}, 3, note=[{"text": NAMED}]), "note"),
        (prescription("local:1", note=[{"text": NAMED}]), "note"),
        (prescription("local:1", reasonCode=[{"text": NAMED}]), "drug"),
    ],
)
def test_a_disease_that_a_note_names_is_asked_about(resource: Resource, place: str) -> None:
    """What asks as the name of a problem asks wherever somebody wrote it, quoted with its place."""
    (evidence,) = finding("R-UNREAD", resource).evidence
    assert (evidence.quote, evidence.place) == (NAMED, place)


@pytest.mark.parametrize("text", ["mother had MS", "no hx of MS", "difficulty walking", "antalgic gait"])
def test_a_note_asks_for_less_than_a_problem(text: str) -> None:
    """A relative's disease, a denied one, and how somebody with back pain walks are nothing to ask about."""
    assert not finding("R-UNREAD", condition(PAIN, note=[{"text": text}])).evidence


@pytest.mark.parametrize("element", ["orderDetail", "patientInstruction"])
def test_a_name_in_any_part_of_the_order_asks(element: str) -> None:
    """The order's details and instructions are read like its notes."""
    value: Any = NAMED if element == "patientInstruction" else [{"text": NAMED}]
    assert finding("R-UNREAD", order=mri(**{element: value})).questions == ("unread",)


@pytest.mark.parametrize(
    ("question", "value", "asks"),
    [
        ("New saddle numbness?", True, True),
        ("New saddle numbness?", False, False),
        ("Is there a red flag?", True, True),
        ("Is there a red flag?", "not sure", True),
    ],
)
def test_a_form_that_was_broken_off_asks(question: str, value: Any, asks: bool) -> None:
    """A yes on a form that was stopped was said; a no on it denies nothing, and neither states anything."""
    resource = form(question, value, status="stopped")
    assert bool(finding("R-HINT", resource).questions) is asks
    assert not finding("R-CES", resource).met


@pytest.mark.parametrize(
    ("question", "answer"), [("Do you have multiple sclerosis?", True), ("Other problems?", NAMED)]
)
def test_a_form_that_names_a_disease_asks(question: str, answer: Any) -> None:
    """A disease that a form asks for and that is affirmed, or that an answer names, asks like a problem."""
    assert finding("R-UNREAD", form(question, answer)).questions == ("unread",)
    assert not finding("R-UNREAD", form("Do you have multiple sclerosis?", False)).questions


def test_a_yes_about_a_record_that_did_not_come_holds() -> None:
    """Somebody said that a record is behind the pain: that it is not among those received takes nothing back."""
    said = mri(note=[{"text": "Record behind this pain: yes", "time": "2026-06-02"}])
    (evidence,) = finding("R-UNREAD", order=said).evidence
    assert "Record behind this pain" in evidence.quote


@pytest.mark.parametrize(
    ("name", "elements", "asks"),
    [
        ("MRI lumbar spine", {}, True),
        ("MRI lumbar spine", {"conclusion": "See attached report"}, True),
        ("XR lumbar spine", {"conclusion": "Mild degenerative changes."}, False),
        ("CT abdomen", {}, False),
        ("CT head", {}, False),
    ],
)
def test_a_report_of_the_spine_without_a_word_asks(name: str, elements: dict[str, Any], asks: bool) -> None:
    """Nobody has read what such a study found."""
    resource = report("local:9", 20, category=IMAGING, **elements) | {"code": {"text": name}}
    assert bool(finding("R-UNREAD", resource).questions) is asks


@pytest.mark.parametrize(
    ("conclusion", "asks"),
    [
        ("Severe central canal stenosis L4-5.", True),
        ("Large disc extrusion at L5-S1.", True),
        ("Sequestered fragment.", True),
        ("Crowding of the nerve roots.", True),
        ("Mild central canal stenosis.", False),
        ("Severe left neural foraminal stenosis at L5-S1.", False),
        ("Small disc protrusion.", False),
        ("No severe stenosis.", False),
    ],
)
def test_what_narrows_the_canal_asks(conclusion: str, asks: bool) -> None:
    """A report that tells of a canal nearly closed is not aside."""
    resource = report("local:9", 20, category=IMAGING, conclusion=conclusion) | {"code": {"text": "MRI lumbar spine"}}
    assert bool(finding("R-UNREAD", resource).questions) is asks


@pytest.mark.parametrize(("amount", "asks"), [(80, True), (4, False)])
def test_a_high_value_flagged_as_normal_asks(amount: float, asks: bool) -> None:
    """Without the range of its laboratory, a flag does not make a high CRP normal."""
    value = observation({"text": "CRP"}, 1, valueQuantity=quantity(amount, "mg/L"), interpretation=[{"text": "N"}])
    found = finding("R-INFECT", value)
    assert not found.met
    assert ("inflammation_markers" in found.questions) is asks


@pytest.mark.parametrize(
    ("note", "asks"),
    [
        ("Fever now: no. 39.2 C", True),
        ("Fever now: no, 101.5 F", True),
        ("New leg weakness: no. 3/5", True),
        ("Fever now: no. 36.8 C", False),
        ("Fever now: no. 2. New leg weakness: no", False),
        ("39 F with back pain", False),
    ],
)
def test_a_number_behind_a_no_is_read(note: str, asks: bool) -> None:
    """What was measured speaks against the answer before it."""
    order = mri(note=[{"text": note, "time": "2026-06-02"}])
    found = [finding(name, order=order) for name in ("R-HINT", "R-INFECT", "R-MOTOR")]
    assert any(item.met or item.questions for item in found) is asks


def test_dialysis_asks_by_its_code_as_by_its_name() -> None:
    """It is a risk of infection of the spine, however it is recorded."""
    assert finding("R-HINT", condition("icd:Z99.2")).questions
    assert finding("R-HINT", condition({"text": "on dialysis"})).questions
