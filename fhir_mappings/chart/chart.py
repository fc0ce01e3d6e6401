"""The chart: one patient's resources by concept, and for each source how far it can be relied on.

Built once per hook call from what the prefetch brought and what was read from the client's FHIR server; how a
resource came makes no difference. A resource of another patient is never used; that one was received is reported.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import msgspec

from fhir_mappings.chart.answers import QuestionAnswer, answers_of
from fhir_mappings.chart.entries import ChartEntry, ReadingContext, reference_of
from fhir_mappings.chart.ledger import Aside, Ledger, LedgerLine, Read, Standing, aside_line, line_of
from fhir_mappings.chart.medications import DrugRecord, is_named, medications_by_id
from fhir_mappings.chart.places import places_of
from fhir_mappings.chart.readers import entries_of
from fhir_mappings.chart.remarks import CourseNote, Remark, course_notes, name_beside, newest_date, remarks_of
from fhir_mappings.chart.statuses import is_disregarded, is_silent
from fhir_mappings.devices.labels import NO_LABELS, DeviceLabels
from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.contained import unpacked
from fhir_mappings.fhir.content import content_of
from fhir_mappings.fhir.datatypes import CodeableConcept, Reference, named_type, reference_id
from fhir_mappings.fhir.dates import UNKNOWN_DATE, DateInterval, parse_date, parse_period
from fhir_mappings.fhir.needs import DATA_NEEDS, SUPPLEMENTARY_SOURCES
from fhir_mappings.fhir.sources import NOT_PROVIDED, SourceReading, SourceState
from fhir_mappings.questionnaire.implant import stated_devices
from fhir_mappings.terminology.index import TerminologyIndex
from fhir_mappings.words.topics import topics_of

# Types of which the ledger has to know the texts.
_TEXTS_READ = frozenset({"Device", "DeviceUseStatement", "DiagnosticReport"})
# Types that say nothing of the patient's state by themselves.
_NO_RECORDS = frozenset({"Patient", "Medication"})
# Types of which a record that does not say what it is about leaves the source open.
_NAMED_TYPES = frozenset({"Condition", "Observation", "Procedure", "MedicationRequest", "MedicationStatement"})
# What is remembered of a content, by the index it was read with: that nothing came of it, and why it was set aside.
_asides: dict[tuple[TerminologyIndex, bytes], Aside] = {}
_MOST_ASIDES = 8192  # some 2 MB; all are forgotten when there are more
# A text that is only a code, of a system nobody named.
_BARE_CODE = re.compile(r"[A-Z]?\d[\dA-Z.-]*")


@dataclass(frozen=True)
class Chart:
    """What is known of one patient."""

    patient_id: str
    patient: fhir.Patient | None
    sources: Mapping[str, SourceState]
    entries: Mapping[str, tuple[ChartEntry, ...]]
    resources: Mapping[str, tuple[fhir.Resource, ...]]
    index: TerminologyIndex
    answers: tuple[QuestionAnswer, ...] = ()
    labels: DeviceLabels = NO_LABELS
    remarks: tuple[Remark, ...] = ()
    ledger: Ledger = field(default_factory=Ledger)
    course: tuple[CourseNote, ...] = ()
    foreign: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    withheld: bool = False
    missing_required: tuple[str, ...] = ()

    @property
    def birth(self) -> DateInterval:
        """The birth date; unknown where the patient could not be read."""
        return parse_date(self.patient.birth_date) if self.patient else UNKNOWN_DATE

    @property
    def is_deceased(self) -> bool:
        """Whether the patient is recorded as dead."""
        if self.patient is None:
            return False
        return bool(self.patient.deceased_boolean) or self.patient.deceased_date_time is not None

    def state(self, resource_type: str) -> SourceState:
        """Return the state of the source of a resource type."""
        return self.sources.get(resource_type, SourceState.NOT_PROVIDED)

    def incomplete(self, resource_types: Iterable[str]) -> tuple[str, ...]:
        """Return those of some sources that were not read whole, and that the client has or should have.

        A source that it may do without and does not offer holds nothing back.
        """
        return tuple(name for name in resource_types if name not in self._settled)

    @cached_property
    def _settled(self) -> frozenset[str]:
        """The sources that hold nothing back."""
        return frozenset(
            name
            for name, state in self.sources.items()
            if state is SourceState.COMPLETE or (state is SourceState.NOT_OFFERED and name in SUPPLEMENTARY_SOURCES)
        )

    def failed(self, resource_types: Iterable[str]) -> tuple[str, ...]:
        """Return those of some sources that were asked for and could not be read."""
        return tuple(name for name in resource_types if self.state(name) is SourceState.UNAVAILABLE)

    def concepts_of(self, system: str | None, code: str | None) -> frozenset[str]:
        """Return the concepts of a code found in one of the resources."""
        return self.index.concepts_of(system, code)

    def display_of(self, concept: str, system: str | None, code: str | None) -> str:
        """Return this project's own display of a code of a concept."""
        return self.index.display_of(concept, system or "", code or "")

    def by_reference(self, reference: str) -> fhir.Resource | None:
        """Return the resource of a literal reference, relative or absolute."""
        resource_type, _, resource_id = "/".join(
            reference.split("/_history/", maxsplit=1)[0].split("/")[-2:]
        ).partition("/")
        found = self.resources.get(resource_type, ())
        return next((resource for resource in found if resource.id == resource_id), None) if resource_id else None


