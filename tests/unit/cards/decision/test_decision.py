"""The decision: which class comes first, what goes along with it, and what keeps "not appropriate" from being said."""

from __future__ import annotations

from typing import Any

import pytest

from cards.decision.assessment import AssessmentProfile
from cards.decision.decision import blockers
from cards.guideline.guideline import MESSAGES, Indicator, Outcome
from tests.unit.cards.advice import (
    ACUTE,
    CONDITIONAL,
    LONG,
    PACEMAKER,
    SITUATIONS,
    UNSAFE,
    advise,
    messages,
    situation,
)
from tests.unit.fhir_mappings.records import (
    CAUDA_EQUINA,
    FOOT_DROP,
    PAIN,
    Resource,
    condition,
    mri,
    observation,
    patient,
    prescription,
    procedure,
    request,
    status,
)

EXPECTED: dict[str, tuple[Outcome, str]] = {
    "acute pain": (Outcome.NOT_APPROPRIATE, "C-NOTAPP-6W"),
    "acute pain with contrast": (Outcome.NOT_APPROPRIATE, "C-NOTAPP-6W"),
    "acute pain at 66": (Outcome.NOT_APPROPRIATE, "C-NOTAPP-6W"),
    "untreated": (Outcome.NOT_APPROPRIATE, "C-NOTAPP-6W"),
    "failed care": (Outcome.APPROPRIATE, "C-APPROP-6W"),
    "failed care, contrast not stated": (Outcome.APPROPRIATE, "C-APPROP-6W"),
    "failed care, needless contrast": (Outcome.PROTOCOL_CHANGE, "C-CONTRAST-DROP"),
    "failed care, plexus": (Outcome.APPROPRIATE, "C-APPROP-UNCERTAIN-DX"),
    "cauda equina": (Outcome.EMERGENCY, "C-EMERG-CES"),
    "saddle numbness": (Outcome.EMERGENCY, "C-EMERG-CES"),
    "incontinence": (Outcome.EMERGENCY, "C-EMERG-CES"),
    "both legs": (Outcome.EMERGENCY, "C-EMERG-CES"),
    "cord": (Outcome.EMERGENCY, "C-EMERG-CORD"),
    "metastasis with weakness": (Outcome.EMERGENCY, "C-EMERG-CORD"),
    "foot drop": (Outcome.URGENT, "C-URG-NEURO"),
    "falling power": (Outcome.URGENT, "C-URG-NEURO"),
    "discitis": (Outcome.URGENT, "C-URG-INFECT"),
    "bacteraemia": (Outcome.URGENT, "C-URG-INFECT"),
    "metastasis": (Outcome.URGENT, "C-URG-CANCER"),
    "fracture": (Outcome.URGENT, "C-URG-TRAUMA"),
    "cancer history": (Outcome.APPROPRIATE, "C-V7-RISK"),
    "weight loss": (Outcome.APPROPRIATE, "C-V7-RISK"),
    "osteoporosis": (Outcome.APPROPRIATE, "C-APPROP-V6"),
    "age 80": (Outcome.CANNOT_DETERMINE, "C-INFO-NEED"),
    "child": (Outcome.OUT_OF_SCOPE, "C-INFO-NEED"),
    "child with an unsafe implant": (Outcome.CONTRAINDICATED, "C-MR-UNSAFE"),
    "unsafe implant": (Outcome.CONTRAINDICATED, "C-MR-UNSAFE"),
    "unsafe implant, acute pain": (Outcome.CONTRAINDICATED, "C-MR-UNSAFE"),
    "unsafe implant, fracture": (Outcome.CONTRAINDICATED, "C-MR-UNSAFE"),
    "unsafe implant, cauda equina": (Outcome.EMERGENCY, "C-EMERG-CES"),
    "pacemaker": (Outcome.SAFETY_HOLD, "C-MR-HOLD"),
    "pacemaker, acute pain": (Outcome.SAFETY_HOLD, "C-MR-HOLD"),
    "pacemaker, cauda equina": (Outcome.EMERGENCY, "C-EMERG-CES"),
    "conditional implant": (Outcome.APPROPRIATE, "C-MR-COND"),
    "hip": (Outcome.APPROPRIATE, "C-APPROP-6W"),
    "cage": (Outcome.APPROPRIATE, "C-MR-UNKNOWN"),
    "after surgery": (Outcome.PROTOCOL_CHANGE, "C-CONTRAST-ADD"),
    "after surgery, contrast only": (Outcome.PROTOCOL_CHANGE, "C-CONTRAST-ADD"),
    "after surgery, poor kidneys": (Outcome.APPROPRIATE, "C-CONTRAST-SAFETY"),
    "after surgery, pregnant": (Outcome.APPROPRIATE, "C-APPROP-PRIOR-SURG"),
    "ankylosing spondylitis": (Outcome.PROTOCOL_CHANGE, "C-CONTRAST-ADD"),
    "recent study": (Outcome.APPROPRIATE, "C-DUP"),
    "unclear study": (Outcome.APPROPRIATE, "C-CONTRAST-ADD"),
    "nothing known": (Outcome.CANNOT_DETERMINE, "C-INFO-NEED"),
    "chronic pain without care": (Outcome.CANNOT_DETERMINE, "C-INFO-NEED"),
    "acute pain, some data missing": (Outcome.CANNOT_DETERMINE, "C-INFO-NEED"),
    "acute pain, a hint": (Outcome.CANNOT_DETERMINE, "C-INFO-NEED"),
    "conditions not readable": (Outcome.SERVICE_DEGRADED, "C-DEGRADED"),
}


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items())
def test_situation_gets_its_class_and_its_first_message(name: str, expected: tuple[Outcome, str]) -> None:
    """Each situation of the guideline is answered with its class, and its own message leads."""
    found = situation(name)
    assert (found.outcome, messages(found)[0]) == expected


