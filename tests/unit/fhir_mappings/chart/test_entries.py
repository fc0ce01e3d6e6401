"""What each resource type states: which records are evidence, how certain, how current, and of when."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.chart.entries import Activity, Assertion, ChartEntry
from fhir_mappings.fhir.dates import UNKNOWN_DATE, DateInterval, parse_date
from fhir_mappings.fhir.sources import SourceState
from tests.unit.fhir_mappings.records import (
    FOOT_DROP,
    PAIN,
    Record,
    Resource,
    ago,
    allergy,
    coded,
    condition,
    device,
    encounter,
    observation,
    prescription,
    procedure,
    quantity,
    record,
    report,
    request,
    status,
)

ABSENT_CODES = ("sct:2667000", "sct:260415000")
IBUPROFEN = "rx:5640"


def entries(concept: str, *resources: Resource) -> tuple[ChartEntry, ...]:
    """Return what some resources state of a concept."""
    return Record(resources).chart().entries.get(concept, ())


def only(concept: str, *resources: Resource) -> ChartEntry:
    """Return the one thing that some resources state of a concept."""
    (entry,) = entries(concept, *resources)
    return entry


def day(text: str) -> DateInterval:
    """Return a date."""
    return parse_date(text)


MEDICATION = {"status": "active", "medicationCodeableConcept": coded(IBUPROFEN)}
STUDY = "order_mri_lumbar_wo"


@pytest.mark.parametrize(
    ("concept", "resource", "ignored"),
    [
        ("nsaid_drug", prescription(IBUPROFEN), ("entered-in-error", "cancelled", "draft", "on-hold")),
        (
            "nsaid_drug",
            record("MedicationStatement", "m", **MEDICATION),
            ("entered-in-error", "not-taken", "intended", "on-hold"),
        ),
        ("pt_procedure", procedure("cpt:97161"), ("entered-in-error", "not-done", "preparation")),
        ("lbp_nonspecific", encounter(PAIN), ("entered-in-error", "cancelled", "planned")),
        ("motor_deficit", observation(FOOT_DROP), ("entered-in-error", "cancelled", "registered")),
        (STUDY, report("cpt:72148"), ("entered-in-error", "cancelled", "registered")),
        (
            STUDY,
            record("ImagingStudy", "i", procedureCode=[coded("cpt:72148")]),
            ("entered-in-error", "cancelled", "registered"),
        ),
        ("pt_referral", request("sct:444831000124102"), ("entered-in-error", "revoked", "draft", "on-hold")),
        (
            "surgery_candidate",
            record("Appointment", "a", serviceType=[coded("sct:308482002")]),
            ("entered-in-error", "cancelled", "noshow"),
        ),
        ("implant_pacemaker", device("sct:14106009"), ("entered-in-error",)),
    ],
    ids=lambda value: value["resourceType"] if isinstance(value, dict) else None,
)
def test_records_that_are_no_evidence_are_ignored(concept: str, resource: Resource, ignored: tuple[str, ...]) -> None:
    """What was entered in error, not done, not taken or only planned never counts; any other status does."""
    for code in ignored:
        assert entries(concept, resource | {"status": code}) == (), code
    for code in ("active", "completed", "stopped", "final", "unknown", "in-progress", "something else"):
        assert len(entries(concept, resource | {"status": code})) == 1, code
    without = {name: value for name, value in resource.items() if name != "status"}
    assert len(entries(concept, without)) == 1


@pytest.mark.parametrize("resource", [prescription(IBUPROFEN), request("sct:444831000124102")])
def test_order_not_to_do_something_is_no_evidence(resource: Resource) -> None:
    """A prescription or referral marked "do not perform" was not given."""
    concept = "nsaid_drug" if resource["resourceType"] == "MedicationRequest" else "pt_referral"
    assert entries(concept, resource | {"doNotPerform": True}) == ()
    assert len(entries(concept, resource | {"doNotPerform": False})) == 1


@pytest.mark.parametrize(
    ("verification", "assertion"),
    [
        (None, Assertion.PRESENT),
        ("confirmed", Assertion.PRESENT),
        ("Provisional", Assertion.SUSPECTED),
        ("unconfirmed", Assertion.SUSPECTED),
        ("differential", Assertion.SUSPECTED),
        ("refuted", Assertion.ABSENT),
    ],
)
def test_verification_of_a_problem(verification: str | None, assertion: Assertion) -> None:
    """A suspicion is a suspicion, and what was ruled out is a negative."""
    assert only("motor_deficit", condition(FOOT_DROP, verification=verification)).assertion is assertion


@pytest.mark.parametrize("resource", [condition(FOOT_DROP), allergy("rx:1310171")])
def test_problem_entered_in_error_is_ignored(resource: Resource) -> None:
    """A problem or allergy that was a mistake is nowhere in the chart."""
    wrong = resource | {"verificationStatus": status("entered-in-error", "condition-ver-status")}
    chart = Record((wrong,)).chart()
    assert chart.entries == {}


def test_refuted_allergy_is_ignored() -> None:
    """An allergy that was ruled out is none."""
    refuted = allergy("rx:1310171", verificationStatus=status("refuted", "allergyintolerance-verification"))
    assert entries("gadolinium_allergy", refuted) == ()
    assert only("gadolinium_allergy", allergy("rx:1310171")).assertion is Assertion.PRESENT


@pytest.mark.parametrize(
    ("clinical", "abated", "activity"),
    [
        ("active", {}, Activity.ACTIVE),
        ("RECURRENCE", {}, Activity.ACTIVE),
        ("relapse", {}, Activity.ACTIVE),
        ("inactive", {}, Activity.INACTIVE),
        ("remission", {}, Activity.INACTIVE),
        ("resolved", {}, Activity.INACTIVE),
        (None, {}, Activity.UNKNOWN),
        ("odd", {}, Activity.UNKNOWN),
        (None, {"abatementDateTime": ago(3)}, Activity.INACTIVE),
        (None, {"abatementPeriod": {"end": ago(3)}}, Activity.INACTIVE),
        (None, {"abatementDateTime": "some day"}, Activity.INACTIVE),
        (None, {"abatementString": "resolved in spring"}, Activity.INACTIVE),
        ("active", {"abatementDateTime": ago(3)}, Activity.ACTIVE),
    ],
)
def test_activity_of_a_problem(clinical: str | None, abated: Resource, activity: Activity) -> None:
    """The stated status decides; a recorded end counts only where none is stated."""
    entry = only("motor_deficit", condition(FOOT_DROP, clinical=clinical, **abated))
    assert entry.activity is activity
    if "abatementPeriod" in abated:
        assert entry.ended == day(ago(3))


@pytest.mark.parametrize(
    ("onset", "expected"),
    [
        ({"onsetDateTime": "2026-05"}, day("2026-05")),
        ({"onsetPeriod": {"start": "2026-05-01", "end": "2026-05-20"}}, day("2026-05-01")),
        ({"onsetAge": {"value": 38, "code": "a"}}, DateInterval(day("2026-04-17").earliest, day("2027-04-17").latest)),
        ({"onsetAge": {"value": 38, "unit": "a"}}, DateInterval(day("2026-04-17").earliest, day("2027-04-17").latest)),
        ({"onsetRange": {"low": {"value": 38, "code": "a"}}}, DateInterval(day("2026-04-17").earliest, None)),
        ({"onsetRange": {"high": {"value": 0, "code": "d"}}}, DateInterval(None, day("1988-04-18").latest)),
        ({"onsetRange": {}}, UNKNOWN_DATE),
        ({"onsetString": "2026-05"}, day("2026-05")),
        ({"onsetString": "after lifting a box"}, UNKNOWN_DATE),
        ({}, UNKNOWN_DATE),
    ],
    ids=str,
)
def test_onset_in_every_form(onset: Resource, expected: DateInterval) -> None:
    """An onset given as a date, an age, a period, a range or words is an interval, or not known."""
    entry = only("lbp_nonspecific", condition(PAIN, onset=None, recordedDate=ago(1), **onset))
    assert entry.when == expected
    assert entry.dated == (expected if expected.is_known else day(ago(1)))


@pytest.mark.parametrize(
    ("value", "assertion"),
    [
        ({}, Assertion.PRESENT),
        ({"valueBoolean": True}, Assertion.PRESENT),
        ({"valueBoolean": False}, Assertion.ABSENT),
        ({"valueString": "Yes."}, Assertion.PRESENT),
        ({"valueString": "NOT  present"}, Assertion.ABSENT),
        ({"valueString": "denies"}, Assertion.ABSENT),
        ({"valueString": "not assessed"}, Assertion.UNKNOWN),
        ({"valueString": "since Monday"}, Assertion.PRESENT),
        ({"valueString": ""}, Assertion.PRESENT),
        ({"valueCodeableConcept": coded(ABSENT_CODES[0])}, Assertion.ABSENT),
        ({"valueCodeableConcept": coded(ABSENT_CODES[1])}, Assertion.ABSENT),
        ({"valueCodeableConcept": coded("sct:52101004")}, Assertion.PRESENT),
        ({"valueCodeableConcept": coded("sct:373068000")}, Assertion.UNKNOWN),
        ({"valueCodeableConcept": coded("local:1", text="Absent")}, Assertion.ABSENT),
        ({"valueCodeableConcept": {"coding": [{"display": "Absent (qualifier value)"}]}}, Assertion.ABSENT),
        ({"valueCodeableConcept": {}}, Assertion.PRESENT),
        ({"valueCodeableConcept": coded("sct:24484000", text="Severe")}, Assertion.PRESENT),
        ({"valueQuantity": quantity(3, "grade")}, Assertion.PRESENT),
        ({"valueInteger": 0}, Assertion.PRESENT),
        ({"interpretation": [status("N", "v3-ObservationInterpretation")]}, Assertion.ABSENT),
        ({"interpretation": [status("A", "v3-ObservationInterpretation")]}, Assertion.PRESENT),
        (
            {"interpretation": [status("N", "v3-ObservationInterpretation")], "valueQuantity": quantity(5)},
            Assertion.PRESENT,
        ),
        ({"dataAbsentReason": status("not-asked", "data-absent-reason")}, Assertion.UNKNOWN),
        ({"dataAbsentReason": status("unknown", "data-absent-reason"), "valueBoolean": True}, Assertion.UNKNOWN),
        ({"valueString": "Denies saddle numbness"}, Assertion.ABSENT),
        ({"valueString": "No numbness"}, Assertion.ABSENT),
    ],
    ids=str,
)
def test_value_of_a_finding(value: Resource, assertion: Assertion) -> None:
    """A finding is present, denied or not known by what its Observation says, never by its code alone."""
    assert only("saddle_anaesthesia", observation("sct:449813001", **value)).assertion is assertion


def test_coded_value_is_a_finding() -> None:
    """An Observation whose value is the finding states it; a bare "absent" states nothing of its own."""
    exam = observation({"text": "Examination"}, valueCodeableConcept=coded(FOOT_DROP))
    assert only("motor_deficit", exam).assertion is Assertion.PRESENT
    assert entries("qualifier_presence", observation("sct:449813001", valueCodeableConcept=coded("sct:2667000"))) == ()


@pytest.mark.parametrize("value", [{"valueBoolean": True}, {"valueCodeableConcept": coded("sct:52101004")}, {}])
def test_component_is_read_like_an_observation(value: Resource) -> None:
    """A panel's components state their findings, each with its own value."""
    absent = {"code": coded("sct:449813001"), "valueBoolean": False}
    panel = observation({"text": "Exam"}, component=[{"code": coded(FOOT_DROP), **value}, absent])
    assert only("motor_deficit", panel).assertion is Assertion.PRESENT
    assert only("saddle_anaesthesia", panel).assertion is Assertion.ABSENT


