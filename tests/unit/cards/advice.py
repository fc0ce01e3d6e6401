"""Advice for unit tests: small records in, an assessment and its cards out, by the pure functions alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from cards.decision.assessment import Assessment, AssessmentProfile, assess
from cards.guideline.wording import Wording, load_wording
from cards.response.client_shape import ResponseShape
from cards.response.response import respond
from tests.unit.fhir_mappings.records import (
    CAUDA_EQUINA,
    DAY,
    FOOT_DROP,
    PAIN,
    Record,
    Resource,
    allergy,
    coded,
    condition,
    device,
    encounter,
    mri,
    observation,
    procedure,
    quantity,
    read_order,
    report,
    request,
)

HOOK_INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"

ACUTE = condition(PAIN, 10)
LONG = condition(PAIN, 60)
HINT = encounter(PAIN, 3, "e-hint", reasonCode=[{"text": "back pain, possible cauda equina"}])
WEAK_HINT = encounter(PAIN, 3, "e-weak", reasonCode=[{"text": "foot drop?"}])
CARE = procedure("cpt:97161", 50)
EGFR = observation("loinc:33914-3", 5, valueQuantity=quantity(90, "mL/min/1.73 m2"))
UNSAFE = device("sct:14106009", "ncit:C106047")
PACEMAKER = device("sct:14106009")
CONDITIONAL = device("sct:14106009", "ncit:C106046")
HIP = device("sct:67270000")
CAGE = device("sct:257275005")
METASTASIS = condition("icd:C79.51", 30)
WITH_BOTH, WITH_ONLY, UNSTATED = "cpt:72158", "cpt:72149", "loinc:24968-0"

# One record for each message that a card can lead with, and for what goes along with it.
SITUATIONS: dict[str, tuple[tuple[Resource, ...], dict[str, Any]]] = {
    "acute pain": ((ACUTE,), {}),
    "acute pain with contrast": ((ACUTE,), {"order": mri(WITH_BOTH)}),
    "acute pain at 66": ((ACUTE,), {"born": "1960-01-01"}),
    "untreated": ((LONG, procedure("cpt:97161", 20)), {}),
    "failed care": ((LONG, CARE), {"order": mri(reasons=[PAIN])}),
    "failed care, contrast not stated": ((LONG, CARE), {"order": mri(UNSTATED, reasons=[PAIN])}),
    "failed care, needless contrast": ((LONG, CARE, EGFR), {"order": mri(WITH_BOTH, reasons=[PAIN])}),
    "failed care, candidate": ((LONG, CARE, request("sct:308482002")), {"order": mri(reasons=[PAIN])}),
    "failed care, plexus": (
        (LONG, CARE, condition("icd:G54.1", 60), condition("icd:M54.16", 60)),
        {"order": mri(reasons=[PAIN])},
    ),
    "slipped vertebra": ((LONG, CARE, condition("icd:M43.16", 60)), {"order": mri(reasons=[PAIN])}),
    "cauda equina": ((condition(CAUDA_EQUINA),), {}),
    "saddle numbness": ((condition("sct:449813001"), condition("icd:R33.9"), condition("icd:R15.9")), {}),
    "incontinence": ((condition("icd:R32"),), {}),
    "both legs": ((condition("icd:G82.20"),), {}),
    "cord": ((condition("icd:G95.20"),), {}),
    "metastasis with weakness": ((METASTASIS, condition(FOOT_DROP)), {}),
    "foot drop": ((condition(FOOT_DROP), ACUTE), {}),
    "falling power": (
        (
            observation(coded("icd:R53.1", text="ankle"), 6, "p1", valueQuantity=quantity(4)),
            observation(coded("icd:R53.1", text="ankle"), 1, "p2", valueQuantity=quantity(3)),
        ),
        {},
    ),
    "discitis": ((condition("icd:M46.46"), EGFR), {}),
    "bacteraemia": ((condition("icd:R78.81"), ACUTE), {}),
    "metastasis": ((METASTASIS,), {}),
    "fracture": ((condition("icd:S32.010A"),), {}),
    "crash with foot drop": ((condition("icd:V89.2XXA"), condition(FOOT_DROP)), {}),
    "cancer history": ((ACUTE, condition("icd:Z85.46", 3000)), {}),
    "weight loss": ((ACUTE, condition("icd:R63.4")), {}),
    "osteoporosis": ((ACUTE, condition("icd:M81.0", 3000)), {}),
    "age 80": ((ACUTE,), {"born": "1946-01-01"}),
    "child": ((ACUTE,), {"born": "2015-01-01"}),
    "child with an unsafe implant": ((ACUTE, UNSAFE), {"born": "2015-01-01"}),
    "unsafe implant": ((LONG, CARE, UNSAFE), {"order": mri(reasons=[PAIN])}),
    "unsafe implant, acute pain": ((ACUTE, UNSAFE), {}),
    "unsafe implant, fracture": ((condition("icd:S32.010A"), UNSAFE), {}),
    "unsafe implant, cauda equina": ((condition(CAUDA_EQUINA), UNSAFE), {}),
    "pacemaker": ((LONG, CARE, PACEMAKER), {"order": mri(reasons=[PAIN])}),
    "pacemaker, acute pain": ((ACUTE, PACEMAKER), {}),
    "pacemaker, cauda equina": ((condition(CAUDA_EQUINA), PACEMAKER), {}),
    "pacemaker, cord": ((condition("icd:G95.20"), PACEMAKER), {}),
    "conditional implant": ((LONG, CARE, CONDITIONAL), {"order": mri(reasons=[PAIN])}),
    "hip": ((LONG, CARE, HIP), {"order": mri(reasons=[PAIN])}),
    "insulin pump": ((LONG, CARE, condition("icd:Z96.41")), {"order": mri(reasons=[PAIN])}),
    "cage": ((LONG, CARE, CAGE), {"order": mri(reasons=[PAIN])}),
    "after surgery": ((LONG, procedure("cpt:63030", 900)), {"order": mri(reasons=[PAIN])}),
    "after surgery, contrast only": ((LONG, procedure("cpt:63030", 900)), {"order": mri(WITH_ONLY, reasons=[PAIN])}),
    "after surgery, poor kidneys": (
        (
            LONG,
            procedure("cpt:63030", 900),
            observation("loinc:33914-3", 5, valueQuantity=quantity(20)),
            allergy("rx:1310171"),
        ),
        {"order": mri(WITH_BOTH, reasons=[PAIN])},
    ),
    "after surgery, pregnant": (
        (LONG, procedure("cpt:63030", 900), condition("icd:Z33.1")),
        {"order": mri(reasons=[PAIN])},
    ),
    "ankylosing spondylitis": ((LONG, CARE, condition("icd:M45.6", 900)), {"order": mri(reasons=[PAIN])}),
    "recent study": ((LONG, CARE, report("cpt:72148", 20)), {"order": mri(reasons=[PAIN])}),
    "unclear study": (
        (LONG, CARE, report("cpt:72148", 20, conclusion="Equivocal")),
        {"order": mri(reasons=[PAIN])},
    ),
    "claustrophobia": ((LONG, CARE, condition("icd:F40.240", 900)), {"order": mri(reasons=[PAIN])}),
    "nothing known": ((), {}),
    "chronic pain without care": ((LONG,), {"order": mri(reasons=[PAIN])}),
    "acute pain, some data missing": ((ACUTE,), {"cut": ["Observation"]}),
    "acute pain, a hint": ((ACUTE, HINT), {}),
    "acute pain, stress incontinence": ((ACUTE, condition("icd:N39.3")), {}),
    "failed care, a hint": ((LONG, CARE, WEAK_HINT), {"order": mri(reasons=[PAIN])}),
    "something else": ((), {"order": mri(reasons=["icd:Q05.7"])}),
    "conditions not readable": ((), {"failed": ["Condition", "Observation"]}),
    "everything failed": (
        (),
        {
            "failed": [
                *("Patient", "Condition", "Observation", "Procedure", "Encounter", "MedicationRequest", "Device"),
                *("DiagnosticReport", "AllergyIntolerance", "ServiceRequest", "Appointment", "ImagingStudy"),
                *("MedicationStatement", "DeviceUseStatement", "QuestionnaireResponse"),
            ]
        },
    ),
    "chest pain visit": ((encounter("icd:I10", 5),), {"order": mri(reasons=[{"text": "pain"}])}),
}


@cache
def english() -> Wording:
    """Return the English catalogue, read once."""
    return load_wording()


def advise(
    *resources: Resource,
    order: Resource | None = None,
    others: Iterable[Resource] = (),
    profile: AssessmentProfile | None = None,
    **chart: Any,
) -> Assessment:
    """Return the assessment of an order."""
    draft = read_order(order, *others)
    return assess(draft, Record(resources, **chart).chart(), draft.as_of(DAY), profile or AssessmentProfile())


def situation(name: str, **changes: Any) -> Assessment:
    """Return the assessment of a known situation."""
    resources, how = SITUATIONS[name]
    return advise(*resources, **(how | changes))


def messages(assessment: Assessment) -> tuple[str, ...]:
    """Return the ids of the messages, the most important first."""
    return tuple(message.id for message in assessment.messages)


def shape(**changes: Any) -> ResponseShape:
    """Return how a client wants its response."""
    usual: dict[str, Any] = {"hook_instance": HOOK_INSTANCE, "hook": "order-sign", "wording": english()}
    return ResponseShape(**(usual | changes))


def cards_of(assessment: Assessment, **changes: Any) -> list[dict[str, Any]]:
    """Return the cards of an assessment."""
    found: list[dict[str, Any]] = respond([assessment], shape(**changes)).document["cards"]
    return found


def suggestions_of(assessment: Assessment, **changes: Any) -> list[dict[str, Any]]:
    """Return every suggestion of an assessment."""
    return [item for card in cards_of(assessment, **changes) for item in card.get("suggestions", [])]


def actions_of(assessment: Assessment, kind: str = "", **changes: Any) -> Iterator[dict[str, Any]]:
    """Yield every action of an assessment, of one kind if given."""
    for suggestion in suggestions_of(assessment, **changes):
        for action in suggestion["actions"]:
            if action["type"] == kind or not kind:
                yield action


def codes_of(assessment: Assessment) -> set[str]:
    """Return the codes of the orders that are suggested."""
    return {
        coding["code"] for action in actions_of(assessment, "create") for coding in action["resource"]["code"]["coding"]
    }
