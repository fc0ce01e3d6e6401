"""The FHIR R4 resources the criteria read, and the way a broken one still counts.

A resource is decoded into a struct that holds only what is read. One that does not fit, because a vendor sends a
string for a CodeableConcept or a number for a date, is salvaged element by element: each element that can be read
is kept, the others are dropped, and the resource says that it was not read whole.
"""

from __future__ import annotations

from typing import Any, TypeVar, get_args, get_origin

import msgspec

from fhir_mappings.datatypes import (
    Annotation,
    CodeableConcept,
    Coding,
    FhirStruct,
    Period,
    Quantity,
    Range,
    Reference,
)


class Resource(FhirStruct, kw_only=True):
    """What all resources share."""

    resource_type: str = ""
    id: str | None = None
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
    recorder: Reference | None = None
    asserter: Reference | None = None
    onset_date_time: str | None = None
    onset_age: Quantity | None = None
    onset_period: Period | None = None
    onset_range: Range | None = None
    onset_string: str | None = None
    abatement_date_time: str | None = None
    abatement_period: Period | None = None
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


class Medication(Resource, kw_only=True):
    """FHIR Medication, when a prefetch includes it."""

    code: CodeableConcept | None = None


class DeviceName(FhirStruct):
    """FHIR Device.deviceName."""

    name: str | None = None


class Device(Resource, kw_only=True):
    """FHIR Device."""

    status: str | None = None
    type: CodeableConcept | None = None
    safety: list[CodeableConcept] = []
    patient: Reference | None = None
    device_name: list[DeviceName] = []
    note: list[Annotation] = []


class DeviceUseStatement(Resource, kw_only=True):
    """FHIR DeviceUseStatement."""

    status: str | None = None
    subject: Reference | None = None
    device: Reference | None = None


class EncounterDiagnosis(FhirStruct):
    """FHIR Encounter.diagnosis."""

    condition: Reference | None = None


class Encounter(Resource, kw_only=True):
    """FHIR Encounter."""

    status: str | None = None
    subject: Reference | None = None
    reason_code: list[CodeableConcept] = []
    type: list[CodeableConcept] = []
    diagnosis: list[EncounterDiagnosis] = []
    period: Period | None = None


class DiagnosticReport(Resource, kw_only=True):
    """FHIR DiagnosticReport."""

    status: str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    effective_date_time: str | None = None
    effective_period: Period | None = None
    issued: str | None = None
    conclusion: str | None = None
    conclusion_code: list[CodeableConcept] = []


class ImagingStudy(Resource, kw_only=True):
    """FHIR ImagingStudy."""

    status: str | None = None
    subject: Reference | None = None
    started: str | None = None
    procedure_code: list[CodeableConcept] = []
    reason_code: list[CodeableConcept] = []


class AllergyIntolerance(Resource, kw_only=True):
    """FHIR AllergyIntolerance."""

    clinical_status: CodeableConcept | None = None
    verification_status: CodeableConcept | None = None
    code: CodeableConcept | None = None
    patient: Reference | None = None
    onset_date_time: str | None = None
    recorded_date: str | None = None


class ServiceRequest(Resource, kw_only=True):
    """FHIR ServiceRequest of the record (not the draft order, which keeps its original JSON)."""

    status: str | None = None
    intent: str | None = None
    do_not_perform: bool | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    authored_on: str | None = None


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


class QuestionItem(FhirStruct):
    """FHIR QuestionnaireResponse.item; items nest."""

    text: str | None = None
    answer: list[Answer] = []
    item: list[QuestionItem] = []


class QuestionnaireResponse(Resource, kw_only=True):
    """FHIR QuestionnaireResponse."""

    status: str | None = None
    subject: Reference | None = None
    authored: str | None = None
    item: list[QuestionItem] = []


R = TypeVar("R", bound=FhirStruct)

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
_DECODERS = {name: msgspec.json.Decoder(cls) for name, cls in RESOURCE_TYPES.items()}


class _Head(msgspec.Struct, rename="camel", gc=False):
    resource_type: object = None