@pytest.mark.parametrize(
    ("effective", "expected"),
    [
        ({"effectiveDateTime": "2026-05-01T10:00:00Z"}, day("2026-05-01")),
        ({"effectiveInstant": "2026-05-01T10:00:00Z"}, day("2026-05-01")),
        ({"effectivePeriod": {"start": "2026-04-01", "end": "2026-05-01"}}, day("2026-05-01")),
        ({"effectivePeriod": {"start": "2026-04-01"}}, day("2026-04-01")),
        ({}, UNKNOWN_DATE),
    ],
)
def test_when_a_finding_was_observed(effective: Resource, expected: DateInterval) -> None:
    """A finding observed over a period still held at its end."""
    entry = only("motor_deficit", observation(FOOT_DROP, day=None, issued=ago(0), **effective))
    assert entry.when == expected
    assert entry.dated == (expected if expected.is_known else day(ago(0)))


def test_author_of_a_statement() -> None:
    """Whoever asserted a problem, else recorded it, and the first performer of an observation, is its author."""
    first, second = {"reference": "Practitioner/1"}, {"reference": "Practitioner/2"}
    assert only("motor_deficit", condition(FOOT_DROP, recorder=first)).author == "Practitioner/1"
    assert only("motor_deficit", condition(FOOT_DROP, recorder=first, asserter=second)).author == "Practitioner/2"
    assert only("motor_deficit", observation(FOOT_DROP, performer=[second, first])).author == "Practitioner/2"
    assert only("motor_deficit", observation(FOOT_DROP)).author is None


