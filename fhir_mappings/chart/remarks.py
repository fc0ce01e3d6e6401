"""What is said in words and no code confirms: each text that raises a topic, with where and when it was said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from fhir_mappings.chart.entries import ReadingContext, reference_of, words_of
from fhir_mappings.chart.medications import DrugRecord, drug_names
from fhir_mappings.chart.observations import observed_on
from fhir_mappings.chart.places import Place, places_of
from fhir_mappings.chart.readers import condition_end, condition_onset, procedure_date, report_date
from fhir_mappings.chart.statuses import is_over, is_silent
from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.datatypes import reference_id
from fhir_mappings.fhir.dates import UNKNOWN_DATE, DateInterval, parse_date, parse_period
from fhir_mappings.terminology.code_systems import ICD_10, ICD_10_CM, canonical_system
from fhir_mappings.terminology.concepts import PAIN, THERAPY_PROCEDURES, TRACES_OF_CARE
from fhir_mappings.terminology.icd10cm import classify
from fhir_mappings.terminology.index import TerminologyIndex
from fhir_mappings.words.back_care import (
    names_back_care,
    names_back_pain,
    names_chronic_pain,
    names_pain_drug,
    says_both_legs,
    says_chronic,
)
from fhir_mappings.words.matcher import NOTED, asking_names, quote_of
from fhir_mappings.words.topics import BOTH_LEGS

# What a place can speak of where it cannot speak of everything: a penicillin allergy "with sepsis" is no sepsis.
_ONLY: Mapping[str, frozenset[str]] = {
    "allergy": frozenset({"contrast_allergy"}),
    "device": frozenset({"implant"}),
    "device_use": frozenset({"implant"}),
    "procedure_device": frozenset({"implant"}),
}


# Types in whose notes people write what else a patient has, and places that hold what a record is called.
_NOTING = frozenset(
    {
        fhir.Appointment,
        fhir.Condition,
        fhir.MedicationRequest,
        fhir.MedicationStatement,
        fhir.Observation,
        fhir.Procedure,
        fhir.ServiceRequest,
    }
)
_CALLED = frozenset({"problem", "visit"})

# The reason by which the table of ICD-10-CM names it.
_CHRONIC_PAIN = "chronic pain"


@dataclass(frozen=True, slots=True)
class Remark:
    """A text that raises topics which the codes of its resource do not settle.

    `place` is a name of the wording catalogue's places; `when` is the newest date of its record, as age is counted
    for what no concept knows. `is_over` that the record says so, `ended` when; `is_open` is a problem that is not over.
    """

    reference: str
    text: str
    topics: frozenset[str]
    place: str = ""
    when: DateInterval = UNKNOWN_DATE
    is_over: bool = False
    ended: DateInterval = UNKNOWN_DATE
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Noted:
    """What a note calls by a name that asks: the words, the place where they stand, and the rule of their age."""

    quote: str
    place: str
    span: str


def places_that_count(resource: fhir.Resource, index: TerminologyIndex) -> tuple[Place, ...]:
    """Return the texts of a resource; none of one that does not count by its status, or was recorded as excluded."""
    return () if is_silent(resource) else tuple(places_of(resource, index))


def remarks_of(
    resource: fhir.Resource, places: Iterable[Place], covered: frozenset[str], context: ReadingContext
) -> list[Remark]:
    """Return the remarks of a resource in its places; `covered` are topics that its own codes settle."""
    found: list[Remark] = []
    for name, text in dict.fromkeys(places):
        topics = context.topics_in(text, "allergy" if name == "allergy" else None) - covered
        if name in _ONLY:
            topics &= _ONLY[name]
        if isinstance(resource, (fhir.Condition, fhir.Encounter)) and says_both_legs(text):
            topics |= {BOTH_LEGS}
        if topics:
            found.append(_remark(resource, text, topics, name, context))
    return found


def name_beside(resource: fhir.Resource, places: Iterable[Place]) -> Noted | None:
    """Return the first name that asks in what is written beside the name of a record; None where there is none.

    What a record itself is called is judged with its codes, and the words of a report as a report's. The name of what
    was observed says nothing of the answer.
    """
    if type(resource) not in _NOTING:
        return None
    own = words_of(resource.code) if isinstance(resource, fhir.Observation) else ()
    return next(
        (
            Noted(quote_of(place.text, name), place.name, name.topic)
            for place in places
            if place.name not in _CALLED and place.text not in own
            for name in asking_names(place.text)
            if name.topic in NOTED
        ),
        None,
    )


def _remark(resource: fhir.Resource, text: str, topics: frozenset[str], place: str, context: ReadingContext) -> Remark:
    over, ended = is_over(resource), UNKNOWN_DATE
    if isinstance(resource, fhir.Condition) and over:
        ended = condition_end(resource)
    is_open = isinstance(resource, fhir.Condition) and not over
    return Remark(reference_of(resource), text, topics, place, newest_date(resource, context), over, ended, is_open)


@dataclass(frozen=True, slots=True)
class CourseNote:
    """Back pain, or care that may have been for it, that a record tells of in words or by a code of no concept.

    `kind` is `pain`, `chronic` (pain that has lasted long, of no named place), `care` or `drug`. `began` is when a
    problem is said to have begun, `when` the newest date of the record, or when it ended; `may_go_on` is a problem
    that is still open, or of which the end is not known.
    """

    reference: str
    kind: Literal["pain", "chronic", "care", "drug"]
    began: DateInterval = UNKNOWN_DATE
    when: DateInterval = UNKNOWN_DATE
    may_go_on: bool = False
    is_chronic: bool = False


# A report names the spine whatever was found, and an Observation what was looked for.
_OF_COURSE = (
    fhir.Condition,
    fhir.Encounter,
    fhir.Procedure,
    fhir.ServiceRequest,
    fhir.Appointment,
    fhir.MedicationRequest,
    fhir.MedicationStatement,
)


def course_notes(
    resource: fhir.Resource, places: Iterable[Place], concepts: frozenset[str], context: ReadingContext
) -> list[CourseNote]:
    """Return what a record that counts tells of the course of back pain beside its concepts."""
    if not isinstance(resource, _OF_COURSE):
        return []
    texts = list(dict.fromkeys((*[place.text for place in places], *_names(resource, context))))
    kinds: list[Literal["pain", "chronic", "care", "drug"]] = []
    if concepts.isdisjoint(PAIN) and any(map(names_back_pain, texts)):
        kinds.append("pain")
    elif any(map(names_chronic_pain, texts)) or _is_coded_chronic(resource):
        kinds.append("chronic")
    if concepts.isdisjoint((*THERAPY_PROCEDURES, *TRACES_OF_CARE)) and any(map(names_back_care, texts)):
        kinds.append("care")
    if isinstance(resource, DrugRecord) and any(map(names_pain_drug, texts)):
        kinds.append("drug")
    if not kinds:
        return []
    began, when, may_go_on = UNKNOWN_DATE, newest_date(resource, context), False
    if isinstance(resource, fhir.Condition):
        began, ended = condition_onset(resource, context.birth), condition_end(resource)
        may_go_on = not (is_over(resource) and ended.is_known)
        when = when if may_go_on else ended
    elif isinstance(resource, fhir.MedicationRequest):
        when = parse_date(resource.authored_on)
    chronic = any(map(says_chronic, texts)) or "chronic" in kinds
    return [CourseNote(reference_of(resource), kind, began, when, may_go_on, chronic) for kind in kinds]


def _names(resource: fhir.Resource, context: ReadingContext) -> tuple[str, ...]:
    """Return what a record is called, where that says nothing of a finding: the kind of a visit, a drug, a request."""
    match resource:
        case fhir.Encounter():
            return resource.kinds
        case fhir.ServiceRequest():
            return tuple(words_of(resource.code))
        case fhir.Appointment():
            return tuple(text for kind in resource.service_type for text in words_of(kind))
        case fhir.MedicationRequest() | fhir.MedicationStatement():
            return tuple(drug_names(resource, context.medications))
        case _:
            return ()


def _is_coded_chronic(resource: fhir.Resource) -> bool:
    """Whether a problem or a reason is chronic pain by the table of ICD-10-CM."""
    named = resource.reason_code if isinstance(resource, fhir.Encounter) else []
    if isinstance(resource, fhir.Condition) and resource.code:
        named = [resource.code]
    return any(
        (label := classify(coding.code)) is not None and label.reason == _CHRONIC_PAIN
        for concept in named
        for coding in concept.coding
        if coding.code and canonical_system(coding.system or "") in (ICD_10_CM, ICD_10)
    )


def said_on(resource: fhir.Resource, birth: DateInterval) -> DateInterval:
    """Return when what a resource says applies."""
    match resource:
        case fhir.Observation():
            when = observed_on(resource)
        case fhir.Condition():
            onset = condition_onset(resource, birth)
            when = onset if onset.is_known else parse_date(resource.recorded_date)
        case fhir.Procedure():
            when = procedure_date(resource)
        case fhir.Encounter() if resource.period:
            when = parse_period(resource.period.start, resource.period.end)
        case fhir.DiagnosticReport():
            when = report_date(resource)
        case fhir.AllergyIntolerance():
            when = parse_date(resource.recorded_date)
        case fhir.ServiceRequest():
            when = parse_date(resource.authored_on)
        case fhir.Appointment():
            when = parse_date(resource.start)
        case _:
            when = UNKNOWN_DATE
    return when


def newest_date(resource: fhir.Resource, context: ReadingContext) -> DateInterval:
    """Return the newest of the dates of a record: when it began, when it was written down, of which visit it is."""
    said = said_on(resource, context.birth)
    found = [said]
    if isinstance(resource, fhir.Condition):
        found.append(parse_date(resource.recorded_date))
        found.append(context.visits.get(reference_id(resource.encounter, "Encounter") or "", UNKNOWN_DATE))
    elif isinstance(resource, fhir.Encounter) and resource.period:
        found.append(parse_date(resource.period.end))
    else:
        return said if said.latest is not None else UNKNOWN_DATE
    known = [when for when in found if when.latest is not None]
    return max(known, key=lambda when: when.latest or date.min, default=UNKNOWN_DATE)
