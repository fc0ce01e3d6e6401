"""What is said in words and no code confirms: each text that raises a topic, with where and when it was said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from fhir_mappings.chart.entries import ReadingContext, reference_of
from fhir_mappings.chart.observations import observed_on
from fhir_mappings.chart.places import places_of
from fhir_mappings.chart.readers import condition_end, condition_onset, procedure_date, report_date
from fhir_mappings.chart.statuses import is_disregarded, is_over, is_refuted
from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.datatypes import reference_id
from fhir_mappings.fhir.dates import UNKNOWN_DATE, DateInterval, parse_date, parse_period

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


def remarks_of(resource: fhir.Resource, covered: frozenset[str], context: ReadingContext) -> list[Remark]:
    """Return the remarks of a resource; `covered` are topics that its own codes settle.

    None come of one that does not count by its status, or that was recorded as excluded.
    """
    if is_disregarded(resource) or is_refuted(resource):
        return []
    found: list[Remark] = []
    for name, text in dict.fromkeys(places_of(resource, context.index)):
        topics = context.topics_in(text, "allergy" if name == "allergy" else None) - covered
        if name in _ONLY:
            topics &= _ONLY[name]
        if topics:
            found.append(_remark(resource, text, topics, name, context))
    return found


def _remark(
    resource: fhir.Resource, text: str, topics: frozenset[str], place: str, context: ReadingContext
) -> Remark:
    over, ended = is_over(resource), UNKNOWN_DATE
    if isinstance(resource, fhir.Condition) and over:
        ended = condition_end(resource)
    is_open = isinstance(resource, fhir.Condition) and not over
    return Remark(reference_of(resource), text, topics, place, newest_date(resource, context), over, ended, is_open)


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
        case fhir.ServiceRequest():
            when = parse_date(resource.authored_on)
        case fhir.Appointment():
            when = parse_date(resource.start)
        case _:
            when = UNKNOWN_DATE
    return when


def newest_date(resource: fhir.Resource, context: ReadingContext) -> DateInterval:
    """Return the newest of the dates of a record: when it began, when it was written down, of which visit it is."""
    found = [said_on(resource, context.birth)]
    if isinstance(resource, fhir.Condition):
        found.append(parse_date(resource.recorded_date))
        found.append(context.visits.get(reference_id(resource.encounter, "Encounter") or "", UNKNOWN_DATE))
    elif isinstance(resource, fhir.Encounter) and resource.period:
        found.append(parse_date(resource.period.end))
    known = [when for when in found if when.latest is not None]
    return max(known, key=lambda when: when.latest or date.min, default=UNKNOWN_DATE)
