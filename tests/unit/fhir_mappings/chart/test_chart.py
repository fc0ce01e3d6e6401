"""The chart: whose records count, what arrived twice, and how far each source can be relied on."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.chart.chart import Chart, read_chart
from fhir_mappings.fhir.dates import UNKNOWN_DATE
from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir.sources import SourceState
from tests.unit.fhir_mappings.records import (
    FAILURE,
    FOOT_DROP,
    PAIN,
    PATIENT,
    Record,
    Resource,
    bundle,
    coded,
    condition,
    device,
    encounter,
    finding,
    index,
    observation,
    patient,
    procedure,
    record,
)

OTHER = {"reference": "Patient/pat-2"}


def chart_of(*resources: Resource, **how: Any) -> Chart:
    """Return the chart of some resources."""
    return Record(resources, **how).chart()


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": f"Patient/{PATIENT}"},
        {"reference": f"https://ehr.example/fhir/Patient/{PATIENT}"},
        {"reference": f"Patient/{PATIENT}/_history/2"},
        {"reference": "urn:uuid:0b3f4d8a-0000-4000-8000-000000000001"},
        {"identifier": {"value": "x"}},
        {"display": "Somebody"},
        None,
    ],
)
def test_record_that_may_be_the_patients_counts(subject: Resource | None) -> None:
    """A record whose subject is the patient, or cannot be told, is used: the search was bound to the patient."""
    chart = chart_of(condition(FOOT_DROP, subject=subject))
    assert "motor_deficit" in chart.entries
    assert chart.foreign == ()


@pytest.mark.parametrize("subject", ["Group/1", f"Device/{PATIENT}", "https://ehr.example/fhir/Location/2"])
def test_record_about_somebody_or_something_else_is_not_the_patients(subject: str) -> None:
    """A record about a group, a device or a place is reported and not used, even under the patient's id."""
    chart = chart_of(condition(FOOT_DROP, subject={"reference": subject}))
    assert (chart.entries, chart.foreign) == ({}, ("Condition",))


def test_record_of_another_patient_is_reported_and_not_used() -> None:
    """A foreign problem, device, appointment or patient is nowhere but in the report of foreign records."""
    foreign = [
        condition(FOOT_DROP, subject=OTHER),
        condition(PAIN, resource_id="c-2", subject={"reference": "https://ehr.example/Patient/pat-2"}),
        device("sct:14106009", patient=OTHER),
        record("Appointment", "a", serviceType=[coded("sct:308482002")], participant=[{"actor": OTHER}]),
    ]
    chart = chart_of(*foreign)
    assert (chart.entries, chart.remarks, chart.answers) == ({}, (), ())
    assert chart.foreign == ("Appointment", "Condition", "Device")


def test_appointment_with_several_participants_is_of_its_patient() -> None:
    """The practitioner and the room of an appointment do not make it foreign."""
    actors = [{"actor": {"reference": "Location/1"}}, {}, {"actor": {"reference": f"Patient/{PATIENT}"}}]
    chart = chart_of(record("Appointment", "a", serviceType=[coded("sct:308482002")], participant=actors))
    assert "surgery_candidate" in chart.entries


@pytest.mark.parametrize("value", [patient() | {"id": "pat-2"}, bundle(patient() | {"id": "pat-2"})])
def test_another_patient_is_no_patient(value: Resource) -> None:
    """The demographics of somebody else are not used, and the patient counts as not read."""
    chart = chart_of(values={"patient": value})
    assert chart.patient is None
    assert chart.birth == UNKNOWN_DATE
    assert chart.state("Patient") is SourceState.UNAVAILABLE
    assert chart.foreign == ("Patient",)


def test_patient_is_found_among_others() -> None:
    """A Bundle of two patients is read for the one in context."""
    chart = chart_of(values={"patient": bundle(patient() | {"id": "pat-2"}, patient("1950-01-01"))})
    assert chart.patient is not None
    assert chart.patient.birth_date == "1950-01-01"
    assert chart.state("Patient") is SourceState.COMPLETE