def read_chart(
    patient_id: str,
    found: Mapping[str, SourceReading],
    index: TerminologyIndex,
    labels: DeviceLabels = NO_LABELS,
) -> Chart:
    """Build the chart of a patient from the reading of each source, by prefetch key; `labels` are of its devices."""
    readings = {need.key: found.get(need.key, NOT_PROVIDED) for need in DATA_NEEDS}
    own = defaultdict[str, list[fhir.Resource]](list)
    foreign: list[str] = []
    mine: dict[str, list[fhir.Resource]] = {key: [] for key in readings}
    for key, reading in readings.items():
        for position, received in enumerate(reading.resources):
            if not belongs_to(received, patient_id):
                foreign.append(received.resource_type)
                continue
            mine[key].append(received)
            resource, inside = unpacked(received, position)
            own[resource.resource_type].append(resource)
            if isinstance(resource, fhir.QuestionnaireResponse) and not is_disregarded(resource):
                own["Device"].extend(stated_devices(resource))
            if inside and not is_disregarded(resource):
                for part in inside:
                    if belongs_to(part, patient_id):
                        own[part.resource_type].append(part)
    patient = next((found for found in own["Patient"] if isinstance(found, fhir.Patient)), None)
    resources = {name: _without_repeats(found) for name, found in own.items()}
    birth = parse_date(patient.birth_date) if patient else UNKNOWN_DATE
    medications = medications_by_id(resources.get("Medication", ()))
    conditions = {
        found.id: found for found in resources.get("Condition", ()) if isinstance(found, fhir.Condition) and found.id
    }
    visits = {
        found.id: parse_period(found.period.start, found.period.end)
        for found in resources.get("Encounter", ())
        if isinstance(found, fhir.Encounter) and found.id and found.period
    }
    records = read_records(resources, ReadingContext(index, birth, medications, conditions, visits))
    unnamed = frozenset(line.source for line in records.ledger.unrecognised() if _is_unnamed(line))
    states = {
        need.resource_type: _state(readings[need.key], need.resource_type, mine[need.key], unnamed)
        for need in DATA_NEEDS
    }
    return Chart(
        patient_id,
        patient,
        states,
        records.entries,
        resources,
        index,
        tuple(answers_of([*resources.get("Observation", ()), *resources.get("QuestionnaireResponse", ())], index)),
        labels,
        records.remarks,
        records.ledger,
        records.course,
        foreign=tuple(sorted(set(foreign))),
        damaged=tuple(
            sorted(reference_of(found) for group in resources.values() for found in group if not found.read_whole)
        ),
        withheld=any(reading.withheld for reading in readings.values()),
        missing_required=tuple(
            need.key for need in DATA_NEEDS if need.required and readings[need.key].state is SourceState.NOT_PROVIDED
        ),
    )


