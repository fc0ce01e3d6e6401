"""How each resource type is read into chart entries: which statuses count, where its codes stand, and when it was.

What a resource type cannot state is not taken from it: a request is no operation, a prescription of a contrast agent
no allergy, an ordered study no diagnosis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from fhir_mappings.chart.entries import (
    Activity,
    Assertion,
    ChartEntry,
    Coded,
    ReadingContext,
    code_up,
    only,
    reference_of,
    words_of,
    words_with_sites,
)
from fhir_mappings.chart.medications import request_entries, statement_entries
from fhir_mappings.chart.observations import observation_entries
from fhir_mappings.chart.statuses import ENTERED_IN_ERROR, VERIFICATION_STATUSES, is_disregarded, is_over, status_code
from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.datatypes import CodeableConcept, Quantity, reference_id
from fhir_mappings.fhir.dates import UNKNOWN_DATE, DateInterval, date_at_age, parse_date, parse_period
from fhir_mappings.questionnaire.measured import measured_answers
from fhir_mappings.terminology.index import TerminologyIndex
from fhir_mappings.words.back_care import referral_concept
from fhir_mappings.words.matcher import LONGEST_QUOTE
from fhir_mappings.words.order_text import stated_implants


def entries_of(resource: fhir.Resource, context: ReadingContext) -> Iterator[ChartEntry]:
    """Return the entries of a resource; none where it is no evidence or holds no known concept."""
    reader = _READERS.get(type(resource))
    if reader is not None and not is_disregarded(resource):
        yield from reader(resource, context)


def procedure_date(procedure: fhir.Procedure) -> DateInterval:
    """Return when a procedure was done, or begun."""
    period = procedure.performed_period
    return parse_period(period.start, period.end) if period else parse_date(procedure.performed_date_time)


def report_date(report: fhir.DiagnosticReport) -> DateInterval:
    """Return when the study of a report was done."""
    period = report.effective_period
    return parse_date(report.effective_date_time or (period.end or period.start if period else None))


_VERIFICATION = {
    "refuted": Assertion.ABSENT,
    "unconfirmed": Assertion.SUSPECTED,
    "provisional": Assertion.SUSPECTED,
    "differential": Assertion.SUSPECTED,
}
_CLINICAL = {
    "active": Activity.ACTIVE,
    "recurrence": Activity.ACTIVE,
    "relapse": Activity.ACTIVE,
    "inactive": Activity.INACTIVE,
    "remission": Activity.INACTIVE,
    "resolved": Activity.INACTIVE,
}


def condition_onset(condition: fhir.Condition, birth: DateInterval) -> DateInterval:
    """Return when a Condition began, from whichever onset element it has."""
    if condition.onset_date_time:
        return parse_date(condition.onset_date_time)
    if condition.onset_period:
        return parse_period(condition.onset_period.start, condition.onset_period.end)
    if condition.onset_age:
        age = condition.onset_age
        return date_at_age(birth, age.value, age.value, _unit(age))
    if condition.onset_range:
        low, high = condition.onset_range.low, condition.onset_range.high
        unit = _unit(low) or _unit(high)
        return date_at_age(birth, low.value if low else None, high.value if high else None, unit)
    return parse_date(condition.onset_string)


def condition_end(condition: fhir.Condition) -> DateInterval:
    """Return when a Condition ended; unknown where it has not, or does not say."""
    period = condition.abatement_period
    return parse_date(period.end) if period else parse_date(condition.abatement_date_time)


def _unit(quantity: Quantity | None) -> str | None:
    return (quantity.code or quantity.unit) if quantity else None


def _condition(condition: fhir.Condition, context: ReadingContext) -> Iterator[ChartEntry]:
    verification = status_code(condition.verification_status, VERIFICATION_STATUSES)
    coded = code_up(context.index, condition.code)
    if not coded.concepts:
        return
    ended = condition_end(condition)
    activity = _CLINICAL.get(status_code(condition.clinical_status, _CLINICAL), Activity.UNKNOWN)
    if activity is Activity.UNKNOWN and is_over(condition):
        activity = Activity.INACTIVE
    author = condition.asserter or condition.recorder
    yield ChartEntry(
        reference_of(condition),
        condition,
        coded.concepts,
        coded.codes,
        _VERIFICATION.get(verification, Assertion.PRESENT),
        activity,
        condition_onset(condition, context.birth),
        parse_date(condition.recorded_date),
        ended,
        author.reference if author else None,
        words_with_sites(coded, condition.body_site),
    )


def _procedure(procedure: fhir.Procedure, context: ReadingContext) -> Iterator[ChartEntry]:
    coded = code_up(context.index, procedure.code)
    if coded.concepts:
        yield ChartEntry(
            reference_of(procedure),
            procedure,
            coded.concepts,
            coded.codes,
            when=procedure_date(procedure),
            words=words_with_sites(coded, procedure.body_site),
        )
    for focal in procedure.focal_device:
        shown = (focal.manipulated.display or "") if focal.manipulated else ""
        taken_out = focal.action is not None and focal.action.has_code("explanted")
        for statement in stated_implants(shown) if shown and not taken_out else ():
            yield ChartEntry(
                reference_of(procedure),
                procedure,
                frozenset({statement.concept}),
                (),
                when=procedure_date(procedure),
                words=shown.casefold(),
                quote=statement.quote,
                place="procedure_device",
            )


_REQUESTABLE = ("pt_referral", "exercise_advice", "manual_therapy", "surgery_candidate", "intervention_candidate")
_ALLERGIES = ("gadolinium_allergy", "contrast_allergy_generic")
_STUDIES = ("order_", "pvr")


def _encounter(encounter: fhir.Encounter, context: ReadingContext) -> Iterator[ChartEntry]:
    when = parse_period(encounter.period.start, encounter.period.end) if encounter.period else UNKNOWN_DATE
    diagnoses = [
        context.conditions.get(reference_id(diagnosis, "Condition") or "")
        for diagnosis in (*(item.condition for item in encounter.diagnosis), *encounter.reason_reference)
    ]
    known = [condition for condition in diagnoses if condition and is_confirmed(condition)]
    for concept in (*encounter.reason_code, *encounter.type, *(condition.code for condition in known)):
        coded = code_up(context.index, concept)
        if coded.concepts:
            yield ChartEntry(
                reference_of(encounter), encounter, coded.concepts, coded.codes, when=when, words=coded.words
            )


def is_confirmed(condition: fhir.Condition) -> bool:
    """Whether a Condition is neither doubted nor withdrawn."""
    verification = status_code(condition.verification_status, VERIFICATION_STATUSES)
    return verification not in _VERIFICATION and verification != ENTERED_IN_ERROR


def _report(report: fhir.DiagnosticReport, context: ReadingContext) -> Iterator[ChartEntry]:
    """Yield the study, and apart from it each coded conclusion: what a report concludes is a finding."""
    when = report_date(report)
    study = only(code_up(context.index, report.code), _STUDIES)
    conclusions = [code_up(context.index, code) for code in report.conclusion_code]
    for coded in (study, *(found for found in conclusions if "imaging_result_status" not in found.concepts)):
        if coded.concepts:
            yield ChartEntry(
                reference_of(report),
                report,
                coded.concepts,
                coded.codes,
                when=when,
                recorded=parse_date(report.issued),
                words=coded.words,
            )


def _imaging_study(study: fhir.ImagingStudy, context: ReadingContext) -> Iterator[ChartEntry]:
    coded = only(code_up(context.index, *study.procedure_code), _STUDIES)
    if coded.concepts:
        when = parse_date(study.started)
        yield ChartEntry(reference_of(study), study, coded.concepts, coded.codes, when=when, words=coded.words)


def _allergy(allergy: fhir.AllergyIntolerance, context: ReadingContext) -> Iterator[ChartEntry]:
    verification = status_code(allergy.verification_status, VERIFICATION_STATUSES)
    if verification == "refuted":
        return
    coded = only(code_up(context.index, allergy.code), _ALLERGIES)
    if coded.concepts:
        yield ChartEntry(
            reference_of(allergy),
            allergy,
            coded.concepts,
            coded.codes,
            _VERIFICATION.get(verification, Assertion.PRESENT),
            _CLINICAL.get(status_code(allergy.clinical_status, _CLINICAL), Activity.UNKNOWN),
            parse_date(allergy.onset_date_time),
            parse_date(allergy.recorded_date),
            words=coded.words,
        )


def _service_request(request: fhir.ServiceRequest, context: ReadingContext) -> Iterator[ChartEntry]:
    yield from _asked_for(request, parse_date(request.authored_on), "request", context, request.code)


def _appointment(appointment: fhir.Appointment, context: ReadingContext) -> Iterator[ChartEntry]:
    asked = (*appointment.service_type, *appointment.reason_code)
    yield from _asked_for(appointment, parse_date(appointment.start), "appointment", context, *asked)


def _asked_for(
    resource: fhir.Resource, when: DateInterval, place: str, context: ReadingContext, *asked: CodeableConcept | None
) -> Iterator[ChartEntry]:
    """Yield what a request is for: by its code, or where no code says it, a referral by its name."""
    coded = only(code_up(context.index, *asked), _REQUESTABLE)
    name = ""
    if not coded.concepts:
        named = ((text, referral_concept(text)) for concept in asked for text in words_of(concept))
        name, concept = next((found for found in named if found[1]), ("", ""))
        coded = Coded(frozenset({concept} if concept else ()), (), coded.words)
    if coded.concepts:
        yield ChartEntry(
            reference_of(resource),
            resource,
            coded.concepts,
            coded.codes,
            when=when,
            words=coded.words,
            quote=name[:LONGEST_QUOTE],
            place=place if name else "",
        )


def _response(response: fhir.QuestionnaireResponse, context: ReadingContext) -> Iterator[ChartEntry]:
    """Yield what the questions of a form measured ("Post void residual (mL)"), as an Observation would say it."""
    for measurement in measured_answers(response):
        for entry in observation_entries(measurement, context):
            yield replace(entry, reference=reference_of(response), resource=response)


def device_concepts(device: fhir.Device, index: TerminologyIndex) -> tuple[Coded, str]:
    """Return what kind of device it is, by its code or else by its names, and the name that tells it."""
    coded = code_up(index, device.type)
    if coded.concepts:
        return coded, ""
    names = [*words_of(device.type), *(name.name or "" for name in device.device_name)]
    statement = next((stated for name in names for stated in stated_implants(name)), None)
    if statement is None:
        return coded, ""
    return Coded(frozenset({statement.concept}), (), coded.words), statement.quote


def _device(device: fhir.Device, context: ReadingContext) -> Iterator[ChartEntry]:
    coded, name = device_concepts(device, context.index)
    activity = Activity.INACTIVE if device.status == "inactive" else Activity.UNKNOWN
    activity = Activity.ACTIVE if device.status == "active" else activity
    yield ChartEntry(
        reference_of(device),
        device,
        coded.concepts,
        coded.codes,
        activity=activity,
        words=coded.words,
        quote=name,
        place="device" if name else "",
    )


_READERS: dict[type[fhir.Resource], Callable[..., Iterator[ChartEntry]]] = {
    fhir.AllergyIntolerance: _allergy,
    fhir.Appointment: _appointment,
    fhir.Condition: _condition,
    fhir.Device: _device,
    fhir.DiagnosticReport: _report,
    fhir.Encounter: _encounter,
    fhir.ImagingStudy: _imaging_study,
    fhir.MedicationRequest: request_entries,
    fhir.MedicationStatement: statement_entries,
    fhir.Observation: observation_entries,
    fhir.Procedure: _procedure,
    fhir.QuestionnaireResponse: _response,
    fhir.ServiceRequest: _service_request,
}