@pytest.mark.parametrize(
    ("elements", "dead"),
    [
        ({}, False),
        ({"deceasedBoolean": False}, False),
        ({"deceasedBoolean": True}, True),
        ({"deceasedDateTime": "2026-01-01"}, True),
        ({"deceasedDateTime": "unknown"}, True),
    ],
)
def test_death(elements: Resource, dead: bool) -> None:
    """A death is recorded as a flag or as a date, readable or not."""
    assert chart_of(values={"patient": patient(**elements)}).is_deceased is dead


def test_nobody_known_is_not_dead() -> None:
    """Without the patient nothing is said of a death."""
    assert not chart_of(failed=["Patient"]).is_deceased


def test_record_that_arrived_twice_counts_once() -> None:
    """The same problem on two pages is one; two problems without ids are two."""
    twice = chart_of(condition(FOOT_DROP), condition(FOOT_DROP))
    assert len(twice.entries["motor_deficit"]) == 1
    nameless = {name: value for name, value in condition(FOOT_DROP).items() if name != "id"}
    assert len(chart_of(nameless, nameless).entries["motor_deficit"]) == 2


def test_record_under_two_keys_counts_once() -> None:
    """A procedure that a client also put among the conditions is one procedure."""
    done = procedure("cpt:97161")
    chart = chart_of(values={"conditions": bundle(done, total=None), "procedures": bundle(done)})
    assert len(chart.entries["pt_procedure"]) == 1


def test_arrival_does_not_change_the_chart() -> None:
    """The same records in another order are the same chart."""
    records = [condition(FOOT_DROP, resource_id=f"c-{number}", onset=number) for number in range(5)]
    assert chart_of(*records).entries == chart_of(*reversed(records)).entries


def test_damaged_record_is_counted_and_reported() -> None:
    """A problem that could not be read whole still counts by its code, is named, and leaves its source incomplete."""
    chart = chart_of(condition(FOOT_DROP, note=7), condition(PAIN))
    assert "motor_deficit" in chart.entries
    assert chart.damaged == (f"Condition/{condition(FOOT_DROP)['id']}",)
    assert chart.state("Condition") is SourceState.PARTIAL


@pytest.mark.parametrize("code", [7.5, {"coding": "x"}, {"coding": [[]]}])
def test_damaged_record_without_its_code_leaves_the_source_incomplete(code: Any) -> None:
    """A problem whose code was lost may be the red flag, so its source was not read whole."""
    chart = chart_of(condition(PAIN) | {"code": code})
    assert chart.state("Condition") is SourceState.PARTIAL


@pytest.mark.parametrize("kind", ["MedicationRequest", "MedicationStatement"])
@pytest.mark.parametrize(("display", "state"), [(None, SourceState.PARTIAL), ("Ramipril 5 mg", SourceState.COMPLETE)])
def test_a_drug_nobody_has_seen_leaves_its_source_incomplete(
    kind: str, display: str | None, state: SourceState
) -> None:
    """A drug behind a reference to nothing may be a steroid, unless the reference says its name."""
    target = {"reference": "Medication/x"} | ({"display": display} if display else {})
    chart = chart_of(record(kind, "m", status="active", medicationReference=target))
    assert chart.state(kind) is state


@pytest.mark.parametrize(
    ("kind", "elements"),
    [
        ("MedicationRequest", {"status": "cancelled"}),
        ("MedicationRequest", {"status": "active", "doNotPerform": True}),
        ("MedicationStatement", {"status": "not-taken"}),
        ("MedicationStatement", {"status": "active", "subject": OTHER}),
    ],
)
def test_a_drug_nobody_took_may_stay_unseen(kind: str, elements: Resource) -> None:
    """A drug that was never taken, or by somebody else, leaves no gap, whichever it is."""
    target = {"reference": "Medication/x"}
    other = record(kind, "n", status="active", medicationCodeableConcept=coded("rx:5640"))
    chart = chart_of(record(kind, "m", medicationReference=target, **elements), other)
    assert chart.state(kind) is SourceState.COMPLETE


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (coded("rx:5640"), SourceState.COMPLETE),
        ({"text": "Ibuprofen"}, SourceState.COMPLETE),
        ({"coding": [{"code": "17"}]}, SourceState.PARTIAL),
        (None, SourceState.PARTIAL),
    ],
)
def test_a_medication_that_says_nothing_is_no_drug(code: Resource | None, state: SourceState) -> None:
    """A Medication that was sent without a code or words is as good as one that was not sent."""
    drug = {"resource": {"resourceType": "Medication", "id": "x", "code": code}, "search": {"mode": "include"}}
    naming = record("MedicationRequest", "m", status="active", medicationReference={"reference": "Medication/x"})
    chart = chart_of(values={"medications": {"resourceType": "Bundle", "entry": [{"resource": naming}, drug]}})
    assert chart.state("MedicationRequest") is state


