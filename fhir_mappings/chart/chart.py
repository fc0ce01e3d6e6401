"""The chart: one patient's resources by concept, and for each source how far it can be relied on.

Built once per hook call from what the prefetch brought and what was read from the client's FHIR server; how a
resource came makes no difference. A resource of another patient is never used; that one was received is reported.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fhir_mappings.chart.answers import OrderAnswer, answers_of
from fhir_mappings.chart.entries import ChartEntry, ReadingContext, reference_of
from fhir_mappings.chart.medications import is_disregarded, medication_code, medications_by_id
from fhir_mappings.chart.readers import entries_of
from fhir_mappings.chart.remarks import Remark, remarks_of
from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.datatypes import Reference, named_type, reference_id
from fhir_mappings.fhir.dates import UNKNOWN_DATE, DateInterval, parse_date
from fhir_mappings.fhir.decoding import convert_resource
from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir.sources import NOT_PROVIDED, SourceReading, SourceState
from fhir_mappings.terminology.index import TerminologyIndex

# Uses that never were, or that are over; an explant is another matter.
_USE_DISREGARDED = frozenset({"entered-in-error", "intended", "completed", "stopped"})
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
    answers: tuple[OrderAnswer, ...] = ()
    remarks: tuple[Remark, ...] = ()
    foreign: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    withheld: bool = False
    missing_required: tuple[str, ...] = ()

    @property
    def birth(self) -> DateInterval:
        """The birth date; unknown where the patient could not be read."""
        return parse_date(self.patient.birth_date) if self.patient else UNKNOWN_DATE

    @property
    def unknown_devices(self) -> int:
        """How many Device resources are of a type that no concept knows."""
        devices = [found for found in self.resources.get("Device", ()) if isinstance(found, fhir.Device)]
        known = {id(entry.resource) for group in self.entries.values() for entry in group}
        return sum(id(device) not in known and device.status != "entered-in-error" for device in devices)

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
        """Return those of some sources that were not read whole, for whatever reason."""
        return tuple(name for name in resource_types if self.state(name) is not SourceState.COMPLETE)

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


def read_chart(patient_id: str, found: Mapping[str, SourceReading], index: TerminologyIndex) -> Chart:
    """Build the chart of a patient from the reading of each source, by prefetch key."""
    readings = {need.key: found.get(need.key, NOT_PROVIDED) for need in DATA_NEEDS}
    own = defaultdict[str, list[fhir.Resource]](list)
    foreign: list[str] = []
    for reading in readings.values():
        for resource in reading.resources:
            if belongs_to(resource, patient_id):
                own[resource.resource_type].append(resource)
                own["Device"] += _contained_devices(resource)
            else:
                foreign.append(resource.resource_type)
    patient = next((found for found in own["Patient"] if isinstance(found, fhir.Patient)), None)
    resources = {name: _without_repeats(found) for name, found in own.items()}
    birth = parse_date(patient.birth_date) if patient else UNKNOWN_DATE
    medications = medications_by_id(resources.get("Medication", ()))
    states = {
        need.resource_type: _state(readings[need.key], need.resource_type, patient_id, medications)
        for need in DATA_NEEDS
    }
    uses = resources.get("DeviceUseStatement", ())
    if states["DeviceUseStatement"] is SourceState.COMPLETE and _uses_unknown_device(uses, resources.get("Device", ())):
        states["DeviceUseStatement"] = SourceState.PARTIAL
    return Chart(
        patient_id,
        patient,
        states,
        index_entries(resources, index, birth),
        resources,
        index,
        tuple(answers_of([*resources.get("Observation", ()), *resources.get("QuestionnaireResponse", ())])),
        tuple(sorted(remarks_of(resources, index, birth), key=lambda remark: (remark.reference, remark.text))),
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
    reading: SourceReading, resource_type: str, patient_id: str, medications: Mapping[str, fhir.Medication]
) -> SourceState:
    """Return the state of a source; what could not be understood in it may be what mattered."""
    own = [resource for resource in reading.resources if belongs_to(resource, patient_id)]
    if resource_type == "Patient" and reading.resources:
        return reading.state if own else SourceState.UNAVAILABLE
    lost = any(not resource.read_whole or _says_nothing(resource, medications) for resource in own)
    lost = lost or holds_others_only(reading, patient_id)
    return SourceState.PARTIAL if lost and reading.state is SourceState.COMPLETE else reading.state


def holds_others_only(reading: SourceReading, patient_id: str) -> bool:
    """Whether all that a source holds is about other patients: nothing shows that it was searched for this one."""
    about = (resource for resource in reading.resources if not isinstance(resource, fhir.Medication))
    whose = [belongs_to(resource, patient_id) for resource in about]
    return bool(whose) and not any(whose)


def _says_nothing(resource: fhir.Resource, medications: Mapping[str, fhir.Medication]) -> bool:
    """Whether a resource does not say what it is about: no code of a system, and no words.

    A drug named by a reference that leads nowhere says nothing, since the reference's display is read by no criterion.
    """
    match resource:
        case fhir.Condition() | fhir.Observation() | fhir.Procedure():
            code = resource.code
        case fhir.MedicationRequest() | fhir.MedicationStatement():
            if is_disregarded(resource):
                return False
            code = medication_code(resource, medications)
        case _:
            return False
    codings = code.coding if code else []
    if any(coding.code and ":" in (coding.system or "") for coding in codings):
        return False
    words = [code.text if code else None, *(coding.display for coding in codings)]
    return all(not word or _BARE_CODE.fullmatch(word.strip()) for word in words)


def _uses_unknown_device(uses: Iterable[fhir.Resource], devices: Iterable[fhir.Resource]) -> bool:
    """Whether somebody recorded the use of a device that did not come along: it may be an implant."""
    known = {device.id for device in devices}
    return any(
        isinstance(use, fhir.DeviceUseStatement)
        and use.status not in _USE_DISREGARDED
        and use.device is not None
        and (use.device.reference or "").removeprefix("#") not in known
        and reference_id(use.device, "Device") not in known
        for use in uses
    )


def _contained_devices(resource: fhir.Resource) -> list[fhir.Resource]:
    """Return the devices that a DeviceUseStatement carries inside."""
    if not isinstance(resource, fhir.DeviceUseStatement):
        return []
    carried = [convert_resource(plain) for plain in resource.contained]
    return [found for found in carried if isinstance(found, fhir.Device)]


def index_entries(
    resources: Mapping[str, Iterable[fhir.Resource]], index: TerminologyIndex, birth: DateInterval
) -> dict[str, tuple[ChartEntry, ...]]:
    """Return concept -> entries, in one pass over the resources, in an order that their arrival does not change."""
    medications = medications_by_id(resources.get("Medication", ()))
    conditions = {
        found.id: found for found in resources.get("Condition", ()) if isinstance(found, fhir.Condition) and found.id
    }
    context = ReadingContext(index, birth, medications, conditions)
    by_concept = defaultdict[str, list[ChartEntry]](list)
    for group in resources.values():
        for resource in group:
            for entry in entries_of(resource, context):
                for concept in entry.concepts:
                    by_concept[concept].append(entry)
    return {concept: tuple(sorted(found, key=_order)) for concept, found in by_concept.items()}


def _order(entry: ChartEntry) -> tuple[str, str, str]:
    """Newest first is decided where it matters; here only the result must not depend on arrival."""
    return (entry.reference, entry.words, str(entry.codes))


def _without_repeats(found: list[fhir.Resource]) -> tuple[fhir.Resource, ...]:
    """Drop resources that arrived twice, under two keys or on two pages."""
    unique: dict[object, fhir.Resource] = {}
    for position, resource in enumerate(found):
        unique.setdefault(resource.id or position, resource)
    return tuple(unique.values())


def subject_of(resource: fhir.Resource) -> Reference | None:
    """Return the reference to the patient a resource is about; None where the type has none or it is missing."""
    if isinstance(resource, fhir.Appointment):
        actors = [participant.actor for participant in resource.participant]
        return next((actor for actor in actors if reference_id(actor, "Patient")), None)
    subject: Reference | None = getattr(resource, "subject", None) or getattr(resource, "patient", None)
    return subject


def belongs_to(resource: fhir.Resource, patient_id: str) -> bool:
    """Whether a resource is about the patient, or does not say about whom: the search was bound to the patient."""
    if isinstance(resource, fhir.Patient):
        return resource.id == patient_id
    if isinstance(resource, fhir.Medication):
        return True
    subject = subject_of(resource)
    owner = reference_id(subject, "Patient")
    if owner is None:
        return named_type(subject.reference if subject else None) is None
    return owner == patient_id