CONTAINED = {"resourceType": "Medication", "id": "m", "code": coded(IBUPROFEN)}
INCLUDED = {"resourceType": "Medication", "id": "med-9", "code": coded(IBUPROFEN)}


@pytest.mark.parametrize(
    ("reference", "contained", "found"),
    [
        ("#m", [CONTAINED], 1),
        ("#other", [CONTAINED], 0),
        ("#m", [{"resourceType": "Organization", "id": "m"}], 0),
        ("Medication/med-9", [], 1),
        ("https://ehr.example/fhir/Medication/med-9", [], 1),
        ("Medication/med-9/_history/2", [], 1),
        ("med-9", [], 1),
        ("Medication/unknown", [], 0),
        (None, [], 0),
    ],
)
@pytest.mark.parametrize("kind", ["MedicationRequest", "MedicationStatement"])
def test_drug_by_reference(kind: str, reference: str | None, contained: list[Resource], found: int) -> None:
    """A drug in a contained Medication, or in one the search included, is known; any other leaves a gap."""
    target = {"reference": reference} if reference else {"display": "17"}
    resource = record(kind, "m-1", status="active", medicationReference=target, contained=contained)
    key = "medications" if kind == "MedicationRequest" else "medicationStatements"
    value = {"resourceType": "Bundle", "entry": [{"resource": resource}, {"resource": INCLUDED}]}
    chart = Record(values={key: value}).chart()
    assert len(chart.entries.get("nsaid_drug", ())) == found
    assert chart.state(kind) is (SourceState.COMPLETE if found else SourceState.PARTIAL)