def test_records_of_another_patient_only_are_not_none() -> None:
    """A source of nothing but another patient's records was perhaps searched for that one; drugs belong to nobody."""
    drug = {"resource": {"resourceType": "Medication", "id": "x"}, "search": {"mode": "include"}}
    foreign = record("MedicationRequest", "m", status="active", subject=OTHER)
    values = {"medications": {"resourceType": "Bundle", "entry": [{"resource": foreign}, drug]}}
    chart = chart_of(condition(PAIN), condition(FOOT_DROP, subject=OTHER), values=values)
    assert chart.state("MedicationRequest") is SourceState.PARTIAL
    assert chart.state("Condition") is SourceState.COMPLETE
    assert chart_of(condition(FOOT_DROP, subject=OTHER)).state("Condition") is SourceState.PARTIAL


def test_a_source_without_a_reading_was_not_sent() -> None:
    """A chart can be read from the readings of some sources only."""
    chart = read_chart(PATIENT, {}, index())
    assert chart.missing_required == ("patient", "conditions")


def test_states_of_the_sources() -> None:
    """Complete, cut short, failed and not sent are known for each source, and anything else was not sent."""
    chart = chart_of(failed=["Observation"], cut=["Procedure"], absent=["Encounter"])
    assert chart.state("Condition") is SourceState.COMPLETE
    assert chart.state("Observation") is SourceState.UNAVAILABLE
    assert chart.state("Procedure") is SourceState.PARTIAL
    assert chart.state("Encounter") is SourceState.NOT_PROVIDED
    assert chart.state("Immunization") is SourceState.NOT_PROVIDED
    all_types = [need.resource_type for need in DATA_NEEDS]
    assert chart.incomplete(all_types) == ("Observation", "Procedure", "Encounter")
    assert chart.failed(all_types) == ("Observation",)


@pytest.mark.parametrize(
    ("how", "missing"),
    [
        ({}, ()),
        ({"absent": ["Patient", "Condition", "Observation"]}, ("patient", "conditions")),
        ({"failed": ["Patient", "Condition"]}, ()),
        ({"values": {"patient": None, "conditions": None}}, ()),
        ({"values": {"conditions": "<html>"}}, ("conditions",)),
    ],
)
def test_required_data_that_are_missing(how: dict[str, Any], missing: tuple[str, ...]) -> None:
    """Only the patient and the conditions are required, and null or a failure is an answer."""
    assert chart_of(**how).missing_required == missing


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("Condition/c", True),
        ("https://ehr.example/fhir/Condition/c", True),
        ("Condition/c/_history/4", True),
        ("Condition/d", False),
        ("Procedure/c", False),
        ("c", False),
        ("#c", False),
        ("", False),
    ],
)
def test_reference_leads_to_its_record(reference: str, found: bool) -> None:
    """A record is found by a relative, absolute or versioned reference, never by its bare id."""
    assert (chart_of(condition(PAIN, resource_id="c")).by_reference(reference) is not None) is found


def test_codes_and_displays_come_from_the_terminology() -> None:
    """A chart answers what a code means, in this project's own words."""
    chart = chart_of()
    assert "motor_deficit" in chart.concepts_of("http://snomed.info/sct", "6077001")
    assert chart.concepts_of(None, None) == frozenset()
    assert chart.display_of("motor_deficit", "http://snomed.info/sct", "6077001") == "Foot-drop"
    assert chart.display_of("motor_deficit", None, None)