def _state(
    reading: SourceReading, resource_type: str, own: Sequence[fhir.Resource], unnamed: frozenset[str]
) -> SourceState:
    """Return the state of a source; what could not be understood in it may be what mattered."""
    if resource_type == "Patient" and reading.resources:
        return reading.state if own else SourceState.UNAVAILABLE
    lost = any(not resource.read_whole for resource in own) or resource_type in unnamed
    lost = lost or _is_of_others(reading, own)
    return SourceState.PARTIAL if lost and reading.state is SourceState.COMPLETE else reading.state


def holds_others_only(reading: SourceReading, patient_id: str) -> bool:
    """Whether all that a source holds is about other patients: nothing shows that it was searched for this one."""
    return _is_of_others(reading, [found for found in reading.resources if belongs_to(found, patient_id)])


def _is_of_others(reading: SourceReading, own: Iterable[fhir.Resource]) -> bool:
    """Whether records that are about a patient came and none of these is the patient's own."""
    return all(isinstance(found, fhir.Medication) for found in own) and not all(
        isinstance(found, fhir.Medication) for found in reading.resources
    )


def _is_unnamed(line: LedgerLine) -> bool:
    """Whether an unrecognised record does not say what it is: it may be what mattered, and cannot be asked about."""
    if line.source not in _NAMED_TYPES:
        return False
    if line.reason == "drug":
        return True
    return line.reason in ("unnamed", "unreadable", "finding") and (
        not line.said or bool(_BARE_CODE.fullmatch(line.said))
    )


def _is_known_use(resource: fhir.Resource, devices: frozenset[str]) -> bool:
    """Whether a record is of the use of a device that came along, and is judged by itself."""
    if not isinstance(resource, fhir.DeviceUseStatement) or resource.device is None:
        return False
    return reference_id(resource.device, "Device") in devices


@dataclass(frozen=True, slots=True)
class Records:
    """What the resources of a chart say: entries by concept, what is said in words only, and what became of each."""

    entries: Mapping[str, tuple[ChartEntry, ...]]
    remarks: tuple[Remark, ...]
    ledger: Ledger
    course: tuple[CourseNote, ...]


def read_records(resources: Mapping[str, Iterable[fhir.Resource]], context: ReadingContext) -> Records:
    """Read every resource once, in an order of results that their arrival does not change."""
    by_concept = defaultdict[str, list[ChartEntry]](list)
    remarks: list[Remark] = []
    lines: list[LedgerLine] = []
    course: list[CourseNote] = []
    devices = frozenset(device.id for device in resources.get("Device", ()) if device.id)
    for name, group in resources.items():
        for resource in group:
            content = content_of(resource)
            if content is not None and (aside := _asides.get((context.index, content))) is not None:
                lines.append(aside_line(resource, newest_date(resource, context), aside))
                continue
            entries = tuple(entries_of(resource, context))
            for entry in entries:
                for concept in entry.concepts:
                    by_concept[concept].append(entry)
            concepts = frozenset(concept for entry in entries for concept in entry.concepts)
            silent = is_silent(resource)
            places = () if silent else tuple(dict.fromkeys(places_of(resource, context.index)))
            said = remarks_of(resource, places, topics_of(concepts), context) if places else []
            notes = [] if silent else course_notes(resource, places, concepts, context)
            course += notes
            remarks += said
            if name not in _NO_RECORDS:
                known = bool(concepts) or _is_known_use(resource, devices)
                read = Read(
                    context.index,
                    known,
                    frozenset(remark.text for remark in said),
                    tuple(place.text for place in places) if name in _TEXTS_READ else (),
                    isinstance(resource, DrugRecord) and is_named(resource, context.medications, context.index),
                    tuple(_only_named(resource, context)) if isinstance(resource, fhir.Encounter) else (),
                    name_beside(resource, places),
                )
                line = line_of(resource, newest_date(resource, context), read)
                lines.append(line)
                is_aside = line.standing is Standing.SET_ASIDE and not (entries or said or notes)
                if content is not None and is_aside:
                    _remember_aside(context.index, content, line)
    return Records(
        {concept: tuple(sorted(found, key=_order)) for concept, found in by_concept.items()},
        tuple(sorted(remarks, key=lambda remark: (remark.reference, remark.text))),
        Ledger(tuple(sorted(lines, key=lambda line: (line.source, line.reference)))),
        tuple(sorted(course, key=lambda note: (note.reference, note.kind))),
    )


