"""Edges of the criteria: values that cannot be read, dates at the border of a window, and what is shown as evidence."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.unit.fhir_mappings.records import (
    CAUDA_EQUINA,
    FOOT_DROP,
    PAIN,
    Resource,
    ago,
    allergy,
    coded,
    condition,
    encounter,
    finding,
    mri,
    observation,
    prescription,
    procedure,
    quantity,
    record,
    status,
    verdict,
)

RESIDUAL, WEAK, NUMB, REFLEX = "loinc:69388-7", "icd:R53.1", "icd:R20.0", "icd:R29.2"
TEMPERATURE, ESR, CRP, DISCITIS = "loinc:8310-5", "loinc:30341-2", "loinc:1988-5", "icd:M46.46"
FALL, VAGUE_FALL, FRACTURE, CRASH = "icd:W01.0XXA", "icd:W19.XXXA", "icd:S32.010A", "icd:V89.2XXA"
STIFF, OSTEOPOROSIS, STEROID = "icd:M45.6", "icd:M81.0", "icd:Z79.52"
EGFR, RENAL, LAMINECTOMY, SPINA_BIFIDA = "loinc:33914-3", "icd:N18.4", "sct:387731002", "icd:Q05.7"
NORMAL_EGFR = observation(EGFR, 1, valueQuantity=quantity(95))
NORMAL = [status("N", "v3-ObservationInterpretation")]
FIRES, NOTHING = ("MET", ()), ("NOT_MET", ())


def asks(question: str) -> tuple[str, tuple[str, ...]]:
    """Return the verdict of an open question."""
    return "UNKNOWN", (question,)


def references(criterion: str, *resources: Resource, **how: Any) -> set[str]:
    """Return the records that a criterion shows as evidence."""
    return {item.reference for item in finding(criterion, *resources, **how).evidence}


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (observation(RESIDUAL, 1, valueString="see report"), asks("ces")),
        (observation(RESIDUAL, 90, valueString="see report"), asks("ces")),
        (observation(RESIDUAL, None, valueString="see report"), asks("ces")),
        (observation(RESIDUAL, "2026-03", valueString="see report"), asks("ces")),
        (observation(RESIDUAL, 91, valueString="see report"), NOTHING),
        (observation(RESIDUAL, 1, valueString="not detected"), NOTHING),
        (observation(RESIDUAL, 91, valueString="not detected"), NOTHING),
        (observation(RESIDUAL, 1, valueQuantity=quantity(0.2, "L")), NOTHING),
        (observation(RESIDUAL, 1, valueQuantity=quantity(0.201, "L")), FIRES),
    ],
)
def test_residual_that_cannot_be_read_is_asked_about(resource: Resource, expected: tuple[str, tuple[str, ...]]) -> None:
    """A recent bladder scan without a number asks what it showed, a denied one asks nothing, litres are converted."""
    assert verdict("R-CES", resource) == expected


@pytest.mark.parametrize(
    ("resource", "concept"),
    [
        (condition(CAUDA_EQUINA), "cauda_equina"),
        (condition("icd:R33.9"), "bladder_dysfunction"),
        (condition("sct:449813001"), "saddle_anaesthesia"),
        (condition(NUMB, bodySite=[{"text": "Perineum"}]), "sensory_generic"),
    ],
)
def test_sign_is_shown_as_what_it_is(resource: Resource, concept: str) -> None:
    """The evidence names the sign that was recorded, with its own code."""
    (evidence,) = finding("R-CES", resource).evidence
    assert evidence.concept == concept
    assert evidence.codes


def test_other_bladder_cause_is_only_noted_where_there_is_one() -> None:
    """Back pain alone is no other cause of a bladder complaint."""
    assert finding("R-CES", condition(PAIN)).tags == set()


def power(grade: int, day: int) -> Resource:
    """Return a measurement of power of one muscle."""
    return observation(coded(WEAK, text="right ankle"), day, f"power-{day}", valueQuantity=quantity(grade))


@pytest.mark.parametrize(
    ("before", "now", "shown"),
    [(1, 0, ["1 -> 0"]), (0, 0, []), (0, 1, []), (5, 0, ["5 -> 0"])],
)
def test_grade_zero_is_a_grade(before: int, now: int, shown: list[str]) -> None:
    """Paralysis is the lowest grade, not a missing one: reaching it is a fall, staying there is none."""
    found = finding("R-MOTOR", power(before, 6), power(now, 1))
    assert [item.amount for item in found.evidence] == shown
    assert found.met is bool(shown)


@pytest.mark.parametrize(
    ("resources", "shown"),
    [
        ([condition(FOOT_DROP)], set()),
        ([condition(REFLEX)], set()),
        (
            [condition(FOOT_DROP), condition(REFLEX)],
            {"Condition/condition-sct-6077001", "Condition/condition-icd-R29-2"},
        ),
        ([condition("icd:G82.20"), condition(REFLEX, 91)], {"Condition/condition-icd-G82-20"}),
        ([condition(coded(FOOT_DROP, text="L4 weakness"), resource_id="4")], set()),
    ],
)
def test_deficits_at_several_places_are_all_shown(resources: list[Resource], shown: set[str]) -> None:
    """Every deficit that makes it more than one is evidence; a single one, at one root level, is none."""
    assert references("R-MULTI", *resources) == shown


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([condition("icd:M51.06")], asks("cord_changed")),
        ([condition("icd:M51.26")], NOTHING),
        ([condition("icd:M51.06"), condition("icd:G95.20")], FIRES),
    ],
)
def test_disc_with_myelopathy_is_asked_about(resources: list[Resource], expected: tuple[str, tuple[str, ...]]) -> None:
    """A disc disorder with myelopathy asks about the cord, unless the cord is known to be compressed."""
    assert verdict("R-CORD", *resources) == expected


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([observation(TEMPERATURE, 1)], asks("fever")),
        ([observation(TEMPERATURE, 14)], asks("fever")),
        ([observation(TEMPERATURE, None)], asks("fever")),
        ([observation(TEMPERATURE, 15)], NOTHING),
        ([observation(ESR, 1)], asks("inflammation_markers")),
        ([observation(CRP, 30)], asks("inflammation_markers")),
        ([observation(CRP, None)], asks("inflammation_markers")),
        ([observation(CRP, 31)], NOTHING),
        ([observation(ESR, 1, interpretation=NORMAL)], NOTHING),
        ([observation(TEMPERATURE, 1), condition(DISCITIS)], FIRES),
    ],
)
def test_measurement_that_cannot_be_read_is_asked_about(
    resources: list[Resource], expected: tuple[str, tuple[str, ...]]
) -> None:
    """A recent temperature or blood test without a value is unknown, unless the infection is suspected anyway."""
    assert verdict("R-INFECT", *resources) == expected


@pytest.mark.parametrize(("value", "fires"), [(0.95, False), (1.0, False), (1.01, True)])
def test_limit_of_a_blood_test_follows_its_unit(value: float, fires: bool) -> None:
    """Ten milligrams in a litre are one in a decilitre."""
    assert finding("R-INFECT", observation(CRP, 1, valueQuantity=quantity(value, "mg/dL"))).met is fires


def test_unit_of_twelve_signs_is_shown() -> None:
    """The longest units that laboratories use are shown whole."""
    flag = [{"coding": [{"code": "HH"}]}]
    value = quantity(40, "mg/l{plasma}")
    (evidence,) = finding("R-INFECT", observation(CRP, 1, valueQuantity=value, interpretation=flag)).evidence
    assert evidence.amount == "40 mg/l{plasma}"


@pytest.mark.parametrize(("code", "tags"), [("icd:F11.20", {"drug_use_possible"}), (PAIN, set())])
def test_substance_use_changes_the_wording_only(code: str, tags: set[str]) -> None:
    """A substance use disorder says nothing of the needle: noted, never a suspicion."""
    found = finding("R-INFECT", condition(code))
    assert (found.status.value, set(found.tags)) == ("NOT_MET", tags)


@pytest.mark.parametrize("code", ["icd:B20", "icd:Z94.0", "sct:161671001", "sct:161665007"])
def test_virus_and_transplant_are_for_life(code: str) -> None:
    """HIV and a transplanted organ weaken the defence whatever the status of their record says."""
    assert finding("R-V7", condition(code, 3000, "resolved")).tags == {"immune"}


@pytest.mark.parametrize(
    ("day", "prescribed", "expected"),
    [
        (date(2026, 5, 29), "2026-03", NOTHING),  # 89 days at most
        (date(2026, 5, 30), "2026-03", asks("immunosuppressant_duration")),  # 90 days, if on the first of March
        (date(2026, 5, 30), None, asks("immunosuppressant_duration")),
    ],
)
def test_immunosuppressant_that_may_be_old_enough_is_asked_about(
    day: date, prescribed: str | None, expected: tuple[str, tuple[str, ...]]
) -> None:
    """A first request that may be ninety days old, by a date without its day, asks how long it has been taken."""
    assert verdict("R-V7", prescription("rx:197388", prescribed), today=day) == expected


@pytest.mark.parametrize(
    ("resources", "tags"),
    [
        ([condition(FRACTURE)], {"spine"}),
        ([condition(CRASH)], {"high_energy"}),
        ([condition(FALL), condition(STIFF, 3000)], {"ankylosed"}),
        ([condition(FALL)], set()),
        ([condition(CRASH), condition(FRACTURE)], {"spine", "high_energy"}),
    ],
)
def test_what_kind_of_trauma(resources: list[Resource], tags: set[str]) -> None:
    """The tags say what made the trauma count, and nothing else."""
    assert finding("R-TRAUMA", *resources).tags == tags


@pytest.mark.parametrize("fall", [FALL, VAGUE_FALL])
@pytest.mark.parametrize(("bone", "tag"), [(OSTEOPOROSIS, "osteoporosis"), (STEROID, "steroid")])
def test_fall_counts_with_either_weakness_of_the_bone(fall: str, bone: str, tag: str) -> None:
    """Osteoporosis alone or chronic steroids alone make a fall count, and leave nothing to ask about it."""
    records = [condition(fall), condition(bone, 300)]
    assert finding("R-V6", *records).tags == {tag, "fall"}
    assert verdict("R-TRAUMA", *records) == NOTHING


def test_fall_at_38_with_sound_bone_does_not_count() -> None:
    """Neither age nor bone: a simple fall is no reason."""
    assert verdict("R-V6", condition(FALL)) == NOTHING


@pytest.mark.parametrize("source", ["ServiceRequest", "Appointment"])
def test_no_candidacy_is_only_said_of_complete_sources(source: str) -> None:
    """A referral to surgery may stand in what was not read."""
    assert verdict("R-CANDIDATE") == NOTHING
    assert verdict("R-CANDIDATE", failed=[source])[0] == "UNKNOWN"


def test_unclear_diagnoses_are_all_shown() -> None:
    """Each of the diagnoses that compete is evidence."""
    plexus, root = condition("icd:G54.1", resource_id="p"), condition("icd:M54.16", resource_id="r")
    assert references("R-DX", plexus, root) == {"Condition/p", "Condition/r"}
    suspected = [
        condition("icd:M54.16", verification="differential", resource_id="r"),
        condition("icd:M48.061", verification="provisional", resource_id="s"),
    ]
    assert references("R-DX", *suspected) == {"Condition/r", "Condition/s"}


def test_radiculopathy_that_is_over_competes_with_nothing() -> None:
    """A plexus disorder beside a resolved radiculopathy is no unclear diagnosis."""
    over = condition("icd:M54.16", clinical="resolved")
    assert verdict("R-DX", condition("icd:G54.1"), over) == NOTHING


@pytest.mark.parametrize("source", ["Condition", "Observation"])
def test_no_pregnancy_is_only_said_of_complete_sources(source: str) -> None:
    """A pregnancy may stand in what was not read."""
    assert verdict("R-PREG") == NOTHING
    assert verdict("R-PREG", failed=[source])[0] == "UNKNOWN"


def test_pregnancy_test_that_was_only_asked_for_is_no_result() -> None:
    """A pregnancy test as the reason of an order, or as a problem, has no value that could be positive."""
    assert verdict("R-PREG", order=mri(reasons=["loinc:2106-3"])) == NOTHING
    assert verdict("R-PREG", condition("loinc:82810-3")) == NOTHING


@pytest.mark.parametrize("source", ["Observation", "Condition", "AllergyIntolerance"])
def test_contrast_is_only_safe_by_complete_sources(source: str) -> None:
    """With a good kidney function on record, what was cut short may still hold the reason against contrast."""
    assert finding("R-CON-SAFE", NORMAL_EGFR).status.value == "NOT_MET"
    assert finding("R-CON-SAFE", NORMAL_EGFR, cut=[source]).status.value == "UNKNOWN"


@pytest.mark.parametrize(
    "resource",
    [allergy("rx:1310171"), allergy("sct:385420005"), condition("icd:Z33.1")],
    ids=lambda resource: str(resource["id"]),
)
def test_what_speaks_against_contrast_is_shown(resource: Resource) -> None:
    """An allergy or a pregnancy before contrast is named with its record."""
    shown = references("R-CON-SAFE", NORMAL_EGFR, resource)
    assert shown == {f"{resource['resourceType']}/{resource['id']}"}


@pytest.mark.parametrize("day", [90, None])
def test_visit_for_severe_kidney_disease_counts(day: int | None) -> None:
    """Severe kidney disease treated within ninety days counts like an eGFR below 30 where none is on record."""
    visit = encounter(RENAL, day)
    assert finding("R-CON-SAFE", visit).tags == {"renal_disease"}
    assert references("R-CON-SAFE", visit) == {f"Encounter/{visit['id']}"}


@pytest.mark.parametrize(
    ("resources", "reference"),
    [
        ([], "Condition/missing"),
        ([observation(SPINA_BIFIDA, 3, "o")], "Observation/o"),
        ([condition({"text": "back"}, resource_id="c")], "Condition/c"),
        ([record("Condition", "c", onsetDateTime="2026-05-01")], "Condition/c"),
        ([condition(SPINA_BIFIDA, 3000, verification="entered-in-error", resource_id="c")], "Condition/c"),
    ],
)
@pytest.mark.parametrize("reasons", [[], [SPINA_BIFIDA]])
def test_reason_that_cannot_be_read_settles_nothing(
    resources: list[Resource], reference: str, reasons: list[str]
) -> None:
    """A reason that is missing, withdrawn, uncoded or no problem may be back pain, whatever stands beside it."""
    order = mri(reasons=reasons, reasonReference=[{"reference": reference}])
    assert verdict("R-IND", *resources, order=order) == asks("indication")


def test_old_problem_is_an_indication_when_the_order_names_it() -> None:
    """Back pain recorded as resolved years ago is the reason where the order refers to it."""
    old = condition(PAIN, 3000, "resolved", resource_id="c")
    order = mri(reasonReference=[{"reference": "Condition/c"}])
    assert verdict("R-IND", old, order=order) == FIRES
    assert references("R-IND", old, order=order) == {"Condition/c"}


@pytest.mark.parametrize(
    "source", ["Condition", "Observation", "Encounter", "MedicationRequest", "MedicationStatement"]
)
def test_no_risk_is_only_said_of_complete_sources(source: str) -> None:
    """A cancer or a drug that weakens the defence may stand in what was not read."""
    assert verdict("R-V7") == NOTHING
    assert verdict("R-V7", failed=[source])[0] == "UNKNOWN"


def test_surgery_of_unknown_level_stays_open() -> None:
    """A laminectomy without a level is asked about, and shown."""
    operated = procedure(LAMINECTOMY, 900)
    assert references("R-CON-POSTOP", operated, order=mri(reasons=[PAIN])) == {f"Procedure/{operated['id']}"}


@pytest.mark.parametrize(
    ("criterion", "text", "status"),
    [
        ("R-DX", "diagnosis still unclear after PT", "MET"),
        ("R-DX", "radiculopathy vs plexopathy", "MET"),
        ("R-DX", "no unclear diagnosis", "NOT_MET"),
        ("R-DX", "low back pain", "NOT_MET"),
        ("R-UPRIGHT", "pain only when standing", "MET"),
        ("R-UPRIGHT", "needs upright MRI", "MET"),
        ("R-UPRIGHT", "pain lying down", "NOT_MET"),
    ],
)
def test_what_the_order_says_in_words(criterion: str, text: str, status: str) -> None:
    """An order may say in its note that the diagnosis is unclear, or that the pain is there upright."""
    assert finding(criterion, order=mri(note=[{"text": text}])).status == status


@pytest.mark.parametrize("system", ["http://loinc.org", "http://LOINC.org", "urn:oid:2.16.840.1.113883.6.1"])
def test_normal_temperature_is_no_fever_in_any_spelling(system: str) -> None:
    """A code that only says that a temperature was taken is none, however a client writes LOINC."""
    taken = {"coding": [{"system": system, "code": "8310-5"}]}
    assert verdict("R-INFECT", observation(taken, 3, "t", valueQuantity=quantity(36.6, "Cel"))) == NOTHING


@pytest.mark.parametrize(
    ("days", "expected"), [(2000, NOTHING), (5, asks("hint_motor"))], ids=["years ago", "this week"]
)
@pytest.mark.parametrize("element", ["effectiveDateTime", "effectiveInstant", "effectivePeriod"])
def test_note_is_as_old_as_its_observation(element: str, days: int, expected: tuple[str, tuple[str, ...]]) -> None:
    """A remark made years ago asks nothing, whichever element dates it; a new one does."""
    on = ago(days)
    value = {"effectiveInstant": f"{on}T08:00:00Z", "effectivePeriod": {"start": on, "end": on}}.get(element, on)
    said = {"note": [{"text": "new weakness in the left leg"}], "code": {"text": "Examination"}}
    assert verdict("R-HINT", record("Observation", "n", status="final", **said, **{element: value})) == expected
