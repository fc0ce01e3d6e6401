"""The FHIR R4 resources the criteria read, each as a struct that holds only what is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from fhir_mappings.fhir.datatypes import (
    Annotation,
    Attachment,
    CodeableConcept,
    Coding,
    FhirStruct,
    Meta,
    Period,
    Quantity,
    Range,
    Ratio,
    Reference,
)


class Resource(FhirStruct, kw_only=True):
    """What all resources share."""

    resource_type: str = ""
    id: str | None = None
    meta: Meta | None = None
    contained: list[dict[str, Any]] = []
    read_whole: bool = True


class Patient(Resource, kw_only=True):
    """FHIR Patient; `deceased_date_time` may hold any text."""

    birth_date: str | None = None
    gender: str | None = None
    deceased_boolean: bool | None = None
    deceased_date_time: str | None = None


class Condition(Resource, kw_only=True):
    """FHIR Condition."""

    clinical_status: CodeableConcept | None = None
    verification_status: CodeableConcept | None = None
    code: CodeableConcept | None = None
    body_site: list[CodeableConcept] = []
    subject: Reference | None = None
    encounter: Reference | None = None
    recorder: Reference | None = None
    asserter: Reference | None = None
    onset_date_time: str | None = None
    onset_age: Quantity | None = None
    onset_period: Period | None = None
    onset_range: Range | None = None
    onset_string: str | None = None
    abatement_date_time: str | None = None
    abatement_period: Period | None = None
    abatement_string: str | None = None
    recorded_date: str | None = None
    note: list[Annotation] = []


class ReferenceRange(FhirStruct):
    """FHIR Observation.referenceRange."""

    low: Quantity | None = None
    high: Quantity | None = None


class ObservationComponent(FhirStruct):
    """FHIR Observation.component."""

    code: CodeableConcept | None = None
    value_quantity: Quantity | None = None
    value_codeable_concept: CodeableConcept | None = None
    value_string: str | None = None
    value_boolean: bool | None = None
    value_integer: int | None = None
    value_range: Range | None = None
    value_ratio: Ratio | None = None
    data_absent_reason: CodeableConcept | None = None
    interpretation: list[CodeableConcept] = []
    reference_range: list[ReferenceRange] = []


class Observation(Resource, kw_only=True):
    """FHIR Observation."""

    status: str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    performer: list[Reference] = []
    effective_date_time: str | None = None
    effective_instant: str | None = None
    effective_period: Period | None = None
    issued: str | None = None
    value_quantity: Quantity | None = None
    value_codeable_concept: CodeableConcept | None = None
    value_string: str | None = None
    value_boolean: bool | None = None
    value_integer: int | None = None
    value_range: Range | None = None
    value_ratio: Ratio | None = None
    data_absent_reason: CodeableConcept | None = None
    interpretation: list[CodeableConcept] = []
    body_site: CodeableConcept | None = None
    reference_range: list[ReferenceRange] = []
    component: list[ObservationComponent] = []
    note: list[Annotation] = []


class FocalDevice(FhirStruct):
    """FHIR Procedure.focalDevice."""

    action: CodeableConcept | None = None
    manipulated: Reference | None = None


class Procedure(Resource, kw_only=True):
    """FHIR Procedure."""

    status: str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    performed_date_time: str | None = None
    performed_period: Period | None = None
    body_site: list[CodeableConcept] = []
    focal_device: list[FocalDevice] = []
    reason_code: list[CodeableConcept] = []
    reason_reference: list[Reference] = []
    used_code: list[CodeableConcept] = []
    used_reference: list[Reference] = []
    note: list[Annotation] = []


class Dispense(FhirStruct):
    """FHIR MedicationRequest.dispenseRequest, as far as it tells how long a supply lasts."""

    validity_period: Period | None = None
    number_of_repeats_allowed: int | None = None
    expected_supply_duration: Quantity | None = None


class MedicationRequest(Resource, kw_only=True):
    """FHIR MedicationRequest."""

    status: str | None = None
    intent: str | None = None
    do_not_perform: bool | None = None
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    subject: Reference | None = None
    authored_on: str | None = None
    reason_code: list[CodeableConcept] = []
    reason_reference: list[Reference] = []
    note: list[Annotation] = []
    dispense_request: Dispense | None = None


class MedicationStatement(Resource, kw_only=True):
    """FHIR MedicationStatement."""

    status: str | None = None
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    subject: Reference | None = None
    effective_date_time: str | None = None
    effective_period: Period | None = None
    date_asserted: str | None = None
    reason_code: list[CodeableConcept] = []
    reason_reference: list[Reference] = []
    note: list[Annotation] = []


class Medication(Resource, kw_only=True):
    """FHIR Medication, when a prefetch includes it."""

    code: CodeableConcept | None = None


class DeviceProperty(FhirStruct):
    """FHIR Device.property."""

    type: CodeableConcept | None = None
    value_code: list[CodeableConcept] = []


class DeviceName(FhirStruct):
    """FHIR Device.deviceName."""

    name: str | None = None


class Device(Resource, kw_only=True):
    """FHIR Device; its identifiers have another shape in each version of FHIR, so they may hold anything."""

    status: str | None = None
    type: CodeableConcept | None = None
    safety: list[CodeableConcept] = []
    patient: Reference | None = None
    device_name: list[DeviceName] = []
    property: list[DeviceProperty] = []
    model_number: str | None = None
    note: list[Annotation] = []
    identifier: Any = None
    udi_carrier: Any = None
    udi: Any = None


class DeviceUseStatement(Resource, kw_only=True):
    """FHIR DeviceUseStatement."""

    status: str | None = None
    subject: Reference | None = None
    device: Reference | None = None
    note: list[Annotation] = []


class EncounterDiagnosis(FhirStruct):
    """FHIR Encounter.diagnosis."""

    condition: Reference | None = None


class Encounter(Resource, kw_only=True):
    """FHIR Encounter."""

    status: str | None = None
    subject: Reference | None = None
    reason_code: list[CodeableConcept] = []
    type: list[CodeableConcept] = []
    service_type: object = None
    location: object = None
    service_provider: object = None
    class_: object = msgspec.field(name="class", default=None)
    reason_reference: list[Reference] = []
    diagnosis: list[EncounterDiagnosis] = []
    period: Period | None = None

    @property
    def act_class(self) -> frozenset[str]:
        """The codes of its class: one coding, or the list of concepts of R5."""
        return frozenset(_values(self.class_, "code"))

    @property
    def class_names(self) -> tuple[str, ...]:
        """What its class is called."""
        return (*_values(self.class_, "display"), *_values(self.class_, "text"))

    @property
    def kinds(self) -> tuple[str, ...]:
        """What its types and its service are called."""
        types = [
            text for kind in self.type for text in (kind.text, *(coding.display for coding in kind.coding)) if text
        ]
        return (*types, *_values(self.service_type, "text"), *_values(self.service_type, "display"))

    @property
    def departments(self) -> tuple[str, ...]:
        """What its places and its organization are called."""
        stays = self.location if isinstance(self.location, list) else [self.location]
        places = [stay.get("location") for stay in stays if isinstance(stay, dict)]
        inside = [found.get("name") for found in self.contained if found.get("resourceType") == "Location"]
        named = (name for name in inside if isinstance(name, str))
        return (*_values(places, "display"), *_values(self.service_provider, "display"), *named)


def _values(value: object, key: str) -> Iterator[str]:
    """Yield the texts under a key, however deep: an element that is a coding, a concept, or a list of them."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            if isinstance(found := item.get(key), str):
                yield found
            yield from _values(item.get("coding"), key)
            yield from _values(item.get("concept"), key)


