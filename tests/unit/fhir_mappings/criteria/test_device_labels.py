"""What the label of a device's model weighs beside what its record states."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fhir_mappings.criteria.findings import Finding
from fhir_mappings.criteria.implants import r_mr
from tests.labels import CONDITIONAL, SAFE, SILENT, TABLE, UNLISTED, UNSAFE
from tests.unit.fhir_mappings.criteria.test_implants import CONDITIONAL as STATED_CONDITIONAL
from tests.unit.fhir_mappings.criteria.test_implants import EXTERNAL, HIP, PACEMAKER
from tests.unit.fhir_mappings.criteria.test_implants import SAFE as STATED_SAFE
from tests.unit.fhir_mappings.criteria.test_implants import SILENT as STATED_SILENT
from tests.unit.fhir_mappings.criteria.test_implants import UNSAFE as STATED_UNSAFE
from tests.unit.fhir_mappings.records import Resource, ago, condition, device, facts_of, procedure, record


def r_mr_of(*resources: Resource, **how: Any) -> Finding:
    """Return the finding about implants, with the table of labels at hand."""
    facts = facts_of(*resources, **how)
    return r_mr(replace(facts, chart=replace(facts.chart, labels=TABLE)))


def labelled(code: str | Resource | None, identifier: str, safety: Any = None, **elements: Any) -> Resource:
    """Return a Device that carries a device identifier."""
    return device(code, safety, udiCarrier=[{"deviceIdentifier": identifier}], **elements)


@pytest.mark.parametrize(
    ("identifier", "held", "passive", "unknown", "external"),
    [
        (UNSAFE, {"unsafe"}, {"unsafe"}, {"unsafe"}, set()),
        (CONDITIONAL, {"conditional"}, {"conditional"}, {"conditional"}, set()),
        (SAFE, {"hold"}, set(), set(), set()),
        (SILENT, {"hold"}, {"screen"}, {"unidentified"}, set()),
        (UNLISTED, {"hold"}, {"screen"}, {"unidentified"}, set()),
    ],
)
def test_label_where_the_record_states_nothing(
    identifier: str, held: set[str], passive: set[str], unknown: set[str], external: set[str]
) -> None:
    """A label warns of any implant; it clears none that a scan can stop, and says nothing of what is outside."""
    assert r_mr_of(labelled(PACEMAKER, identifier)).tags == held
    assert r_mr_of(labelled(HIP, identifier)).tags == passive
    assert r_mr_of(labelled({"text": "Zyx 7000"}, identifier)).tags == unknown
    assert r_mr_of(labelled(EXTERNAL, identifier)).tags == external
    assert r_mr_of(labelled({"text": "Wheelchair"}, identifier)).tags == external


@pytest.mark.parametrize(
    ("stated", "by_label"),
    [
        (STATED_UNSAFE, ["unsafe"] * 5),
        (STATED_SILENT, ["unsafe", "hold", "hold", "hold", "hold"]),
        (STATED_CONDITIONAL, ["unsafe", "conditional", "conditional", "conditional", "conditional"]),
        (STATED_SAFE, ["unsafe", "conditional", "", "", ""]),
        ("local:7", ["unsafe", "hold", "hold", "hold", "hold"]),  # stated, and cannot be read
    ],
)
def test_record_and_label_together(stated: str, by_label: list[str]) -> None:
    """What the record states holds, unless the label is worse."""
    for identifier, expected in zip((UNSAFE, CONDITIONAL, SAFE, SILENT, UNLISTED), by_label, strict=True):
        tags = r_mr_of(labelled(PACEMAKER, identifier, stated)).tags
        assert tags == ({expected} if expected else set()), identifier


def test_worst_of_several_identifiers_counts() -> None:
    """A device with two UDIs is as dangerous as the worse of both models; so is a patient with two devices."""
    carriers = [{"deviceIdentifier": CONDITIONAL}, {"carrierHRF": f"(01){UNSAFE}(21)7"}]
    assert r_mr_of(device(PACEMAKER, udiCarrier=carriers)).tags == {"unsafe"}
    two = (labelled(PACEMAKER, CONDITIONAL, resource_id="a"), labelled(HIP, UNSAFE, resource_id="b"))
    assert r_mr_of(*two).tags == {"unsafe", "conditional"}


def test_label_speaks_for_other_records_of_the_device() -> None:
    """A pacemaker known from a diagnosis and an operation too is the one whose label is known."""
    others = (condition("icd:Z95.0"), procedure("sct:307280005", ago(900)))
    assert r_mr_of(*others).tags == {"hold"}
    assert r_mr_of(labelled(PACEMAKER, CONDITIONAL), *others).tags == {"conditional"}
    assert r_mr_of(labelled(PACEMAKER, CONDITIONAL, status="inactive"), *others).tags == {"hold"}


def use(identifier: str, status: str = "active", **more: Any) -> Resource:
    """Return a use of a device that is named by its UDI alone."""
    reference = {"identifier": {"value": f"(01){identifier}(21)7"}} | more
    return record("DeviceUseStatement", f"use-{identifier}", status=status, device=reference)


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (use(UNSAFE), {"unsafe"}),
        (use(CONDITIONAL), {"conditional"}),
        (use(CONDITIONAL, "stopped"), {"hold"}),
        (use(SAFE), {"unidentified"}),
        (use(SILENT), {"unidentified"}),
        (use(UNSAFE, "entered-in-error"), set()),
        (procedure({"text": "Op"}, ago(9), usedReference=[{"display": f"(01){UNSAFE}"}]), {"unsafe"}),
        (
            procedure({"text": "Op"}, ago(9), focalDevice=[{"manipulated": {"identifier": {"value": UNSAFE}}}]),
            {"unsafe"},
        ),
    ],
)
def test_udi_in_a_reference_warns(resource: Resource, expected: set[str]) -> None:
    """Where a use or an operation names a device by its UDI alone, its label warns, and reassures nobody."""
    assert r_mr_of(resource).tags == expected


def test_device_that_came_is_judged_by_itself() -> None:
    """A reference that leads to a Device adds nothing to what the Device says, nor does what was taken out."""
    came = labelled(PACEMAKER, SILENT, STATED_CONDITIONAL)
    assert r_mr_of(came, use(UNSAFE, reference=f"Device/{came['id']}")).tags == {"conditional"}
    explanted = {"action": {"coding": [{"code": "explanted"}]}, "manipulated": {"identifier": {"value": UNSAFE}}}
    assert r_mr_of(procedure({"text": "Op"}, ago(9), focalDevice=[explanted])).tags == set()


def test_evidence_says_that_a_label_told_it() -> None:
    """What was looked up is told apart from what the record states; nothing reassuring is repeated."""
    assert [item.notes for item in r_mr_of(labelled(PACEMAKER, CONDITIONAL)).evidence] == [("label_mr_conditional",)]
    assert [item.notes for item in r_mr_of(labelled(PACEMAKER, UNSAFE, STATED_UNSAFE)).evidence] == [("mr_unsafe",)]
    assert [item.notes for item in r_mr_of(labelled(PACEMAKER, SAFE)).evidence] == [()]


def test_conditional_label_can_hold_a_scan() -> None:
    """A site that holds conditional implants holds those that a label tells of."""
    assert r_mr_of(labelled(HIP, CONDITIONAL), treat_conditional_as="hold").tags == {"hold"}