_HEAD = msgspec.json.Decoder(_Head)


def resource_type_of(raw: bytes | msgspec.Raw) -> str:
    """Return the resourceType of a JSON value, empty where it has none."""
    try:
        name = _HEAD.decode(raw).resource_type
    except msgspec.DecodeError:
        return ""
    return name if isinstance(name, str) else ""


def decode_resource(raw: bytes | msgspec.Raw, expected: str) -> Resource | None:
    """Return the resource in a JSON value, or None where it is of a type that no criterion reads.

    `expected` is the type most likely found here; it saves a second look at the text and decides nothing else.
    """
    usual = decode_if(raw, expected)
    if usual is not None:
        return usual
    name = resource_type_of(raw)
    if name not in _DECODERS:
        return None
    try:
        return _DECODERS[name].decode(raw)
    except msgspec.ValidationError:
        return salvage(RESOURCE_TYPES[name], msgspec.json.decode(raw))


def decode_if(raw: bytes | msgspec.Raw, expected: str) -> Resource | None:
    """Return the resource in a JSON value if it is of the expected type and fits as it is."""
    decoder = _DECODERS.get(expected)
    if decoder is None:
        return None
    try:
        resource = decoder.decode(raw)
    except msgspec.ValidationError:
        return None
    return resource if resource.resource_type == expected else None


def convert_resource(plain: object) -> Resource | None:
    """Return the resource in decoded JSON (a contained one, or one from the order's Bundle), as `decode_resource`."""
    name = plain.get("resourceType") if isinstance(plain, dict) else None
    cls = RESOURCE_TYPES.get(name) if isinstance(name, str) else None
    if cls is None:
        return None
    try:
        return msgspec.convert(plain, cls, strict=False)
    except msgspec.ValidationError:
        return salvage(cls, plain)


def salvage(cls: type[R], plain: Any) -> R:
    """Build a struct from the elements that can be read, dropping the others; a resource says if any was dropped."""
    return _Salvage().struct(cls, plain)


class _Salvage:
    """One rescue of one resource; it remembers whether anything was lost."""

    def __init__(self) -> None:
        self.lost = False

    def struct(self, cls: type[R], plain: Any) -> R:
        """Return a struct of the elements that can be read."""
        found: dict[str, Any] = {}
        if not isinstance(plain, dict):
            self.lost = True
            return cls()
        for field in msgspec.structs.fields(cls):
            given = plain.get(field.encode_name)
            if given is not None:
                value = self.element(field.type, given)
                if value is not None:
                    found[field.name] = value
        if issubclass(cls, Resource) and self.lost:
            found["read_whole"] = False
        return cls(**found)

    def element(self, kind: Any, value: Any) -> Any:
        """Return one element as its declared type, or None if nothing of it can be read."""
        option = (
            next(option for option in (*get_args(kind), kind) if option is not type(None)) if _is_union(kind) else kind
        )
        inner = get_args(option)
        if get_origin(option) is list:
            items = value if isinstance(value, list) else [value]
            return [read for read in (self.element(inner[0], item) for item in items) if read is not None]
        if option is str and isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        try:
            return msgspec.convert(value, option, strict=False)
        except msgspec.ValidationError:
            read = self.nested(option, value) if isinstance(option, type) and issubclass(option, FhirStruct) else None
            self.lost = self.lost or read is None
            return read

    def nested(self, cls: type[FhirStruct], value: object) -> FhirStruct | None:
        """Return a nested struct; a bare string stands for a CodeableConcept's code and text, a Reference's target."""
        if isinstance(value, str):
            if cls is CodeableConcept:
                return CodeableConcept(coding=[Coding(code=value)], text=value)
            return Reference(reference=value) if cls is Reference else None
        if isinstance(value, list) and value and cls is not Coding:
            self.lost = self.lost or len(value) > 1
            return self.nested(cls, value[0])
        return self.struct(cls, value) if isinstance(value, dict) else None


def _is_union(kind: object) -> bool:
    return type(None) in get_args(kind)