@pytest.mark.parametrize(
    ("elements", "when"),
    [
        ({"effectiveDateTime": "2026-04-01"}, day("2026-04-01")),
        ({"effectivePeriod": {"start": "2026-03-01", "end": "2026-05-01"}}, day("2026-03-01")),
        ({"dateAsserted": "2026-05-05"}, day("2026-05-05")),
    ],
)
def test_when_a_drug_was_taken(elements: Resource, when: DateInterval) -> None:
    """A statement's period begins when the drug was begun; the day it was asserted is the last resort."""
    entry = only("nsaid_drug", record("MedicationStatement", "m", **MEDICATION, **elements))
    assert (entry.dated, entry.activity) == (when, Activity.ACTIVE)


@pytest.mark.parametrize(
    ("resource", "concept", "when"),
    [
        (procedure("cpt:97161", day=None, performedPeriod={"start": "2026-03-01"}), "pt_procedure", "2026-03-01"),
        (report("cpt:72148", day=None, effectivePeriod={"start": "2026-03-01"}), STUDY, "2026-03-01"),
        (
            report("cpt:72148", day=None, effectivePeriod={"start": "2026-03-01", "end": "2026-03-02"}),
            STUDY,
            "2026-03-02",
        ),
        (report("cpt:72148", day=None, issued="2026-03-03"), STUDY, "2026-03-03"),
        (
            record("ImagingStudy", "i", procedureCode=[coded("cpt:72148")], started="2026-03-01T08:00:00Z"),
            STUDY,
            "2026-03-01",
        ),
        (
            record("Appointment", "a", reasonCode=[coded("sct:308482002")], start="2026-05-01T08:00:00Z"),
            "surgery_candidate",
            "2026-05-01",
        ),
        (
            encounter(PAIN, day=None, period={"start": "2026-03-01", "end": "2026-03-05"}),
            "lbp_nonspecific",
            "2026-03-01",
        ),
    ],
    ids=lambda value: value["resourceType"] if isinstance(value, dict) else None,
)
def test_when_something_was_done(resource: Resource, concept: str, when: str) -> None:
    """Each type's own date is found, also where it is a period."""
    assert only(concept, resource).dated == day(when)


