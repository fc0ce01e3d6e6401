"""Whom and what the guideline is about: age, indication, candidacy, unclear diagnosis, earlier imaging, comfort."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.criteria.registry import CRITERIA, evaluate
from tests.unit.fhir_mappings.records import (
    FOOT_DROP,
    PAIN,
    Resource,
    ago,
    coded,
    condition,
    encounter,
    facts_of,
    finding,
    mri,
    observation,
    patient,
    quantity,
    record,
    report,
    request,
    verdict,
)

SPINA_BIFIDA = "icd:Q05.7"
MET, NOT_MET, UNKNOWN = "MET", "NOT_MET", "UNKNOWN"


@pytest.mark.parametrize(
    ("born", "adult", "elderly"),
    [
        ("2008-06-02", (MET, ()), (NOT_MET, ())),
        ("2008-06-03", (NOT_MET, ()), (NOT_MET, ())),
        ("2008", (UNKNOWN, ("age",)), (NOT_MET, ())),
        ("1956-06-02", (MET, ()), (MET, ("age_bone",))),
        ("1956-06-03", (MET, ()), (NOT_MET, ())),
        ("1956", (MET, ()), (UNKNOWN, ("age",))),
        (None, (UNKNOWN, ("age",)), (UNKNOWN, ("age",))),
    ],
)
def test_age(born: str | None, adult: tuple[str, Any], elderly: tuple[str, Any]) -> None:
    """The criteria are for adults, and age 70 alone keeps a scan from being called not appropriate."""
    values = {"patient": patient(born)}
    assert verdict("R-SCOPE", values=values) == adult
    assert verdict("R-AGE", values=values) == elderly


@pytest.mark.parametrize(("born", "older"), [("1961-06-02", True), ("1961-06-03", False), ("1956-06-02", False)])
def test_65_to_69_is_noted(born: str, older: bool) -> None:
    """From 65 to 69 the six-week rule holds, with a note."""
    assert ("older" in finding("R-AGE", born=born).tags) is older


def test_unread_patient_is_of_unknown_age() -> None:
    """Without the patient nobody is an adult or a child."""
    found = finding("R-SCOPE", failed=["Patient"])
    assert (found.status.value, found.unavailable) == (UNKNOWN, ("Patient",))


def temperature(degrees: float) -> Resource:
    """Return a body temperature taken three days ago."""
    return observation("loinc:8310-5", 3, "t", valueQuantity=quantity(degrees, "Cel"))


@pytest.mark.parametrize(
    ("resources", "order", "expected"),
    [
        ([], mri(), UNKNOWN),
        ([], mri(reasons=[PAIN]), MET),
        ([], mri(reasons=[FOOT_DROP]), MET),
        ([], mri(reasons=[SPINA_BIFIDA, PAIN]), MET),
        ([], mri(reasons=[SPINA_BIFIDA]), NOT_MET),
        ([], mri(reasons=[{"text": "surveillance"}]), UNKNOWN),
        ([], mri(reasons=["local:17"]), UNKNOWN),
        ([condition(PAIN, 90)], mri(reasons=[SPINA_BIFIDA]), MET),
        ([condition(PAIN, 3000, "resolved")], mri(reasons=[SPINA_BIFIDA]), NOT_MET),
        ([condition(PAIN, None)], mri(reasons=[SPINA_BIFIDA]), MET),
        ([encounter(PAIN, 91)], mri(reasons=[SPINA_BIFIDA]), NOT_MET),
        ([condition(FOOT_DROP, 90)], mri(reasons=[SPINA_BIFIDA]), MET),
        (
            [condition(SPINA_BIFIDA, 3000, resource_id="c")],
            mri(reasonReference=[{"reference": "Condition/c"}]),
            NOT_MET,
        ),
        ([observation(PAIN, 3, "o")], mri(reasonReference=[{"reference": "Observation/o"}]), MET),
        ([temperature(36.8)], mri(reasons=[SPINA_BIFIDA]), NOT_MET),
        ([temperature(39.1)], mri(reasons=[SPINA_BIFIDA]), MET),
    ],
)
def test_indication(resources: list[Resource], order: Resource, expected: str) -> None:
    """Only a coded reason about something else, with no pain or red flag in the chart, takes an order out of scope."""
    status, questions = verdict("R-IND", *resources, order=order)
    assert status == expected
    assert questions == (("indication",) if expected == UNKNOWN else ())


@pytest.mark.parametrize("how", [{"failed": ["Condition"]}, {"cut": ["Condition"]}, {"failed": ["Encounter"]}])
def test_no_indication_is_only_said_of_complete_sources(how: dict[str, Any]) -> None:
    """Back pain may stand in what was not read."""
    assert verdict("R-IND", order=mri(reasons=[SPINA_BIFIDA]), **how)[0] == UNKNOWN


@pytest.mark.parametrize(
    ("resources", "order", "hurts"),
    [
        ([], mri(reasons=[PAIN]), True),
        ([condition(PAIN, 3000)], mri(), True),
        ([condition(PAIN, 3000, "resolved")], mri(), False),
        ([encounter(PAIN, 90)], mri(), True),
        ([encounter(PAIN, 91)], mri(), False),
        ([], mri(reasons=[FOOT_DROP]), False),
    ],
)
def test_pain_now(resources: list[Resource], order: Resource, hurts: bool) -> None:
    """Pain is present as the reason, as an open problem, or as a recent contact."""
    assert ("pain" in finding("R-IND", *resources, order=order).tags) is hurts


@pytest.mark.parametrize(
    ("resource", "met"),
    [
        (request("sct:308482002", 90), True),
        (request("sct:308482002", 91), False),
        (request("sct:306265007", None), True),
        (request("sct:308482002", 20, status="revoked"), False),
        (record("Appointment", "a", status="booked", serviceType=[coded("sct:308482002")], start="2026-05-20"), True),
    ],
)
def test_candidate_for_surgery(resource: Resource, met: bool) -> None:
    """A referral to surgery or to an interventional specialist of the last ninety days is one."""
    assert finding("R-CANDIDATE", resource).met is met


@pytest.mark.parametrize(
    ("resources", "tags"),
    [
        ([condition("icd:G54.1"), condition("icd:M54.16")], {"plexopathy"}),
        ([condition("icd:G54.1", clinical="resolved"), condition("icd:M54.16")], set()),
        ([condition("icd:G54.1")], set()),
        ([condition("icd:M54.16")], set()),
        (
            [
                condition("icd:M54.16", verification="differential"),
                condition("icd:M48.061", verification="provisional"),
            ],
            {"competing"},
        ),
        ([condition("icd:M54.16", verification="differential"), condition("icd:M48.061")], set()),
        (
            [
                condition("icd:M54.16", verification="differential"),
                condition("icd:M48.061", clinical="resolved", verification="provisional"),
            ],
            set(),
        ),
        ([condition(coded("icd:M54.16", "sct:128196005"), resource_id="c", verification="differential")], set()),
    ],
)
def test_unclear_diagnosis(resources: list[Resource], tags: set[str]) -> None:
    """Plexus against root, or two suspicions that compete, are unclear; one suspicion, coded twice, is not."""
    found = finding("R-DX", *resources)
    assert (found.met, set(found.tags)) == (bool(tags), tags)


@pytest.mark.parametrize(
    ("resource", "tags"),
    [
        (report("cpt:72148", 60), {"recent"}),
        (report("cpt:72148", 61), {"older"}),
        (report("cpt:72148", 180), {"older"}),
        (report("cpt:72148", 181), None),
        (report("cpt:72148", None), None),
        (report("cpt:72148", 20, conclusion="Equivocal"), {"recent", "nondiagnostic"}),
        (record("ImagingStudy", "i", procedureCode=[coded("loinc:24968-0")], started="2026-05-20"), {"recent"}),
        (request("cpt:72148", 20), None),
        (report("cpt:72131", 20), None),
    ],
)
def test_recent_study_of_the_region(resource: Resource, tags: set[str] | None) -> None:
    """A lumbar MRI that was done within half a year is one; an order, a CT or an undated report is none."""
    found = finding("R-DUP", resource)
    assert found.met is (tags is not None)
    assert found.tags - {"unchanged"} == (tags or set()) - {"older"}


@pytest.mark.parametrize(
    ("others", "note", "unchanged"),
    [
        ([], None, True),
        ([condition(PAIN, 400)], None, True),
        ([condition(PAIN, 10)], None, False),
        ([condition(FOOT_DROP, 3)], None, False),
        ([condition(PAIN, None)], None, False),
        ([condition(PAIN, 10)], "Symptoms unchanged since the last MRI", True),
        ([condition(PAIN, 10)], "No new symptoms", True),
        ([condition(PAIN, 10)], "pain is new", False),
    ],
)
def test_study_since_which_nothing_is_new(others: list[Resource], note: str | None, unchanged: bool) -> None:
    """An equal study answers the order where nothing was said or recorded since it was done."""
    order = mri(note=[{"text": note}] if note else None)
    found = finding("R-DUP", report("cpt:72148", 100), *others, order=order)
    assert ("unchanged" in found.tags) is unchanged


@pytest.mark.parametrize(("criterion", "code"), [("R-CLAUS", "icd:F40.240"), ("R-UPRIGHT", "icd:M43.16")])
def test_notes_of_comfort_and_posture(criterion: str, code: str) -> None:
    """Claustrophobia and slipped vertebrae are noted while they go on."""
    assert finding(criterion, condition(code, 3000)).met
    assert not finding(criterion, condition(code, 3000, "resolved")).met
    assert not finding(criterion).met


def test_every_criterion_answers_about_an_empty_chart() -> None:
    """Nothing on record and nothing readable are answered by every criterion, and none of them is met by it."""
    situations: tuple[dict[str, Any], ...] = (
        {},
        {"failed": ["Condition", "Observation", "Patient"]},
        {"absent": ["Device", "Procedure"]},
    )
    for how in situations:
        findings = evaluate(facts_of(**how))
        assert list(findings) == [criterion.id for criterion in CRITERIA]
        met = {name for name, found in findings.items() if found.met}
        assert met <= {"R-SCOPE", "R-CON-SAFE"}
        assert all(found.criterion == name for name, found in findings.items())


@pytest.mark.parametrize(
    ("resource", "asked"),
    [
        (condition("icd:G83.4", -30), True),
        (condition("icd:Z95.0", -30), True),
        (observation(FOOT_DROP, -30), True),
        (condition("icd:G83.4", -1), False),
        (condition("icd:I10", -30), False),
    ],
)
def test_red_flag_in_the_future_is_asked_about(resource: Resource, asked: bool) -> None:
    """A red flag or implant dated after the order fires nothing, and is asked about."""
    found = finding("R-DATE", resource)
    assert not found.met
    assert found.questions == (("future_date",) if asked else ())


def test_birth_in_the_future_is_no_age() -> None:
    """A birth date after the order is a data error: the patient is neither a child nor an adult."""
    assert verdict("R-SCOPE", born="2030-01-01") == (UNKNOWN, ("age",))


STUDY = report("loinc:24967-2", 100)


@pytest.mark.parametrize(
    ("new", "unchanged"),
    [
        ([], True),
        ([condition({"text": "Discitis L4/5"}, 2, verification="provisional", resource_id="w")], False),
        ([condition({"text": "Rückenmarkskompression"}, 2, resource_id="w")], False),
        ([condition({"text": "Low back pain"}, 2, resource_id="w")], False),
        ([condition({"text": "Discitis L4/5"}, 200, "resolved", resource_id="w")], True),
    ],
)
def test_new_words_are_something_new(new: list[Resource], unchanged: bool) -> None:
    """A study is not equal where words, or a record that nobody recognised, came after it."""
    old = condition(PAIN, 200, recordedDate=ago(200))
    assert ("unchanged" in finding("R-DUP", old, STUDY, *new).tags) is unchanged


@pytest.mark.parametrize(
    ("text", "candidate"),
    [
        ("Referral to spine surgery", True),
        ("Ambulatory referral to Neurosurgery", True),
        ("Referral to orthopedic surgery", True),
        ("L4-L5 decompression, surgical consult", True),
        ("Referral to pain management", True),
        ("Lumbar epidural steroid injection", True),
        ("Referral to physical therapy", False),
        ("Referral to orthopedics, right knee", False),
        ("Referral to general surgery", False),
        ("Referral to cardiology", False),
    ],
)
@pytest.mark.parametrize("kind", ["ServiceRequest", "Appointment"])
def test_a_referral_is_known_by_its_name(kind: str, text: str, candidate: bool) -> None:
    """Few sites code their referrals: a surgeon of the spine, or an intervention, is read in words."""
    if kind == "ServiceRequest":
        asked = record(kind, "r", status="active", intent="order", code={"text": text}, authoredOn=ago(10))
    else:
        who = [{"actor": {"reference": "Patient/pat-1"}}]
        asked = {"resourceType": kind, "id": "r", "status": "booked", "serviceType": [{"text": text}]}
        asked |= {"start": ago(10), "participant": who}
    found = finding("R-CANDIDATE", asked)
    assert found.met is candidate
    assert all(item.quote == text for item in found.evidence)
