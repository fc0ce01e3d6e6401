"""What became of a patient after an order, as far as the data tell: red flags, operations on the spine, hospital."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cds_service.replay.moments import Moment
from cds_service.replay.records import plain
from cds_service.replay.rows import LaterEvent
from fhir_mappings.chart.chart import Chart
from fhir_mappings.chart.entries import ReadingContext
from fhir_mappings.chart.readers import entries_of, is_confirmed
from fhir_mappings.chart.statuses import is_disregarded
from fhir_mappings.criteria.facts import STATED
from fhir_mappings.fhir.decoding import decode_resource
from fhir_mappings.fhir.resources import Condition
from fhir_mappings.orders.contents import objects
from fhir_mappings.terminology.concepts import RED_FLAGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from cds_service.replay.pseudonyms import Pseudonyms
    from cds_service.replay.records import Record

WITHIN_DAYS: Final = 90
_SURGERY: Final = ("prior_lumbar_surgery", "prior_spine_surgery_level_unknown")
# HL7 ActEncounterCode: emergency, inpatient in its kinds, and observation.
_ADMITTED: Final = frozenset({"EMER", "IMP", "ACUTE", "NONAC", "OBSENC"})
_NOT_HELD: Final = frozenset({"entered-in-error", "cancelled", "planned"})


def later_events(
    records: Iterable[Record], moment: Moment, chart: Chart, pseudonyms: Pseudonyms
) -> tuple[LaterEvent, ...]:
    """Return what was recorded within 90 days after an order, the first of each kind and name, in order of time.

    A red flag is one that the chart of then did not hold; one that it denied is new.
    """
    day = moment.day
    found: dict[tuple[str, str], LaterEvent] = {}
    for record in sorted(_within(records, moment), key=lambda record: (_day(record), record.reference)):
        for kind, what in _told_by(record, chart):
            if day is not None and (kind, what) not in found:
                reference = pseudonyms.of(record.reference)
                found[kind, what] = LaterEvent(kind, what, (_day(record) - day).days, reference)  # type: ignore[arg-type]
    return tuple(found.values())


def followed_to(records: Sequence[Record]) -> date | None:
    """Return the last day of which the data know anything of a patient."""
    days = [record.recorded.day for record in records if record.recorded and not record.is_assumed]
    return max(filter(None, days), default=None)


def _day(record: Record) -> date:
    assert record.recorded is not None and record.recorded.day is not None  # noqa: S101, PT018 - those within have one
    return record.recorded.day


def _within(records: Iterable[Record], moment: Moment) -> Iterator[Record]:
    for record in records:
        recorded = record.recorded
        if recorded is None or record.is_assumed or recorded.day is None or moment.day is None:
            continue
        if recorded.certainly_after(moment) and (recorded.day - moment.day).days <= WITHIN_DAYS:
            yield record


def _told_by(record: Record, chart: Chart) -> Iterator[tuple[str, str]]:
    if record.type == "Encounter":
        yield from (("admission", code) for code in sorted(_classes(plain(record.line)) & _ADMITTED))
    elif record.type in ("Condition", "Procedure"):
        resource = decode_resource(record.line, record.type)
        if resource is None or is_disregarded(resource):
            return
        if isinstance(resource, Condition) and not is_confirmed(resource):
            return
        concepts = {name for entry in entries_of(resource, ReadingContext(chart.index)) for name in entry.concepts}
        if record.type == "Condition":
            held = {name for name, known in chart.entries.items() if any(entry.assertion in STATED for entry in known)}
            yield from (("red-flag", name) for name in RED_FLAGS if name in concepts and name not in held)
        else:
            yield from (("surgery", name) for name in _SURGERY if name in concepts)


def _classes(visit: dict[str, Any]) -> frozenset[str]:
    """Return the codes of a visit's class: a coding, or as R5 has it concepts."""
    if visit.get("status") in _NOT_HELD:
        return frozenset()
    given = objects(visit.get("class"))
    codings = [*given, *(coding for concept in given for coding in objects(concept.get("coding")))]
    return frozenset(code for coding in codings if isinstance(code := coding.get("code"), str))
