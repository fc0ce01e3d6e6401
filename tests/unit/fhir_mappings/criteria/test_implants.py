"""MRI safety of implants: every row of the table from a stated status to no record at all."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.criteria.findings import Status
from tests.unit.fhir_mappings.records import (
    PATIENT,
    Resource,
    ago,
    coded,
    condition,
    device,
    finding,
    observation,
    procedure,
    record,
)

UNSAFE, CONDITIONAL, SAFE, SILENT = "ncit:C106047", "ncit:C106046", "ncit:C106045", "ncit:C113844"
PACEMAKER, HIP, CAGE, EXTERNAL = "sct:14106009", "sct:67270000", "sct:257275005", "sct:19257004"
HELD = {
    "pacemaker": PACEMAKER,
    "defibrillator": "sct:72506001",
    "assist device": "sct:360066001",
    "neurostimulator": "sct:25937001",
    "cochlear": "sct:43252007",
    "drug pump": "sct:360041000",
    "unidentified": "sct:40388003",
}
PASSIVE = {
    "joint": HIP,
    "cage": CAGE,
    "valve": "sct:25510005",
    "stent": "sct:65818007",
    "coil": "sct:102314001",
    "shunt": "sct:258593008",
}
REMOVAL = "sct:233187001"


def tags(*resources: Resource, **how: Any) -> set[str]:
    """Return what the implants on record mean for the scan."""
    return set(finding("R-MR", *resources, **how).tags)


def explant(of: Resource, day: int | str | None, **elements: Any) -> Resource:
    """Return a procedure that took a device out."""
    action = {"coding": [{"code": "explanted"}]}
    focal = {"action": action, "manipulated": {"reference": f"Device/{of['id']}"}}
    return procedure({"text": "Removal"}, day, "explant", focalDevice=[focal], **elements)


@pytest.mark.parametrize(
    ("safety", "held", "passive", "unknown"),
    [
        (UNSAFE, {"unsafe"}, {"unsafe"}, {"unsafe"}),
        (CONDITIONAL, {"conditional"}, {"conditional"}, {"conditional"}),
        (SAFE, set(), set(), set()),
        (SILENT, {"hold"}, {"screen"}, {"hold"}),
        (None, {"hold"}, {"screen"}, {"unidentified"}),
        ("fda:MR Unsafe", {"unsafe"}, {"unsafe"}, {"unsafe"}),
        ("fda:MR Conditional", {"conditional"}, {"conditional"}, {"conditional"}),
        ("fda:Labeling does not contain MRI Safety Information", {"hold"}, {"screen"}, {"hold"}),
        ("local:7", {"hold"}, {"screen"}, {"hold"}),
        ({"text": "MR Unsafe"}, {"unsafe"}, {"unsafe"}, {"unsafe"}),
        ({"text": "not safe for MRI"}, {"unsafe"}, {"unsafe"}, {"unsafe"}),
        ({"coding": [{"display": "MR Conditional 1.5 T"}]}, {"conditional"}, {"conditional"}, {"conditional"}),
        ({"text": "MR Safe"}, {"hold"}, {"screen"}, {"hold"}),  # words may warn, they may not clear
    ],
)
def test_stated_status(safety: Any, held: set[str], passive: set[str], unknown: set[str]) -> None:
    """A stated status decides for any implant, and where none is stated its kind does."""
    for code in HELD.values():
        assert tags(device(code, safety)) == held, code
    for code in PASSIVE.values():
        assert tags(device(code, safety)) == passive, code
    assert tags(device("local:77", safety)) == unknown


@pytest.mark.parametrize(
    "system", ["urn:oid:2.16.840.1.113883.3.26.1.1", "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"]
)
def test_status_under_both_system_addresses(system: str) -> None:
    """R4 and the current specification give the status system different addresses."""
    assert tags(device(PACEMAKER, {"coding": [{"system": system, "code": "C106047"}]})) == {"unsafe"}


def test_worst_of_several_statuses_counts() -> None:
    """A generator that is safe with leads that are not is not safe."""
    several = device(PACEMAKER) | {"safety": [coded(SAFE), coded(UNSAFE), coded(CONDITIONAL)]}
    assert tags(several) == {"unsafe"}


def test_worst_device_comes_first() -> None:
    """Several devices are all shown, the most dangerous first."""
    found = finding("R-MR", device(HIP), device(PACEMAKER, UNSAFE), device("sct:25937001"))
    assert [item.concept for item in found.evidence] == [
        "implant_pacemaker",
        "implant_neurostimulator",
        "implant_joint",
    ]
    assert found.tags == {"unsafe", "hold", "screen"}


@pytest.mark.parametrize("safety", [None, UNSAFE, SILENT])
@pytest.mark.parametrize("code", [EXTERNAL, "sct:433296005"])
def test_external_devices_are_no_implants(code: str, safety: str | None) -> None:
    """A defibrillator on the wall and an infusion pump at the bed are not in the patient."""
    assert tags(device(code, safety)) == set()


OUTSIDE = (
    *("Blood glucose meter", "Patient lift", "Wheelchair", "Home nebulizer", "CPAP", "Hearing aid", "Walker"),
    *("Dental x-ray system (physical object)", "Operating room (environment)"),
)


@pytest.mark.parametrize("name", OUTSIDE)
def test_aids_of_daily_life_are_no_implants(name: str) -> None:
    """Glucose meters, wheelchairs and the machines of a room forbid no scan, and nobody asks about them."""
    assert tags(device({"coding": [{"system": "http://snomed.info/sct", "code": "1", "display": name}]})) == set()


@pytest.mark.parametrize("kind", [{"text": "Azure XT DR"}, coded("sct:58938008"), coded("local:77"), None])
def test_a_device_of_unknown_kind_is_asked_about(kind: Resource | None) -> None:
    """A device that does not say that it is outside the body may be in it, whatever it is called."""
    assert tags(device(kind)) == {"unidentified"}


def test_an_unknown_device_is_asked_about_by_its_name() -> None:
    """Whoever is asked must know which record is meant."""
    (item,) = finding("R-MR", device({"text": "Azure XT DR"})).evidence
    assert (item.concept, item.quote) == ("unknown_device", "Azure XT DR")


def test_conditional_can_be_held() -> None:
    """A site may choose that conditional implants hold the scan."""
    assert tags(device(PACEMAKER, CONDITIONAL), treat_conditional_as="hold") == {"hold"}


def test_no_device_on_record_is_unknown() -> None:
    """Absence of a record is no proof of absence: never "not met"."""
    found = finding("R-MR")
    assert (found.status, found.tags) == (Status.UNKNOWN, frozenset())
    assert finding("R-MR", failed=["Device"]).unavailable == ("Device",)


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (condition("icd:Z95.0", 3000), {"hold"}),
        (condition("icd:Z95.0", 3000, "resolved"), {"hold"}),
        (condition("icd:Z95.0", 3000, verification="provisional"), {"hold"}),
        (condition("icd:Z95.0", 3000, verification="refuted"), set()),
        (condition("icd:Z95.810"), {"hold"}),
        (condition("icd:Z95.811"), {"hold"}),
        (condition("icd:Z96.82"), {"hold"}),
        (condition("icd:Z96.21"), {"hold"}),
        (condition("icd:Z96.89"), {"hold"}),
        (condition("icd:Z45.018"), {"hold"}),
        (condition("sct:441509002"), {"hold"}),
        (condition("icd:H44.601"), {"hold"}),
        (condition("icd:H05.50"), {"hold"}),
        (condition("sct:82576008"), {"hold"}),
        (procedure("sct:230898002", 3000), {"hold"}),
        (procedure("cpt:33208", 3000), {"hold"}),
        (procedure("cpt:33208", 3000, status="not-done"), set()),
        (condition("icd:Z18.10"), {"screen"}),
        (condition("icd:Z98.2"), {"screen"}),
        (condition("icd:Z95.2"), {"screen"}),
        (condition("icd:Z96.651"), {"screen"}),
        (condition("icd:Z98.1"), {"screen"}),
        (condition("icd:Z96.41"), {"screen", "external_pump"}),
        (condition("icd:Z87.821"), set()),
    ],
)
def test_implants_without_a_device_resource(resource: Resource, expected: set[str]) -> None:
    """Diagnoses and operations tell of active implants, metal in the eye, and what needs screening only."""
    assert tags(resource) == expected


@pytest.mark.parametrize(
    ("state", "safety", "expected"),
    [
        ("active", UNSAFE, {"unsafe"}),
        ("unknown", UNSAFE, {"unsafe"}),
        (None, UNSAFE, {"unsafe"}),
        ("inactive", UNSAFE, {"unsafe"}),
        ("entered-in-error", UNSAFE, set()),
        ("inactive", CONDITIONAL, {"hold"}),
        ("inactive", None, {"hold"}),
        ("inactive", SAFE, set()),
    ],
)
def test_inactive_is_not_explanted(state: str | None, safety: str | None, expected: set[str]) -> None:
    """A device that is switched off is still in the patient."""
    assert tags(device(PACEMAKER, safety, status=state)) == expected


@pytest.mark.parametrize("use", ["completed", "stopped"])
def test_ended_use_is_not_an_explant(use: str) -> None:
    """A statement that a device is no longer used leaves it in place."""
    pacemaker = device(PACEMAKER, CONDITIONAL)
    ended = record("DeviceUseStatement", "u", status=use, device={"reference": f"Device/{pacemaker['id']}"})
    assert tags(pacemaker, ended) == {"hold"}
    assert tags(pacemaker, ended | {"status": "active"}) == {"conditional"}
    assert tags(pacemaker, ended | {"device": {"reference": "Device/other"}}) == {"conditional", "unidentified"}


OFF = device(PACEMAKER, status="inactive")


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([OFF, explant(OFF, 100)], {"removed"}),
        ([OFF, explant(OFF, None)], {"hold"}),
        ([OFF, explant(OFF, -5)], {"hold"}),
        ([OFF, explant(OFF, 100, status="in-progress")], {"hold"}),
        ([OFF, explant(OFF, 100, status="not-done")], {"hold"}),
        ([OFF, explant(device(HIP), 100)], {"hold"}),
        ([OFF, explant(OFF, 100), condition("icd:Z95.0", 50)], {"hold"}),  # one was there after the explant
        ([OFF | {"status": "active"}, explant(OFF, 100)], {"hold"}),  # the records contradict each other
        ([OFF | {"safety": [coded(UNSAFE)]}, explant(OFF, 100)], {"removed"}),
        ([OFF | {"safety": [coded(UNSAFE)], "status": "active"}, explant(OFF, 100)], {"unsafe"}),
        ([OFF, procedure(REMOVAL, 100)], {"hold"}),  # it may be of an older device
        ([condition("icd:Z95.0", 3000), procedure(REMOVAL, 100)], {"removed"}),
        ([condition("icd:Z95.0", 3000), procedure(REMOVAL, 3001)], {"hold"}),
        ([condition("icd:Z95.0", 3000), procedure(REMOVAL, None)], {"hold"}),
        ([condition("icd:Z95.0", None), procedure(REMOVAL, 100)], {"hold"}),
        ([condition("icd:Z96.21", 3000), procedure(REMOVAL, 100)], {"hold"}),  # another implant
        ([condition("icd:Z96.82", 3000), procedure("sct:446256001", 100)], {"removed"}),
    ],
)
def test_only_a_later_explant_clears(resources: list[Resource], expected: set[str]) -> None:
    """An implant is out only when a finished, dated removal is later than everything that says it was in."""
    assert tags(*resources) == expected


def test_removal_is_shown_as_evidence() -> None:
    """A removed implant stays on the card, since leads may remain."""
    (evidence,) = finding("R-MR", OFF, explant(OFF, 100)).evidence
    assert set(evidence.notes) == {"inactive", "removed"}


def test_new_device_does_not_clear_the_old_one() -> None:
    """A replacement that is conditional leaves the abandoned one in the patient."""
    old = device(PACEMAKER, status="inactive", resource_id="old")
    assert "hold" in tags(old, device(PACEMAKER, CONDITIONAL, resource_id="new"))


def test_device_with_a_status_explains_the_other_records() -> None:
    """A Z-code and the insertion beside a device that states its status are about that device."""
    implanted = [condition("icd:Z95.0", 3000), procedure("cpt:33208", 3000)]
    assert tags(device(PACEMAKER, CONDITIONAL), *implanted) == {"conditional"}
    assert tags(device(PACEMAKER), *implanted) == {"hold"}
    assert tags(device(HIP, SAFE), *implanted) == {"hold"}


def test_insertion_of_a_known_device_is_that_device() -> None:
    """The operation that put a device in, naming it, is no second implant."""
    pacemaker = device(PACEMAKER, status="inactive")
    action = {"coding": [{"code": "implanted"}]}
    focal = [{}, {"action": action, "manipulated": {"reference": f"Device/{pacemaker['id']}"}}]
    inserted = procedure("cpt:33208", 3000, focalDevice=focal)
    found = finding("R-MR", pacemaker, inserted, explant(pacemaker, 100))
    assert [item.reference for item in found.evidence] == [f"Device/{pacemaker['id']}"]


@pytest.mark.parametrize(("safety", "expected"), [(None, {"hold"}), (UNSAFE, {"unsafe"})])
def test_device_without_an_id_counts(safety: str | None, expected: set[str]) -> None:
    """A pacemaker whose record lost its id is still a pacemaker."""
    nameless = {name: value for name, value in device(PACEMAKER, safety).items() if name != "id"}
    found = finding("R-MR", nameless)
    assert found.tags == expected
    assert [(item.reference, item.concept) for item in found.evidence] == [("Device", "implant_pacemaker")]


def test_implant_that_is_denied_is_none() -> None:
    """An implant question answered with "no" raises nothing."""
    question = "loinc:57080-4"
    assert tags(observation(question, valueCodeableConcept=coded("sct:2667000"))) == set()
    assert tags(observation(question, valueBoolean=True)) == {"hold"}


def test_device_of_another_patient_is_not_used() -> None:
    """Somebody else's pacemaker forbids nothing."""
    assert tags(device(PACEMAKER, UNSAFE, patient={"reference": "Patient/pat-2"})) == set()
    assert tags(device(PACEMAKER, UNSAFE, patient={"reference": f"Patient/{PATIENT}"})) == {"unsafe"}


@pytest.mark.parametrize(
    ("resource", "met"),
    [
        (device(CAGE), True),
        (device(CAGE, SAFE), True),
        (condition("icd:Z98.1", 3000), True),
        (procedure("sct:50172003", 3000), True),
        (procedure("cpt:22612", 3000), True),
        (procedure("cpt:63030", 3000), False),
        (device(HIP), False),
        (device(PACEMAKER), False),
    ],
)
def test_metal_in_the_spine_may_spoil_the_picture(resource: Resource, met: bool) -> None:
    """Cages, screws and fusions of the spine bring artifact, whatever their MR status; other implants do not."""
    assert finding("R-ARTIFACT", resource).met is met


def test_dates_of_a_removal_are_compared_without_guessing() -> None:
    """A removal in the year of the implantation may have been before it."""
    assert tags(condition("icd:Z95.0", "2020"), procedure(REMOVAL, "2020-06-01")) == {"hold"}
    assert tags(condition("icd:Z95.0", "2019"), procedure(REMOVAL, ago(100))) == {"removed"}
