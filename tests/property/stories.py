"""Whole hook calls: a story that the guideline tells apart, the order, the patient, and records on top.

Most charts that anybody would make up at random are nonsense and end in "cannot determine". So each begins with one of
the stories that the guideline tells apart (acute pain, pain after six weeks of care, pain with care just begun) and
gets a few more records of any kind.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from fhir_mappings.terminology.concepts import NONSPECIFIC_PAIN, PAIN
from tests.property.advice import KEYS, ORDER, OTHER_PATIENT, PATIENT, Case, Resource
from tests.property.charts import (
    AUTHORED,
    ICD,
    LOINC,
    RED_FLAG_CONCEPTS,
    TEXTS,
    Draw,
    about,
    coded,
    devices,
    records,
    status,
)


@st.composite
def turning_points(draw: Draw[Any]) -> Resource:
    """A record of a source that shows no red flag, and that may yet keep "not appropriate" from being said."""
    day = (AUTHORED - timedelta(days=draw(st.integers(0, 85)))).isoformat()
    drug, candidate = draw(coded("nsaid_product")), draw(coded("surgery_candidate", "intervention_candidate"))
    question, answer = draw(
        st.sampled_from((("Conservative therapy tried?", "none"), ("Conservative therapy tried for 6 weeks?", "yes")))
    )
    asked = [{"linkId": "1", "text": question, "answer": [{"valueString": answer}]}]
    found = (
        about("MedicationStatement", status="active", medicationCodeableConcept=drug, effectiveDateTime=day),
        about("ServiceRequest", status="active", intent="order", code=candidate, authoredOn=day),
        {"resourceType": "Appointment", "status": "booked", "serviceType": [candidate], "start": day},
        about("QuestionnaireResponse", status="completed", item=asked),
        draw(devices()),
    )
    return {**draw(st.sampled_from(found))}


@st.composite
def red_flags(draw: Draw[Any], *concepts: str, partial: bool = True) -> Resource:
    """A red flag that stands: current and undated or of these days, confirmed or suspected."""
    when = draw(st.sampled_from((None, *((AUTHORED - timedelta(days=back)).isoformat() for back in (0, 1, 6)))))
    # A code that only says what was measured (a body temperature) is no finding by itself.
    finding = draw(coded(*concepts or RED_FLAG_CONCEPTS).filter(lambda code: LOINC not in str(code)))
    kind = draw(st.sampled_from(("Condition", "Condition", "Encounter", "Observation", "measured")))
    if kind == "measured" and not concepts:
        concept, amount, unit = draw(st.sampled_from((("pvr", 450, "mL"), ("crp", 80, "mg/L"), ("fever", 39.5, "Cel"))))
        value = {"value": amount, "unit": unit, "code": unit}
        return about(
            "Observation", status="final", code=draw(coded(concept)), valueQuantity=value, effectiveDateTime=when
        )
    if kind == "Encounter":
        return about("Encounter", status="finished", reasonCode=[finding], period={"start": when} if when else None)
    if kind == "Observation":
        return about("Observation", status="final", code=finding, valueBoolean=True, effectiveDateTime=when)
    onset = draw(st.sampled_from(("onsetDateTime", "recordedDate")))
    return about(
        "Condition",
        clinicalStatus=status("condition-clinical", draw(st.sampled_from(("active", None)))),
        verificationStatus=status("condition-ver-status", draw(st.sampled_from(("confirmed", "provisional", None)))),
        code=finding,
        **{onset: when},
    )


def patients(*, partial: bool = True) -> st.SearchStrategy[Resource]:
    """The patient, half a year from a birthday, so that a leap day more or less does not change the age."""
    ages = st.sampled_from((35, 45, 52, 45, 52, 16, 17, 18, 64, 65, 69, 70, 83))
    born = ages.map(lambda age: (AUTHORED - timedelta(days=int((age + 0.5) * 365.2425))).isoformat())
    births = born | born | born | st.none() | born.map(lambda day: day[:4]) if partial else born
    return births.map(lambda day: {"resourceType": "Patient", "id": PATIENT} | ({"birthDate": day} if day else {}))


@st.composite
def orders(draw: Draw[Any]) -> Resource:
    """A lumbar MRI order, as R4 demands it."""
    codes = (
        "order_mri_lumbar_wo",
        "order_mri_lumbar_wo",
        "order_mri_lumbar_wo_w",
        "order_mri_lumbar_w",
        "order_mri_lumbar_unspec",
    )
    other = {"coding": [{"system": ICD, "code": "Q05.7"}]}
    said = st.sampled_from(TEXTS).map(lambda text: {"text": text})
    pain = coded(*PAIN)
    reasons = draw(st.lists(pain | pain | pain | coded(*RED_FLAG_CONCEPTS) | said | st.just(other), max_size=2))
    refers = draw(st.sampled_from((None, None, None, [{"reference": "Condition/condition-1"}])))
    note = draw(st.sampled_from((None, None, None, *TEXTS)))
    return about(
        "ServiceRequest",
        id=ORDER,
        status="draft",
        intent="order",
        code=draw(coded(*codes)),
        priority=draw(st.sampled_from((None, "routine", "urgent", "asap", "stat"))),
        authoredOn=AUTHORED.isoformat(),
        reasonCode=reasons,
        reasonReference=refers,
        note=[{"text": note}] if note else None,
    )


COURSES = ("acute", "acute", "failed", "begun", "none")


@st.composite
def stories(draw: Draw[Any], *courses: str) -> list[Resource]:
    """The pain and its care, as one of the courses that the guideline tells apart."""
    course = draw(st.sampled_from(courses or COURSES))
    if course == "none":
        return []
    early = course == "acute"
    since = draw(st.integers(3, 41) if early else st.integers(42, 150))
    pain = about(
        "Condition",
        clinicalStatus=status("condition-clinical", "active"),
        verificationStatus=status("condition-ver-status", "confirmed"),
        code=draw(coded(*NONSPECIFIC_PAIN)),
        onsetDateTime=(AUTHORED - timedelta(days=since)).isoformat(),
        recordedDate=(AUTHORED - timedelta(days=draw(st.integers(0, since)))).isoformat(),
    )
    if early:
        return [pain]
    began = draw(st.integers(1, 41) if course == "begun" else st.integers(42, since))
    day = (AUTHORED - timedelta(days=began)).isoformat()
    drug = draw(coded("nsaid_product", "nsaid_drug"))
    care = draw(
        st.sampled_from(
            (
                about("MedicationRequest", status="active", medicationCodeableConcept=drug, authoredOn=day),
                about("MedicationStatement", status="active", medicationCodeableConcept=drug, effectiveDateTime=day),
                about("Procedure", status="completed", code=draw(coded("pt_procedure")), performedDateTime=day),
            )
        )
    )
    return [pain, care]


def filed(found: list[Resource]) -> dict[str, tuple[Resource, ...]]:
    """Return records by prefetch key, each with an id."""
    by_key: dict[str, list[Resource]] = {}
    for resource in found:
        kind = resource["resourceType"]
        group = by_key.setdefault(KEYS.get(kind, "appointments"), [])
        group.append({**resource, "id": resource.get("id", f"{kind.lower()}-{len(group) + 1}")})
    return {key: tuple(group) for key, group in by_key.items()}


@st.composite
def cases(draw: Draw[Any], *courses: str, partial: bool = True) -> Case:
    """A hook call with one lumbar MRI order and a chart whose sources were all read whole."""
    more = draw(st.lists(records(partial=partial), max_size=draw(st.sampled_from((0, 1, 2, 6)))))
    found = [draw(patients(partial=partial)), *draw(stories(*courses)), *more]
    return Case(draw(orders()), AUTHORED + timedelta(days=draw(st.sampled_from((0, 1, 30)))), filed(found))


@st.composite
def unclear_cases(draw: Draw[Any]) -> Case:
    """A hook call after six weeks of care in which it is not clear whether a root or the plexus is at fault."""
    told = draw(stories("failed"))
    rivals = [
        about(
            "Condition",
            id=name,
            clinicalStatus=status("condition-clinical", "active"),
            code=draw(coded(name)),
            onsetDateTime=(AUTHORED - timedelta(days=30)).isoformat(),
        )
        for name in ("plexopathy", "radiculopathy")
    ]
    return Case(draw(orders()), AUTHORED, filed([draw(patients(partial=False)), *told, *rivals]))


def of_another(resource: Resource) -> Resource:
    """Return a record as it would stand in the chart of somebody else."""
    owner = {"reference": f"Patient/{OTHER_PATIENT}"}
    if resource["resourceType"] == "Appointment":
        return {**resource, "participant": [{"actor": owner}]}
    return {name: owner if name in ("subject", "patient") else value for name, value in resource.items()}