class DiagnosticReport(Resource, kw_only=True):
    """FHIR DiagnosticReport."""

    status: str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    effective_date_time: str | None = None
    effective_period: Period | None = None
    issued: str | None = None
    conclusion: str | None = None
    category: list[CodeableConcept] = []
    presented_form: list[Attachment] = []
    conclusion_code: list[CodeableConcept] = []


class ImagingStudy(Resource, kw_only=True):
    """FHIR ImagingStudy."""

    status: str | None = None
    subject: Reference | None = None
    started: str | None = None
    procedure_code: list[CodeableConcept] = []
    reason_code: list[CodeableConcept] = []


class Reaction(FhirStruct):
    """FHIR AllergyIntolerance.reaction."""

    substance: CodeableConcept | None = None
    manifestation: list[CodeableConcept] = []
    description: str | None = None


class AllergyIntolerance(Resource, kw_only=True):
    """FHIR AllergyIntolerance."""

    clinical_status: CodeableConcept | None = None
    verification_status: CodeableConcept | None = None
    code: CodeableConcept | None = None
    patient: Reference | None = None
    onset_date_time: str | None = None
    recorded_date: str | None = None
    reaction: list[Reaction] = []
    note: list[Annotation] = []


class ServiceRequest(Resource, kw_only=True):
    """FHIR ServiceRequest of the record (not the draft order, which keeps its original JSON)."""

    status: str | None = None
    intent: str | None = None
    do_not_perform: bool | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    authored_on: str | None = None
    reason_code: list[CodeableConcept] = []
    reason_reference: list[Reference] = []
    note: list[Annotation] = []


class Appointment(Resource, kw_only=True):
    """FHIR Appointment; its patient stands among the participants."""

    status: str | None = None
    service_type: list[CodeableConcept] = []
    reason_code: list[CodeableConcept] = []
    start: str | None = None
    participant: list[AppointmentParticipant] = []


class AppointmentParticipant(FhirStruct):
    """FHIR Appointment.participant."""

    actor: Reference | None = None


class Answer(FhirStruct):
    """FHIR QuestionnaireResponse.item.answer."""

    value_string: str | None = None
    value_boolean: bool | None = None
    value_coding: Coding | None = None
    value_integer: int | None = None
    value_decimal: float | None = None
    value_date: str | None = None
    value_date_time: str | None = None
    value_quantity: Quantity | None = None
    value_reference: Reference | None = None
    item: list[QuestionItem] = []


class QuestionItem(FhirStruct):
    """FHIR QuestionnaireResponse.item; items nest, also below answers."""

    link_id: str | None = None
    definition: str | None = None
    text: str | None = None
    answer: list[Answer] = []
    item: list[QuestionItem] = []


class QuestionnaireResponse(Resource, kw_only=True):
    """FHIR QuestionnaireResponse."""

    status: str | None = None
    subject: Reference | None = None
    based_on: list[Reference] = []
    authored: str | None = None
    item: list[QuestionItem] = []


RESOURCE_TYPES: dict[str, type[Resource]] = {
    cls.__name__: cls
    for cls in (
        AllergyIntolerance,
        Appointment,
        Condition,
        Device,
        DeviceUseStatement,
        DiagnosticReport,
        Encounter,
        ImagingStudy,
        Medication,
        MedicationRequest,
        MedicationStatement,
        Observation,
        Patient,
        Procedure,
        QuestionnaireResponse,
        ServiceRequest,
    )
}