def test_other_reason_is_silent_about_timing() -> None:
    """An order for something the guideline does not cover is told nothing about timing."""
    found = situation("something else")
    assert found.outcome is Outcome.NO_CRITERIA_APPLY
    assert found.messages == ()


LADDER: tuple[tuple[Outcome, Resource], ...] = (
    (Outcome.EMERGENCY, condition(CAUDA_EQUINA)),
    (Outcome.CONTRAINDICATED, UNSAFE),
    (Outcome.SAFETY_HOLD, PACEMAKER | {"id": "held"}),
    (Outcome.URGENT, condition(FOOT_DROP)),
    (Outcome.PROTOCOL_CHANGE, procedure("cpt:63030", 900)),
    (Outcome.APPROPRIATE, condition("icd:M81.0", 3000)),
)


@pytest.mark.parametrize("step", range(len(LADDER)))
def test_most_dangerous_class_comes_first(step: int) -> None:
    """With everything below it on record as well, the most dangerous class decides."""
    records = [resource for _, resource in LADDER[step:]]
    assert advise(ACUTE, *records, order=mri(reasons=[PAIN])).outcome is LADDER[step][0]


@pytest.mark.parametrize("name", SITUATIONS)
def test_messages_stand_by_urgency(name: str) -> None:
    """Critical before warning before information, and the message of the class first within its level."""
    found = situation(name)
    ranks = [list(Indicator).index(message.indicator) for message in found.messages]
    assert ranks == sorted(ranks)
    leading = [message for message in found.messages if message.indicator is found.messages[0].indicator]
    own = [found.outcome in MESSAGES[message.id].outcomes for message in leading]
    assert own == sorted(own, reverse=True)


BLOCKERS: dict[str, tuple[tuple[Resource, ...], dict[str, Any]]] = {
    "R-CES": ((condition(CAUDA_EQUINA, 91),), {}),
    "R-CES, not examined": ((observation("sct:449813001", dataAbsentReason=status("not-asked")),), {}),
    "R-CES, numbness without a site": ((condition("icd:R20.0"),), {}),
    "R-CORD": ((condition("icd:G95.20", 91),), {}),
    "R-MOTOR": ((condition(FOOT_DROP, 91),), {}),
    "R-MOTOR, limb not stated": ((condition("icd:R53.1"),), {}),
    "R-INFECT": ((condition("icd:M46.46", 900, "resolved"),), {}),
    "R-INFECT, night sweats": ((condition("sct:42984000"),), {}),
    "R-CANCER": ((condition("sct:89362005"),), {}),
    "R-TRAUMA": ((condition("icd:S30.0XXA"),), {}),
    "R-V6": ((condition("icd:M81.0", 3000),), {}),
    "R-V7": ((condition("icd:Z85.46", 3000),), {}),
    "R-AGE": ((), {"born": "1956-06-02"}),
    "R-AGE, not known": ((), {"values": {"patient": patient(None)}}),
    "R-SCOPE": ((), {"born": "2010-01-01"}),
    "R-CANDIDATE": ((request("sct:308482002"),), {}),
    "R-DX": ((condition("icd:G54.1"), condition("icd:M54.16")), {}),
    "R-CON-MIT": ((condition("icd:M45.6", 900),), {}),
    "R-CON-POSTOP": ((procedure("sct:387731002", 900),), {}),
    "R-HINT": ((), {"order": mri(note=[{"text": "weakness?"}])}),
    "Condition": ((), {"cut": ["Condition"]}),
    **{
        source: ((), {"failed": [source]})
        for source in ("Observation", "Encounter", "Procedure", "MedicationRequest", "DiagnosticReport")
    },
    **{f"{source}, not sent": ((), {"absent": [source]}) for source in ("Observation", "Procedure", "Encounter")},
    **{f"{source}, cut": ((), {"cut": [source]}) for source in ("Observation", "MedicationRequest")},
}


