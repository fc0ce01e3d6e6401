"""Edges of the MRI safety of implants: which records are shown, with which notes, and what explains what."""

from __future__ import annotations

import pytest

from tests.unit.fhir_mappings.records import Resource, coded, condition, device, finding, procedure

UNSAFE, CONDITIONAL = "ncit:C106047", "ncit:C106046"
PACEMAKER, HIP, REMOVAL, PRESENT = "sct:14106009", "sct:67270000", "sct:233187001", "icd:Z95.0"


def explant(of: Resource, day: int) -> Resource:
    """Return a procedure that took a device out."""
    action = {"coding": [{"code": "explanted"}]}
    focal = {"action": action, "manipulated": {"reference": f"Device/{of['id']}"}}
    return procedure({"text": "Removal"}, day, "explant", focalDevice=[focal])


@pytest.mark.parametrize(
    ("generator", "both"),
    [
        (device(PACEMAKER), True),
        (device(PACEMAKER, CONDITIONAL), False),
        (device(PACEMAKER, UNSAFE), False),
        (device(PACEMAKER, CONDITIONAL, status="inactive"), True),
    ],
)
def test_only_a_device_in_use_with_a_status_explains_other_records(generator: Resource, both: bool) -> None:
    """A device without a status, or one no longer in use, may not be the one that another record tells of."""
    shown = {item.reference for item in finding("R-MR", generator, condition(PRESENT, 3000)).evidence}
    own, other = f"Device/{generator['id']}", "Condition/condition-icd-Z95-0"
    assert shown == ({own, other} if both else {own})


def test_device_in_use_that_was_taken_out_is_told_as_a_conflict() -> None:
    """Who reads the hold must see that the records contradict each other."""
    pacemaker = device(PACEMAKER)
    (evidence,) = finding("R-MR", pacemaker, explant(pacemaker, 100)).evidence
    assert set(evidence.notes) == {"conflicting"}
    (plain,) = finding("R-MR", pacemaker).evidence
    assert plain.notes == ()


def test_device_is_shown_with_the_codes_of_its_kind_only() -> None:
    """A device coded as two kinds of implant is shown as the worse one, with the codes of that kind."""
    (evidence,) = finding("R-MR", device(coded(HIP, PACEMAKER))).evidence
    assert evidence.concept == "implant_pacemaker"
    assert [code.code for code in evidence.codes] == ["14106009"]


@pytest.mark.parametrize(
    ("recorded", "notes"),
    [
        (condition(PRESENT, 3000), {"removed"}),
        (condition(PRESENT, 3000, "resolved"), {"inactive", "removed"}),
        (condition(PRESENT, 3000, verification="provisional"), {"suspected", "removed"}),
    ],
)
def test_removed_implant_keeps_its_other_notes(recorded: Resource, notes: set[str]) -> None:
    """That an implant was only suspected, or is no longer active, is still told after its removal."""
    found = finding("R-MR", recorded, procedure(REMOVAL, 100))
    assert found.tags == {"removed"}
    assert [set(item.notes) for item in found.evidence] == [notes]


@pytest.mark.parametrize("code", ["sct:25789004", "sct:277764006", "sct:34238000", "sct:448942003", "sct:50172003"])
def test_every_name_of_a_fusion_brings_artifact(code: str) -> None:
    """An arthrodesis is a fusion by another name: there may be metal."""
    assert finding("R-ARTIFACT", procedure(code, 3000)).met


def test_explant_that_names_no_device_clears_no_nameless_device() -> None:
    """A pacemaker recorded without an id is not the one that a procedure without a device took out."""
    nameless = {name: value for name, value in device(PACEMAKER, status="inactive").items() if name != "id"}
    action = {"action": {"coding": [{"code": "explanted"}]}}
    taken_out = procedure({"text": "Removal"}, 100, "explant", focalDevice=[action])
    assert finding("R-MR", nameless, taken_out).tags == {"hold"}


def test_removal_of_unknown_status_clears_nothing() -> None:
    """Only a completed removal shows that an implant is gone."""
    removal = procedure(REMOVAL, 100, "removal")
    unsaid = {name: value for name, value in removal.items() if name != "status"}
    implanted = procedure("cpt:33206", 2000, "implantation")
    assert finding("R-MR", implanted, removal).tags == {"removed"}
    assert finding("R-MR", implanted, unsaid).tags == {"hold"}
