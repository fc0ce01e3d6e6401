"""What is said in words and no code confirms: each text that raises a topic, with where and when it was said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from fhir_mappings.chart.entries import ReadingContext, concepts_of, words_of
from fhir_mappings.chart.observations import observed_on
from fhir_mappings.chart.places import places_of
from fhir_mappings.chart.readers import condition_onset, procedure_date, report_date
from fhir_mappings.chart.statuses import is_over
from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.datatypes import CodeableConcept, reference_id
from fhir_mappings.fhir.dates import UNKNOWN_DATE, DateInterval, parse_date, parse_period
from fhir_mappings.terminology.index import TerminologyIndex
from fhir_mappings.words.matcher import topics_in
from fhir_mappings.words.topics import topics_of

# What a place can speak of where it cannot speak of everything: a penicillin allergy "with sepsis" is no sepsis.
_ONLY: Mapping[str, frozenset[str]] = {
    "allergy": frozenset({"contrast_allergy"}),
    "device": frozenset({"implant"}),
    "device_use": frozenset({"implant"}),
    "procedure_device": frozenset({"implant"}),
}


@dataclass(frozen=True, slots=True)
class Remark:
    """A text that raises topics which the codes of its resource do not settle.

    `place` is a name of the wording catalogue's places; `when` is when it applies, and `is_over` that its record says
    so.
    """

    reference: str
    text: str
    topics: frozenset[str]
    place: str = ""
    when: DateInterval = UNKNOWN_DATE
    is_over: bool = False


def remarks_of(
    resource: fhir.Resource, reference: str, covered: frozenset[str], index: TerminologyIndex, birth: DateInterval
) -> list[Remark]:
    """Return the remarks of a resource that counts; `covered` are topics that its own codes settle."""
    found: list[Remark] = []
    for name, text in dict.fromkeys(places_of(resource, index)):
        topics = topics_in(text) - covered
        if name in _ONLY:
            topics &= _ONLY[name]
        if topics:
            found.append(Remark(reference, text, topics, name, said_on(resource, birth), is_over(resource)))
    return found


def said_on(resource: fhir.Resource, birth: DateInterval) -> DateInterval:
    """Return when what a resource says applies."""
    match resource:
        case fhir.Condition():
            onset = condition_onset(resource, birth)
            when = onset if onset.is_known else parse_date(resource.recorded_date)
        case fhir.Procedure():
            when = procedure_date(resource)
        case fhir.Encounter() if resource.period:
            when = parse_period(resource.period.start, resource.period.end)
        case fhir.Observation():
            when = observed_on(resource)
        case fhir.DiagnosticReport():
            when = report_date(resource)
        case fhir.AllergyIntolerance():
            when = parse_date(resource.recorded_date)
        case _:
            when = UNKNOWN_DATE
    return when


def newest_date(resource: fhir.Resource, context: ReadingContext) -> DateInterval:
    """Return the newest of the dates of a record: when it began, when it was written down, of which visit it is."""
    found = [said_on(resource, context.birth)]
    if isinstance(resource, fhir.Condition):
        found.append(parse_date(resource.recorded_date))
        found.append(context.visits.get(reference_id(resource.encounter, "Encounter") or "", UNKNOWN_DATE))
    known = [when for when in found if when.latest is not None]
    return max(known, key=lambda when: when.latest or date.min, default=UNKNOWN_DATE)


def order_remarks(
    reference: str, resource: Mapping[str, Any], reasons: Iterable[CodeableConcept], index: TerminologyIndex
) -> tuple[Remark, ...]:
    """Return the remarks of an order: its reasons in words, its notes, its order details."""
    said: list[tuple[str, str, frozenset[str]]] = []
    for reason in reasons:
        covered = topics_of(concepts_of(reason, index))
        said += (("order_reason", text, covered) for text in words_of(reason))
    said += (("order_note", text, frozenset()) for text in _notes_of_order(resource))
    found = ((place, text, topics_in(text) - covered) for place, text, covered in dict.fromkeys(said))
    return tuple(Remark(reference, text, topics, place) for place, text, topics in found if topics)


def order_texts(resource: Mapping[str, Any], reasons: Iterable[CodeableConcept]) -> tuple[str, ...]:
    """Return all that an order says in words, hint or not."""
    words = [*(word for reason in reasons for word in words_of(reason)), *_notes_of_order(resource)]
    return tuple(dict.fromkeys(word for word in words if word))


def _notes_of_order(resource: Mapping[str, Any]) -> Iterator[str]:
    for element in ("note", "orderDetail"):
        items = resource.get(element)
        for item in items if isinstance(items, list) else []:
            if isinstance(item, dict):
                yield from _strings(item)
    instruction = resource.get("patientInstruction")
    if isinstance(instruction, str):
        yield instruction


def _strings(item: Mapping[str, Any]) -> Iterator[str]:
    """Yield the text of an Annotation, or the text and displays of a CodeableConcept."""
    text = item.get("text")
    if isinstance(text, str):
        yield text
    codings = item.get("coding")
    for coding in codings if isinstance(codings, list) else []:
        display = coding.get("display") if isinstance(coding, dict) else None
        if isinstance(display, str):
            yield display