@pytest.mark.parametrize("name", BLOCKERS)
def test_each_blocker_alone_keeps_not_appropriate_from_being_said(name: str) -> None:
    """Ten days of pain are "not appropriate" only when nothing at all is open, red-flagged or unread."""
    assert advise(ACUTE).outcome is Outcome.NOT_APPROPRIATE
    resources, how = BLOCKERS[name]
    found = advise(ACUTE, *resources, **how)
    assert found.outcome is not Outcome.NOT_APPROPRIATE
    assert "C-NOTAPP-6W" not in messages(found)
    assert "C-EDU" not in messages(found)
    assert name.split(",", maxsplit=1)[0] in blockers(found.findings, found.chart)


@pytest.mark.parametrize("source", ["Device", "AllergyIntolerance", "ImagingStudy"])
def test_sources_without_red_flags_do_not_block(source: str) -> None:
    """Devices or allergies that could not be read are named, and do not change the answer about timing."""
    found = advise(ACUTE, failed=[source])
    assert found.outcome is Outcome.NOT_APPROPRIATE
    (degraded,) = [message for message in found.messages if message.id == "C-DEGRADED"]
    assert degraded.sources == (source,)
    assert degraded.indicator is Indicator.INFO


@pytest.mark.parametrize(
    "resource",
    [condition("icd:R29.2"), condition("icd:F11.20"), condition("icd:Z80.42"), condition("icd:C44.91")],
    ids=lambda resource: str(resource["id"]),
)
def test_what_is_no_red_flag_does_not_block(resource: Resource) -> None:
    """A reflex change, a substance use disorder, the family's and the skin's cancer change nothing about timing."""
    assert advise(ACUTE, resource).outcome is Outcome.NOT_APPROPRIATE


def test_other_bladder_cause_adds_a_question_only() -> None:
    """Stress incontinence does not block, but is asked about."""
    found = situation("acute pain, stress incontinence")
    assert found.outcome is Outcome.NOT_APPROPRIATE
    (asked,) = [message for message in found.messages if message.id == "C-INFO-NEED"]
    assert asked.questions == ("bladder_changed",)


@pytest.mark.parametrize("sources", [["Observation"], ["Observation", "Device"]])
def test_failed_sources_are_named(sources: list[str]) -> None:
    """A card that cannot decide says which part of the record could not be read, as a warning."""
    found = advise(ACUTE, failed=sources)
    (degraded,) = [message for message in found.messages if message.id == "C-DEGRADED"]
    assert (set(degraded.sources), degraded.indicator) == (set(sources), Indicator.WARNING)


@pytest.mark.parametrize("elements", [{"deceasedBoolean": True}, {"deceasedDateTime": "2026-01-01"}])
def test_nothing_is_said_of_the_dead(elements: Resource) -> None:
    """An order for a patient who has died gets no card, whatever is on record."""
    found = advise(condition(CAUDA_EQUINA), UNSAFE, values={"patient": patient(**elements)})
    assert (found.outcome, found.messages) == (Outcome.OUT_OF_SCOPE, ())


def test_emergency_fires_at_any_age() -> None:
    """A child with cauda equina syndrome is an emergency, not out of scope."""
    assert situation("cauda equina", born="2015-01-01").outcome is Outcome.EMERGENCY
    assert situation("foot drop", born="2015-01-01").outcome is Outcome.URGENT


def test_several_red_flags_are_one_emergency() -> None:
    """An emergency with a fever and a cancer keeps them as urgent messages beside it."""
    found = advise(condition(CAUDA_EQUINA), condition(FOOT_DROP), condition("icd:M46.46"), condition("icd:C61"))
    assert found.outcome is Outcome.EMERGENCY
    assert messages(found)[:3] == ("C-EMERG-CES", "C-URG-NEURO", "C-URG-INFECT")


def test_both_legs_are_an_emergency_and_a_deficit() -> None:
    """Weakness of both legs is told as possible cauda equina first, then as the deficit."""
    assert messages(situation("both legs"))[:2] == ("C-EMERG-CES", "C-URG-NEURO")


@pytest.mark.parametrize("name", ["acute pain", "acute pain with contrast", "pacemaker, acute pain"])
def test_study_that_should_not_be_done_is_not_polished(name: str) -> None:
    """Contrast, artifact and comfort are no topics of a scan that should wait."""
    assert not {"C-CONTRAST-DROP", "C-CONTRAST-ADD", "C-CONTRAST-SAFETY", "C-MR-ARTIFACT", "C-CLAUSTRO"} & set(
        messages(situation(name))
    )