def test_encounter_without_a_period_is_undated() -> None:
    """A visit of unknown date is still a visit; its type counts like its reason."""
    visit = encounter(None, day=None, type=[coded(PAIN)])
    assert only("lbp_nonspecific", visit).when == UNKNOWN_DATE


def test_records_without_known_codes_are_no_entries() -> None:
    """What no rule asks for is not kept, in any resource type."""
    other = coded("local:17", text="something else")
    resources = [
        condition(other, resource_id="c"),
        observation(other, valueString="x"),
        procedure(other),
        record("Encounter", "e", status="finished", reasonCode=[other]),
        record("MedicationRequest", "m", medicationCodeableConcept=other),
        record("MedicationRequest", "n"),
        record("MedicationStatement", "s", medicationCodeableConcept=other),
        record("DiagnosticReport", "r", code=other),
        record("ImagingStudy", "i", procedureCode=[other]),
        record("AllergyIntolerance", "a", code=other),
        record("ServiceRequest", "o", code=other),
        record("Appointment", "p", serviceType=[other]),
        record("QuestionnaireResponse", "q"),
        record("DeviceUseStatement", "u"),
    ]
    assert Record(tuple(resources)).chart().entries == {}


def test_one_thing_in_two_code_systems_is_one_entry() -> None:
    """A problem coded twice is one problem with both codes, in this project's own words."""
    both = coded("icd:M21.371", FOOT_DROP) | {"text": "Sender's own text"}
    entry = only("motor_deficit", condition(both, resource_id="c"))
    assert [code.code for code in entry.codes_of("motor_deficit")] == ["M21.371", "6077001"]
    assert not any("Sender" in code.display for _, code in entry.codes)
    assert "sender's own text" in entry.words


def test_body_site_is_part_of_the_words() -> None:
    """Where a finding is, coded or in words, is read with it."""
    site = {"coding": [{"display": "Perineal structure"}], "text": "Saddle"}
    assert "saddle perineal structure" in only("sensory_generic", condition("icd:R20.0", bodySite=[site])).words
    assert "saddle" in only("sensory_generic", observation("icd:R20.0", bodySite=site)).words
    assert "saddle" in only("sensory_generic", procedure("icd:R20.0", bodySite=[site])).words


@pytest.mark.parametrize(("code", "activity"), [("inactive", "inactive"), ("active", "active"), (None, "unknown")])
def test_activity_of_a_device(code: Any, activity: str) -> None:
    """A device in use, one no longer in use and one of which nothing is said are told apart."""
    assert only("implant_pacemaker", device("sct:14106009", status=code)).activity == activity