def test_failed_patient_is_an_answer() -> None:
    """A patient that could not be read is not missing; the age is then not known."""
    chart = chart_of(values={"patient": FAILURE})
    assert chart.missing_required == ()
    assert chart.state("Patient") is SourceState.UNAVAILABLE


def test_records_with_wrong_types_do_not_mix() -> None:
    """A device that stands under another key is a device, and counts as one."""
    chart = chart_of(values={"procedures": bundle(device("sct:14106009"), total=None)})
    assert "implant_pacemaker" in chart.entries
    assert [resource.id for resource in chart.resources["Device"]] == ["device-sct-14106009"]


def use_of(reference: str, **elements: Any) -> Resource:
    """Return a DeviceUseStatement about a device."""
    usual = {
        "resourceType": "DeviceUseStatement",
        "id": "use-1",
        "status": "active",
        "device": {"reference": reference},
    }
    return usual | elements


@pytest.mark.parametrize(
    ("use", "asked"),
    [
        (use_of("Device/not-sent"), True),
        (use_of("#carried"), True),
        (use_of("Device/not-sent", device=None), True),
        (use_of("Device/not-sent", status="stopped"), True),
        (use_of("Device/d-1"), False),
        (use_of("https://ehr.example/fhir/Device/d-1"), False),
        (use_of("#d-2", contained=[{"resourceType": "Device", "id": "d-2", "type": {"text": "Walker"}}]), False),
        (use_of("Device/not-sent", status="entered-in-error"), False),
    ],
)
def test_a_device_in_use_that_nobody_has_seen_is_unrecognised(use: Resource, asked: bool) -> None:
    """A device that was recorded as in use and not sent may be an implant; stopping its use takes nothing out."""
    chart = chart_of(use, {"resourceType": "Device", "id": "d-1"})
    assert bool(chart.ledger.unrecognised("DeviceUseStatement")) is asked


def _use(name: str, kind: Resource, **elements: Any) -> Resource:
    inside = {"resourceType": "Device", "id": "dev", "type": kind}
    use = {"status": "active", "contained": [inside], "device": {"reference": "#dev"}}
    return record("DeviceUseStatement", name, **{**use, **elements})


PACEMAKER, JOINT = coded("sct:14106009"), coded("sct:304120007")


@pytest.mark.parametrize("kinds", [(JOINT, PACEMAKER), (PACEMAKER, JOINT)])
def test_a_contained_device_is_known_by_its_container(kinds: tuple[Resource, ...]) -> None:
    """Two statements of use may each hold a device `#dev`; neither takes the place of the other."""
    assert "hold" in finding("R-MR", *(_use(f"u{number}", kind) for number, kind in enumerate(kinds))).tags


def test_a_contained_device_follows_its_container() -> None:
    """A use that has ended is that of its own device, and one entered in error holds none."""
    ended = finding("R-MR", _use("u1", PACEMAKER, status="stopped"))
    assert "inactive" in ended.evidence[0].notes
    assert finding("R-MR", _use("u1", PACEMAKER, status="entered-in-error")).tags == frozenset()


@pytest.mark.parametrize(
    ("holder", "criterion"),
    [
        (
            encounter(
                None,
                3,
                diagnosis=[{"condition": {"reference": "#in"}}],
                contained=[condition("icd:G83.4", 3, resource_id="in")],
            ),
            "R-CES",
        ),
        (
            record(
                "DiagnosticReport",
                "r",
                status="final",
                contained=[observation("sct:6077001", 3, "in", valueBoolean=True)],
            ),
            "R-MOTOR",
        ),
    ],
)
def test_what_travels_inside_a_record_is_read(holder: Resource, criterion: str) -> None:
    """A problem inside a visit, or a finding inside a report, counts like one beside it."""
    assert finding(criterion, holder).met


def test_two_records_that_share_an_id_are_both_read() -> None:
    """A sender that numbers each kind of problem from one hides none of them."""
    twice = [condition("icd:I10", 3, resource_id="1"), condition("icd:G83.4", 3, resource_id="1")]
    assert finding("R-CES", *twice).met