@pytest.mark.parametrize(
    ("name", "message", "present"),
    [
        ("unsafe implant", "C-CONTRAST-SAFETY", False),
        ("after surgery, pregnant", "C-CONTRAST-ADD", False),
        ("after surgery", "C-CONTRAST-SAFETY", True),
        ("cancer history", "C-CONTRAST-ADD", True),
        ("cage", "C-MR-ARTIFACT", True),
        ("claustrophobia", "C-CLAUSTRO", True),
        ("slipped vertebra", "C-UPRIGHT", True),
        ("failed care", "C-PITFALL", True),
        ("acute pain", "C-PITFALL", True),
        ("acute pain", "C-EDU", True),
        ("failed care", "C-EDU", False),
        ("cauda equina", "C-PITFALL", False),
        ("pacemaker, acute pain", "C-NOTAPP-6W", True),
        ("failed care, a hint", "C-INFO-NEED", True),
        ("age 80", "C-APPROP-V6", True),
    ],
)
def test_what_goes_along(name: str, message: str, present: bool) -> None:
    """Contrast, artifact, posture, education and questions go with the situations they belong to."""
    assert (message in messages(situation(name))) is present


@pytest.mark.parametrize(
    ("order", "message"),
    [("cpt:72149", "C-CONTRAST-DROP"), ("cpt:72158", "C-CONTRAST-DROP"), ("cpt:72148", None), ("loinc:24968-0", None)],
)
def test_needless_contrast_is_dropped(order: str, message: str | None) -> None:
    """Contrast without a reason for it is dropped from a study that is due, and nothing else is changed."""
    found = situation("failed care", order=mri(order, reasons=[PAIN]))
    assert ("C-CONTRAST-DROP" in messages(found)) is (message is not None)


def test_contrast_is_not_dropped_while_reasons_may_be_unseen() -> None:
    """When the operations could not be read, nobody knows that there was none."""
    assert "C-CONTRAST-DROP" not in messages(situation("failed care, needless contrast", failed=["Procedure"]))


def test_old_study_informs_and_a_fresh_one_warns() -> None:
    """A study of the last two months is a warning, an older or an unclear one a note."""
    levels = {
        name: [message.indicator for message in situation(name).messages if message.id == "C-DUP"]
        for name in ("recent study", "unclear study")
    }
    assert levels == {"recent study": [Indicator.WARNING], "unclear study": [Indicator.INFO]}


def test_conditional_implant_can_be_held_by_a_site() -> None:
    """The site's switch turns the warning about a conditional implant into a hold."""
    held = advise(LONG, CONDITIONAL, profile=AssessmentProfile(treat_conditional_as="hold"))
    assert held.outcome is Outcome.SAFETY_HOLD


@pytest.mark.parametrize("name", ["chronic pain without care", "nothing known", "acute pain, a hint"])
def test_specialist_is_not_asked_for_treatment_history(name: str) -> None:
    """A spine clinic has asked for onset and treatment already; what a record raised is asked of it too."""
    history = {"onset", "therapy", "therapy_response", "candidate"}
    resources, how = SITUATIONS[name]
    order = {**(how.get("order") or mri()), "requester": {"display": "Spine Clinic"}}
    (usual,) = (item for item in situation(name).messages if item.id == "C-INFO-NEED")
    (asked,) = (item for item in advise(*resources, **{**how, "order": order}).messages if item.id == "C-INFO-NEED")
    assert set(usual.questions) - set(asked.questions) <= history
    assert not history & set(asked.questions)
    assert set(asked.questions) - {"red_flags"} <= set(usual.questions)


def test_at_most_five_questions() -> None:
    """A record full of open questions asks the five that weigh most, the bladder first."""
    open_ends = [
        condition(CAUDA_EQUINA, 91),
        condition("icd:G95.20", 91),
        condition(FOOT_DROP, 91),
        condition("sct:42984000"),
        condition("sct:89362005"),
        condition("icd:S30.0XXA"),
        prescription("rx:5640", None),
    ]
    (asked,) = [message for message in advise(*open_ends).messages if message.id == "C-INFO-NEED"]
    assert len(asked.questions) == 5
    assert "ces_changed" in asked.questions[:2]


def test_competing_diagnoses_before_care_ask_for_the_care() -> None:
    """An unclear diagnosis alone is no reason before six weeks of care: ask what was done."""
    found = advise(ACUTE, condition("icd:G54.1"), condition("icd:M54.16"))
    (asked,) = [message for message in found.messages if message.id == "C-INFO-NEED"]
    assert "therapy" in asked.questions


def test_candidate_before_six_weeks_is_asked_about() -> None:
    """A referral to surgery before six weeks only asks."""
    found = advise(ACUTE, request("sct:308482002"))
    assert found.outcome is Outcome.CANNOT_DETERMINE
    assert "candidate" in found.messages[0].questions