def _remember_aside(index: TerminologyIndex, content: bytes, line: LedgerLine) -> None:
    if len(_asides) >= _MOST_ASIDES:
        _asides.clear()
    _asides[index, content] = Aside(line.reason, line.span)


def _only_named(encounter: fhir.Encounter, context: ReadingContext) -> Iterator[CodeableConcept]:
    """Yield the diagnoses of a visit that are records which did not come, by what the reference calls them, if it does.

    What is no problem by its type (a procedure, an observation) is told by its own record.
    """
    for reference in (*encounter.reason_reference, *(diagnosis.condition for diagnosis in encounter.diagnosis)):
        if reference is None or reference_id(reference, "Condition") in context.conditions:
            continue
        if reference.display or named_type(reference.reference) in (None, "Condition"):
            yield CodeableConcept(text=reference.display)


def _order(entry: ChartEntry) -> tuple[str, str, str]:
    """Newest first is decided where it matters; here only the result must not depend on arrival."""
    return (entry.reference, entry.words, str(entry.codes))


def _without_repeats(found: list[fhir.Resource]) -> tuple[fhir.Resource, ...]:
    """Drop resources that arrived twice, under two keys or on two pages; two that only share an id are both kept."""
    unique: dict[object, list[fhir.Resource]] = {}
    for position, resource in enumerate(found):
        unique.setdefault(resource.id or position, []).append(resource)
    return tuple(resource for same in unique.values() for resource in (same if len(same) == 1 else _distinct(same)))


def _distinct(same: list[fhir.Resource]) -> Iterable[fhir.Resource]:
    """Return each of some resources once; written out they can be told apart without comparing each with each."""
    unique: dict[bytes, fhir.Resource] = {}
    for resource in same:
        unique.setdefault(msgspec.json.encode(resource), resource)
    return unique.values()


def subject_of(resource: fhir.Resource) -> Reference | None:
    """Return the reference to the patient a resource is about; None where the type has none or it is missing."""
    if isinstance(resource, fhir.Appointment):
        actors = [participant.actor for participant in resource.participant]
        return next((actor for actor in actors if reference_id(actor, "Patient")), None)
    subject: Reference | None = getattr(resource, "subject", None) or getattr(resource, "patient", None)
    return subject


def belongs_to(resource: fhir.Resource, patient_id: str) -> bool:
    """Whether a resource is about the patient, or does not say about whom: the search was bound to the patient."""
    subject: Reference | None = getattr(resource, "subject", None)
    if subject is not None and subject.reference == f"Patient/{patient_id}":  # nearly all are written so
        return True
    if isinstance(resource, fhir.Patient):
        return resource.id == patient_id
    if isinstance(resource, fhir.Medication):
        return True
    subject = subject_of(resource)
    owner = reference_id(subject, "Patient")
    if owner is None:
        return named_type(subject.reference if subject else None) is None
    return owner == patient_id
