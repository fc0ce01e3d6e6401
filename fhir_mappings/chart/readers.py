"""How each resource type is read into chart entries: which statuses count, where its codes stand, and when it was.

What a resource type cannot state is not taken from it: a request is no operation, a prescription of a contrast agent
no allergy, an ordered study no diagnosis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fhir_mappings.chart.entries import (
    Activity,
    Assertion,
    ChartEntry,
    Coded,
    ReadingContext,
    code_up,
    reference_of,
    status_code,
    words_with_sites,
)
from fhir_mappings.chart.medications import is_disregarded, medication_code
from fhir_mappings.chart.observations import observation_entries
from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.datatypes import Quantity, reference_id
from fhir_mappings.fhir.dates import UNKNOWN_DATE, DateInterval, date_at_age, parse_date, parse_period


def entries_of(resource: fhir.Resource, context: ReadingContext) -> Iterator[ChartEntry]:
    """Return the entries of a resource; none where it is no evidence or holds no known concept."""
    reader = _READERS.get(type(resource))
    if reader is not None:
        yield from reader(resource, context)


def procedure_date(procedure: fhir.Procedure) -> DateInterval:
    """Return when a procedure was done, or begun."""
    period = procedure.performed_period
    return parse_period(period.start, period.end) if period else parse_date(procedure.performed_date_time)


_VERIFICATION = {
    "refuted": Assertion.ABSENT,
    "unconfirmed": Assertion.SUSPECTED,
    "provisional": Assertion.SUSPECTED,
    "differential": Assertion.SUSPECTED,
}
VERIFICATION_STATUSES = ("entered-in-error", *_VERIFICATION, "confirmed")
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


def _unit(quantity: Quantity | None) -> str | None:
    return (quantity.code or quantity.unit) if quantity else None


def _condition(condition: fhir.Condition, context: ReadingContext) -> Iterator[ChartEntry]:
    verification = status_code(condition.verification_status, VERIFICATION_STATUSES)
    if verification == "entered-in-error":
        return
    coded = code_up(context.index, condition.code)
    if not coded.concepts:
        return
    ended = parse_date(condition.abatement_date_time)
    if condition.abatement_period:
        ended = parse_date(condition.abatement_period.end)
    activity = _CLINICAL.get(status_code(condition.clinical_status, _CLINICAL), Activity.UNKNOWN)
    if activity is Activity.UNKNOWN and ended.is_known:
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
    if procedure.status in ("entered-in-error", "not-done", "preparation"):
        return
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


_DRUGS = (
    "nsaid_",
    "analgesic_",
    "steroid_",
    "immunosuppressant_",
    "osteoporosis_drug",
    "antineoplastic_drug",
    "anticoagulant_drug",
)
_REQUESTABLE = ("pt_referral", "exercise_advice", "manual_therapy", "surgery_candidate", "intervention_candidate")
_ALLERGIES = ("gadolinium_allergy", "contrast_allergy_generic")
_STUDIES = ("order_", "pvr")


def _only(coded: Coded, starts: tuple[str, ...]) -> Coded:
    """Return what a resource type can state, of all that its codes could mean elsewhere."""
    codes = tuple((name, code) for name, code in coded.codes if name.startswith(starts))
    return Coded(frozenset(name for name, _ in codes), codes, coded.words)


def _medication_request(request: fhir.MedicationRequest, context: ReadingContext) -> Iterator[ChartEntry]:
    if is_disregarded(request):
        return
    coded = _only(code_up(context.index, medication_code(request, context.medications)), _DRUGS)
    if coded.concepts:
        yield ChartEntry(
            reference_of(request),
            request,
            coded.concepts,
            coded.codes,
            activity=Activity.ACTIVE if request.status == "active" else Activity.UNKNOWN,
            when=parse_date(request.authored_on),
            words=coded.words,
        )


def _medication_statement(statement: fhir.MedicationStatement, context: ReadingContext) -> Iterator[ChartEntry]:
    if is_disregarded(statement):
        return
    coded = _only(code_up(context.index, medication_code(statement, context.medications)), _DRUGS)
    if coded.concepts:
        period = statement.effective_period
        when = parse_date(statement.effective_date_time)
        if period:
            when = parse_period(period.start, period.end)
        yield ChartEntry(
            reference_of(statement),
            statement,
            coded.concepts,
            coded.codes,
            activity=Activity.ACTIVE if statement.status == "active" else Activity.UNKNOWN,
            when=when,
            recorded=parse_date(statement.date_asserted),
            words=coded.words,
        )


def _encounter(encounter: fhir.Encounter, context: ReadingContext) -> Iterator[ChartEntry]:
    if encounter.status in ("entered-in-error", "cancelled", "planned"):
        return
    when = parse_period(encounter.period.start, encounter.period.end) if encounter.period else UNKNOWN_DATE
    diagnoses = [
        context.conditions.get(reference_id(diagnosis.condition, "Condition") or "")
        for diagnosis in encounter.diagnosis
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
    return verification not in _VERIFICATION and verification != "entered-in-error"


def _report(report: fhir.DiagnosticReport, context: ReadingContext) -> Iterator[ChartEntry]:
    """Yield the study, and apart from it each coded conclusion: what a report concludes is a finding."""
    if report.status in ("entered-in-error", "cancelled", "registered"):
        return
    period = report.effective_period
    when = parse_date(report.effective_date_time or (period.end or period.start if period else None))
    study = _only(code_up(context.index, report.code), _STUDIES)
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
    if study.status in ("entered-in-error", "cancelled", "registered"):
        return
    coded = _only(code_up(context.index, *study.procedure_code), _STUDIES)
    if coded.concepts:
        when = parse_date(study.started)
        yield ChartEntry(reference_of(study), study, coded.concepts, coded.codes, when=when, words=coded.words)


def _allergy(allergy: fhir.AllergyIntolerance, context: ReadingContext) -> Iterator[ChartEntry]:
    verification = status_code(allergy.verification_status, VERIFICATION_STATUSES)
    if verification in ("entered-in-error", "refuted"):
        return
    coded = _only(code_up(context.index, allergy.code), _ALLERGIES)
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
    if request.status in ("entered-in-error", "revoked", "draft", "on-hold") or request.do_not_perform:
        return
    coded = _only(code_up(context.index, request.code), _REQUESTABLE)
    if coded.concepts:
        when = parse_date(request.authored_on)
        yield ChartEntry(reference_of(request), request, coded.concepts, coded.codes, when=when, words=coded.words)


def _appointment(appointment: fhir.Appointment, context: ReadingContext) -> Iterator[ChartEntry]:
    if appointment.status in ("entered-in-error", "cancelled", "noshow"):
        return
    coded = _only(code_up(context.index, *appointment.service_type, *appointment.reason_code), _REQUESTABLE)
    if coded.concepts:
        when = parse_date(appointment.start)
        yield ChartEntry(
            reference_of(appointment), appointment, coded.concepts, coded.codes, when=when, words=coded.words
        )


def _device(device: fhir.Device, context: ReadingContext) -> Iterator[ChartEntry]:
    if device.status == "entered-in-error":
        return
    coded = code_up(context.index, device.type)
    activity = Activity.INACTIVE if device.status == "inactive" else Activity.UNKNOWN
    activity = Activity.ACTIVE if device.status == "active" else activity
    yield ChartEntry(reference_of(device), device, coded.concepts, coded.codes, activity=activity, words=coded.words)


_READERS: dict[type[fhir.Resource], Callable[..., Iterator[ChartEntry]]] = {
    fhir.AllergyIntolerance: _allergy,
    fhir.Appointment: _appointment,
    fhir.Condition: _condition,
    fhir.Device: _device,
    fhir.DiagnosticReport: _report,
    fhir.Encounter: _encounter,
    fhir.ImagingStudy: _imaging_study,
    fhir.MedicationRequest: _medication_request,
    fhir.MedicationStatement: _medication_statement,
    fhir.Observation: observation_entries,
    fhir.Procedure: _procedure,
    fhir.ServiceRequest: _service_request,
}
