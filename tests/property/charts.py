"""Records as charts really hold them, drawn by Hypothesis: every status, every kind of date, codes of every concept.

Dates crowd around the thresholds, where the criteria change their answer.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st

from fhir_mappings.criteria.implants import IMPLANTS
from fhir_mappings.terminology.concepts import PAIN, RED_FLAGS
from tests.property.advice import KEYS, PATIENT, Resource, index

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[T]], T]

HL7 = "http://terminology.hl7.org/CodeSystem/"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
AUTHORED = date(2025, 6, 2)

# Codes that value sets select by a filter, and so do not list.
_UNDER_FILTERS = (
    *("M54.50", "M54.59", "M54.41", "C61", "C50.911", "C79.51", "Z85.46", "Z85.828", "C44.91", "S32.010A", "S39.92XA"),
    *("W19.XXXA", "V89.2XXA", "Z94.0", "D84.9", "M81.0", "M80.08XA", "A41.9", "F11.20", "M45.6", "M46.26", "M21.371"),
    *("M21.372", "G82.20", "S34.3XXA", "N31.9", "R15.9", "H44.601", "Z80.42", "O09.90", "N17.9", "G95.20", "Z96.651"),
)
_UNRELATED = ((ICD, "I10"), (ICD, "E11.9"), (SNOMED, "38341003"), (ICD, "E78.5"))
_OFFSETS = (
    0,
    1,
    2,
    7,
    8,
    13,
    14,
    15,
    29,
    30,
    31,
    40,
    41,
    42,
    43,
    60,
    61,
    89,
    90,
    91,
    179,
    180,
    181,
    364,
    366,
    800,
    4000,
)
TEXTS = (
    "Low back pain",
    "Lumbar pain, denies saddle numbness or fever",
    "Back pain; r/o cauda equina",
    "numbness of saddle area",
    "left leg weakness",
    "right foot drop, worsening",
    "weakness of both legs",
    "mother had breast cancer",
    "s/p lumbar fusion L4-L5",
    "pacemaker in situ",
    "night sweats",
    "follow-up visit",
)
RED_FLAG_CONCEPTS = (*RED_FLAGS, "fever", "steroid_long_term")
# Red flags that, standing in the record as current, each keep "not appropriate" from being said. The others change
# the wording only, or support the scan only after six weeks.
BLOCKING = tuple(sorted(set(RED_FLAG_CONCEPTS) - {"neuro_other", "ivdu_proxy"}))


def codes_of(concept: str) -> list[tuple[str, str, str]]:
    """Return codes of a concept, listed ones and some under a filter."""
    listed = [(code.system, code.code, code.display) for code in index().codes(concept)]
    return listed + [(ICD, code, "") for code in _UNDER_FILTERS if concept in index().concepts_of(ICD, code)]


@st.composite
def coded(draw: Draw[Any], *concepts: str) -> Resource:
    """A CodeableConcept of one of some concepts, as terse or wordy as clients write it."""
    concept = draw(st.sampled_from(concepts))
    system, code, display = draw(st.sampled_from(codes_of(concept)))
    coding = {"system": system, "code": code}
    style = draw(st.sampled_from(("bare", "display", "text", "local first")))
    if style == "bare" or not display:
        return {"coding": [coding]}
    if style == "local first":
        return {"coding": [{"system": "urn:local", "code": "17"}, coding]}
    return {"coding": [{**coding, "display": display}]} | ({"text": display} if style == "text" else {})


def days(*, partial: bool = True, latest: int = 0) -> st.SearchStrategy[str | None]:
    """A FHIR date before the order, at least `latest` days; with `partial`, also months, years, none and nonsense."""
    offsets = st.sampled_from([offset for offset in _OFFSETS if offset >= latest]) | st.integers(latest, 900)
    exact = offsets.map(lambda offset: (AUTHORED - timedelta(days=offset)).isoformat())
    timed = exact.map(lambda day: f"{day}T23:30:00-05:00")
    if not partial:
        return exact | timed | st.none()
    return exact | timed | st.none() | exact.map(lambda day: day[:7]) | exact.map(lambda day: day[:4]) | st.just("soon")


def about(resource_type: str, patient: str = PATIENT, **elements: Any) -> Resource:
    """A resource about a patient, without the elements that have no value."""
    subject = "patient" if resource_type in ("AllergyIntolerance", "Device") else "subject"
    kept = {name: value for name, value in elements.items() if value not in (None, [], {})}
    return {"resourceType": resource_type, subject: {"reference": f"Patient/{patient}"}, **kept}


def status(kind: str, code: str | None) -> Resource | None:
    """The CodeableConcept of a status."""
    return {"coding": [{"system": HL7 + kind, "code": code}]} if code else None


_CLINICAL = st.sampled_from(("active", "active", "active", None, "recurrence", "inactive", "remission", "resolved"))
_VERIFICATION = st.sampled_from(
    ("confirmed", "confirmed", "confirmed", None, "provisional", "differential", "unconfirmed", "refuted")
)
_SITES = st.sampled_from((None, None, None, "left leg", "right leg", "perineum", "both legs", "L5"))
_AUTHORS = st.sampled_from((None, {"reference": "Practitioner/a"}, {"reference": "Practitioner/b"}))


@st.composite
def conditions(draw: Draw[Any], *concepts: str, partial: bool = True) -> Resource:
    """A Condition in any status, with any kind of onset."""
    clinical, site = draw(_CLINICAL), draw(_SITES)
    onset: Resource = draw(
        st.fixed_dictionaries({"onsetDateTime": days(partial=partial)})
        | days(partial=partial).map(lambda day: {"onsetPeriod": {"start": day}} if day else {})
        | st.integers(10, 60).map(lambda age: {"onsetAge": {"value": age, "unit": "a", "code": "a"}})
        | st.just({})
    )
    over = clinical in ("inactive", "remission", "resolved")
    text = draw(st.sampled_from((None, None, None, *TEXTS)))
    return about(
        "Condition",
        clinicalStatus=status("condition-clinical", clinical),
        verificationStatus=status("condition-ver-status", draw(_VERIFICATION)),
        code=draw(coded(*concepts)),
        bodySite=[{"text": site}] if site else None,
        recordedDate=draw(days(partial=partial)),
        abatementDateTime=draw(days(partial=partial)) if over else None,
        asserter=draw(_AUTHORS),
        note=[{"text": text}] if text else None,
        **onset,
    )


@st.composite
def observations(draw: Draw[Any], *, partial: bool = True) -> Resource:
    """A finding, answered in one of many ways, or a measurement."""
    when = draw(days(partial=partial))
    shared = {
        "effectiveDateTime": when,
        "status": draw(st.sampled_from(("final", "final", "preliminary", "cancelled"))),
    }
    if draw(st.booleans()):
        value = draw(
            st.sampled_from(
                (
                    {"valueBoolean": True},
                    {"valueBoolean": False},
                    {
                        "valueCodeableConcept": {
                            "coding": [{"system": SNOMED, "code": "52101004", "display": "Present"}]
                        }
                    },
                    {"valueCodeableConcept": {"coding": [{"system": SNOMED, "code": "2667000", "display": "Absent"}]}},
                    {"valueString": "denies"},
                    {"dataAbsentReason": {"coding": [{"code": "not-asked"}]}},
                    {"valueQuantity": {"value": 3}},
                    {},
                )
            )
        )
        finding = coded(*RED_FLAG_CONCEPTS, "pregnancy_observation")
        found = about("Observation", code=draw(finding), performer=[draw(_AUTHORS) or {}], **shared)
        return {**found, **value}
    concept, unit, amounts = draw(
        st.sampled_from(
            (
                ("pvr", "mL", (40, 200, 201, 600)),
                ("esr", "mm/h", (5, 20, 21, 90)),
                ("crp", "mg/L", (2, 10, 11, 80)),
                ("egfr", "mL/min/{1.73_m2}", (20, 30, 44, 90)),
                ("fever", "Cel", (36.5, 38, 39.4)),
                ("motor_generic", "1", (2, 3, 4, 5)),
            )
        )
    )
    quantity = {"value": draw(st.sampled_from(amounts)), "unit": unit, "code": unit}
    return about("Observation", code=draw(coded(concept)), valueQuantity=quantity, **shared)


@st.composite
def devices(draw: Draw[Any]) -> Resource:
    """A device, with or without a statement on MRI."""
    labels = ("mr_unsafe", "mr_conditional", "mr_safe", "mr_no_label")
    safety = draw(st.none() | st.none() | st.none() | coded(*labels) | st.just({"text": "see manual"}))
    return about(
        "Device",
        status=draw(st.sampled_from(("active", "active", None, "inactive", "unknown"))),
        type=draw(coded(*IMPLANTS, "device_external_ignore")),
        safety=[safety] if safety else None,
    )


@st.composite
def procedures(draw: Draw[Any], *, partial: bool = True) -> Resource:
    """A procedure: care, an operation, an implantation or an explantation."""
    concepts = ("pt_procedure", "exercise_advice", "prior_lumbar_surgery", "prior_spine_surgery_level_unknown")
    implants = (
        "implant_pacemaker",
        "implant_neurostimulator",
        "implant_cardiac_removed",
        "implant_neurostimulator_removed",
    )
    return about(
        "Procedure",
        status=draw(st.sampled_from(("completed", "completed", "completed", "in-progress", "not-done", None))),
        code=draw(coded(*concepts, *implants)),
        performedDateTime=draw(days(partial=partial)),
    )


_DRUGS = (
    *("nsaid_product", "nsaid_drug", "analgesic_adjunct_product", "steroid_systemic_product", "steroid_excluded"),
    *("immunosuppressant_product", "osteoporosis_drug"),
)


@st.composite
def medications(draw: Draw[Any], *, partial: bool = True) -> Resource:
    """A prescription, with its supply, or a statement that a drug is taken."""
    drug, when = draw(coded(*_DRUGS)), draw(days(partial=partial))
    if draw(st.booleans()):
        taken = draw(st.sampled_from(("active", "completed", "not-taken")))
        return about("MedicationStatement", status=taken, medicationCodeableConcept=drug, effectiveDateTime=when)
    supply = draw(st.sampled_from((None, 30, 90, 120)))
    return about(
        "MedicationRequest",
        status=draw(st.sampled_from(("active", "active", "completed", "stopped", "cancelled", "on-hold"))),
        intent="order",
        medicationCodeableConcept=drug,
        authoredOn=when,
        dispenseRequest={"expectedSupplyDuration": {"value": supply, "unit": "d", "code": "d"}} if supply else None,
    )


@st.composite
def contacts(draw: Draw[Any], *, partial: bool = True) -> Resource:
    """An encounter, a referral, an appointment, a report, a study, an allergy or an answered question."""
    when, day = draw(days(partial=partial)), draw(days(partial=False))
    candidate = draw(coded("surgery_candidate", "intervention_candidate"))
    mri = draw(coded("order_mri_lumbar_wo", "order_mri_lumbar_wo_w"))
    asked = [{"linkId": "1", "text": "Conservative therapy tried?", "answer": [{"valueString": "none"}]}]
    kind = draw(st.sampled_from(("Encounter", "Encounter", *KEYS)))
    actor = {"actor": {"reference": f"Patient/{PATIENT}"}}
    found: dict[str, Resource] = {
        "ServiceRequest": about("ServiceRequest", status="active", intent="order", code=candidate, authoredOn=when),
        "Appointment": {"resourceType": "Appointment", "status": "booked", "serviceType": [candidate], "start": day}
        | {"participant": [actor]},
        "DiagnosticReport": about("DiagnosticReport", status="final", code=mri, effectiveDateTime=when)
        | {"conclusion": draw(st.sampled_from(("normal", "Nondiagnostic study.")))},
        "ImagingStudy": about("ImagingStudy", status="available", procedureCode=[mri], started=when),
        "AllergyIntolerance": about(
            "AllergyIntolerance",
            code=draw(coded("gadolinium_allergy", "contrast_allergy_generic")),
            verificationStatus=status("allergyintolerance-verification", draw(_VERIFICATION)),
        ),
        "QuestionnaireResponse": about("QuestionnaireResponse", status="completed", authored=when, item=asked),
    }
    reason = draw(coded(*PAIN, *RED_FLAG_CONCEPTS))
    visit = draw(st.sampled_from(("finished", "finished", "in-progress", "planned", "cancelled")))
    encounter = about("Encounter", status=visit, reasonCode=[reason], period={"start": when} if when else None)
    chosen: Resource = found.get(kind, encounter)
    return chosen


_OTHER_PROBLEMS = (
    "plexopathy",
    "inflammatory_spine",
    "claustrophobia",
    "pregnancy",
    "pregnancy_absent",
    "renal_severe",
)
_STATES = (
    "prior_lumbar_surgery",
    "history_of_surgery",
    "cancer_skin_excluded",
    "family_history_cancer",
    "bladder_exclude",
)


def records(*, partial: bool = True) -> st.SearchStrategy[Resource]:
    """Any record that some criterion looks at."""
    return st.one_of(
        conditions(*PAIN, partial=partial),
        conditions(*RED_FLAG_CONCEPTS, partial=partial),
        conditions(*IMPLANTS, *_OTHER_PROBLEMS, *_STATES, partial=partial),
        observations(partial=partial),
        devices(),
        procedures(partial=partial),
        medications(partial=partial),
        contacts(partial=partial),
    )


def unrelated() -> st.SearchStrategy[Resource]:
    """A record that no criterion and no hint is about."""
    code = st.sampled_from(_UNRELATED).map(
        lambda pair: {"coding": [{"system": pair[0], "code": pair[1]}], "text": "Other"}
    )
    lab = {"coding": [{"system": LOINC, "code": "718-7", "display": "Hemoglobin"}]}
    when, drug = "2025-05-20", {"coding": [{"system": RXNORM, "code": "29046", "display": "Lisinopril"}]}
    return st.one_of(
        code.map(lambda found: about("Condition", code=found, recordedDate=when)),
        st.just(about("Observation", status="final", code=lab, valueQuantity={"value": 14}, effectiveDateTime=when)),
        code.map(lambda found: about("Encounter", status="finished", reasonCode=[found], period={"start": when})),
        code.map(lambda found: about("Procedure", status="completed", code=found, performedDateTime=when)),
        st.just(about("MedicationRequest", status="active", medicationCodeableConcept=drug, authoredOn=when)),
        coded("device_external_ignore").map(lambda kind: about("Device", status="active", type=kind)),
        st.just(about("Immunization", status="completed", occurrenceDateTime=when)),
    )
