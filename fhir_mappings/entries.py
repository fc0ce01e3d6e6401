"""One shape for what the chart says: which concept, asserted how, active or not, and when.

Each resource type has its own status elements, dates and places for codes. Here they become `ChartEntry` objects,
so that a criterion asks for a concept and never cares where it was recorded. Resources that are no evidence of
anything (entered in error, not done, cancelled) end here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from fhir_mappings import resources as fhir
from fhir_mappings.datatypes import CodeableConcept, Coding, Quantity
from fhir_mappings.dates import UNKNOWN_DATE, DateInterval, date_at_age, parse_date, parse_period
from fhir_mappings.terminology import Code, TerminologyIndex


class Assertion(StrEnum):
    """How a record asserts what it codes."""

    PRESENT = "present"
    SUSPECTED = "suspected"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Activity(StrEnum):
    """Whether a record says that something goes on."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ChartEntry:
    """One coded statement of the chart.

    `codes` are the codings that belong to a known concept, with this project's displays; `words` is everything a
    person could read in it, lower-cased, and is used as a hint only. `when` is when it began or was observed,
    `recorded` when it was written down, `ended` when it stopped.
    """

    reference: str
    resource: fhir.Resource
    concepts: frozenset[str]
    codes: tuple[tuple[str, Code], ...]
    assertion: Assertion = Assertion.PRESENT
    activity: Activity = Activity.UNKNOWN
    when: DateInterval = UNKNOWN_DATE
    recorded: DateInterval = UNKNOWN_DATE
    ended: DateInterval = UNKNOWN_DATE
    author: str | None = None
    words: str = ""
    of_order: bool = False

    @property
    def dated(self) -> DateInterval:
        """When it applies: its own date, else when it was written down."""
        return self.when if self.when.is_known else self.recorded

    def codes_of(self, concept: str) -> tuple[Code, ...]:
        """Return the codings that belong to a concept."""
        return tuple(code for name, code in self.codes if name == concept)


@dataclass(frozen=True, slots=True)
class ReadingContext:
    """What reading an entry needs beside the resource."""

    index: TerminologyIndex
    birth: DateInterval = UNKNOWN_DATE
    medications: dict[str, fhir.Medication] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Coded:
    """The part of an entry that comes from CodeableConcepts."""

    concepts: frozenset[str]
    codes: tuple[tuple[str, Code], ...]
    words: str


_NOTHING = _Coded(frozenset(), (), "")


def code_up(index: TerminologyIndex, *concepts: CodeableConcept | None) -> _Coded:
    """Look up every coding of some CodeableConcepts that describe one thing."""
    codes: dict[tuple[str, Code], None] = {}
    words: list[str] = []
    for concept in concepts:
        if concept is None:
            continue
        words += [concept.text or "", *(coding.display or "" for coding in concept.coding)]
        for coding in concept.coding:
            for name in index.concepts_of(coding.system, coding.code):
                codes[name, _own_code(index, name, coding)] = None
    if not codes and not any(words):
        return _NOTHING
    ordered = tuple(sorted(codes))
    return _Coded(frozenset(name for name, _ in ordered), ordered, " ".join(filter(None, words)).casefold())


def _own_code(index: TerminologyIndex, concept: str, coding: Coding) -> Code:
    """Return the coding with this project's display, so that no text of the sender is ever shown."""
    system, code = coding.system or "", (coding.code or "").strip()
    return Code(system, code, index.display_of(concept, system, code))


def entries_of(resource: fhir.Resource, context: ReadingContext) -> Iterator[ChartEntry]:
    """Return the entries of a resource; none where it is no evidence or holds no known concept."""
    reader = _READERS.get(type(resource))
    if reader is not None:
        yield from reader(resource, context)


def procedure_date(procedure: fhir.Procedure) -> DateInterval:
    """Return when a procedure was done, or begun."""
    period = procedure.performed_period
    return parse_period(period.start, period.end) if period else parse_date(procedure.performed_date_time)


def reference_of(resource: fhir.Resource) -> str:
    """Return `Type/id`, or the bare type where a resource has no id."""
    return f"{resource.resource_type}/{resource.id}" if resource.id else resource.resource_type


def status_code(concept: CodeableConcept | None) -> str:
    """Return the first code of a status, lower-cased; empty where there is none."""
    return next((coding.code.lower() for coding in concept.coding if coding.code), "") if concept else ""


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


def _unit(quantity: Quantity | None) -> str | None:
    return (quantity.code or quantity.unit) if quantity else None


def _condition(condition: fhir.Condition, context: ReadingContext) -> Iterator[ChartEntry]:
    verification = status_code(condition.verification_status)
    if verification == "entered-in-error":
        return
    coded = code_up(context.index, condition.code)
    if not coded.concepts:
        return
    ended = parse_date(condition.abatement_date_time)
    if condition.abatement_period:
        ended = parse_date(condition.abatement_period.end)
    activity = _CLINICAL.get(status_code(condition.clinical_status), Activity.UNKNOWN)
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
        _words(coded, condition.body_site),
    )


def _words(coded: _Coded, sites: list[CodeableConcept]) -> str:
    """Add what a body site says to the words of an entry."""
    said = [coded.words]
    for site in sites:
        said += [site.text or "", *(coding.display or "" for coding in site.coding)]
    return " ".join(filter(None, said)).casefold()


_ABSENT_WORDS = frozenset({"no", "none", "absent", "negative", "false", "not present", "not detected", "denies", "n"})
_PRESENT_WORDS = frozenset({"yes", "present", "positive", "true", "detected", "y"})
_UNKNOWN_WORDS = frozenset({"unknown", "undetermined", "not assessed", "not examined", "unable to assess"})
_NORMAL_INTERPRETATIONS = frozenset({"N", "NEG", "ND"})


def _observation(observation: fhir.Observation, context: ReadingContext) -> Iterator[ChartEntry]:
    if observation.status in ("entered-in-error", "cancelled", "registered"):
        return
    when = _observed(observation)
    sites = [observation.body_site] if observation.body_site else []
    author = observation.performer[0].reference if observation.performer else None
    parts: list[fhir.Observation | fhir.ObservationComponent] = [observation, *observation.component]
    for part in parts:
        coded = code_up(context.index, part.code)
        if coded.concepts:
            yield ChartEntry(
                reference_of(observation),
                observation,
                coded.concepts,
                coded.codes,
                observed_assertion(part, context.index),
                when=when,
                recorded=parse_date(observation.issued),
                author=author,
                words=_words(coded, sites),
            )
        found = code_up(context.index, part.value_codeable_concept)
        concepts = found.concepts - {"qualifier_presence"}
        if concepts:
            codes = tuple((name, code) for name, code in found.codes if name in concepts)
            yield ChartEntry(
                reference_of(observation),
                observation,
                concepts,
                codes,
                when=when,
                recorded=parse_date(observation.issued),
                author=author,
                words=_words(found, sites),
            )


def _observed(observation: fhir.Observation) -> DateInterval:
    period = observation.effective_period
    if period:
        # A finding that was observed over a period still held at its end.
        end = parse_date(period.end)
        return end if end.is_known else parse_date(period.start)
    return parse_date(observation.effective_date_time or observation.effective_instant)


def observed_assertion(part: fhir.Observation | fhir.ObservationComponent, index: TerminologyIndex) -> Assertion:
    """Return what the value of an Observation says of the finding that its code names."""
    if part.data_absent_reason is not None:
        return Assertion.UNKNOWN
    if part.value_boolean is not None:
        return Assertion.PRESENT if part.value_boolean else Assertion.ABSENT
    if part.value_codeable_concept is not None:
        return _qualified(part.value_codeable_concept, index)
    if part.value_string is not None:
        return _worded(part.value_string)
    if part.value_quantity is None and part.value_integer is None:
        codes = {coding.code for concept in part.interpretation for coding in concept.coding}
        return Assertion.ABSENT if codes & _NORMAL_INTERPRETATIONS else Assertion.PRESENT
    return Assertion.PRESENT


def _qualified(value: CodeableConcept, index: TerminologyIndex) -> Assertion:
    for coding in value.coding:
        if "qualifier_presence" in index.concepts_of(coding.system, coding.code):
            return _worded(index.display_of("qualifier_presence", coding.system or "", coding.code or ""))
    return _worded(value.text or next((coding.display for coding in value.coding if coding.display), None) or "")


def _worded(text: str) -> Assertion:
    word = " ".join(text.casefold().split()).rstrip(".").removesuffix(" (qualifier value)")
    if word in _ABSENT_WORDS:
        return Assertion.ABSENT
    return Assertion.UNKNOWN if word in _UNKNOWN_WORDS else Assertion.PRESENT


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
            words=_words(coded, procedure.body_site),
        )


def _medication_code(
    resource: fhir.MedicationRequest | fhir.MedicationStatement, context: ReadingContext
) -> CodeableConcept | None:
    """Return the drug's code, also where it stands in a contained or an included Medication."""
    if resource.medication_codeable_concept is not None:
        return resource.medication_codeable_concept
    target = (resource.medication_reference.reference or "") if resource.medication_reference else ""
    if target.startswith("#"):
        for plain in resource.contained:
            contained = fhir.convert_resource(plain)
            if isinstance(contained, fhir.Medication) and contained.id == target[1:]:
                return contained.code
    medication = context.medications.get(target.rsplit("/", 1)[-1])
    return medication.code if medication else None


def _medication_request(request: fhir.MedicationRequest, context: ReadingContext) -> Iterator[ChartEntry]:
    if request.status in ("entered-in-error", "cancelled", "draft", "on-hold") or request.do_not_perform:
        return
    coded = code_up(context.index, _medication_code(request, context))
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
    if statement.status in ("entered-in-error", "not-taken", "intended", "on-hold"):
        return
    coded = code_up(context.index, _medication_code(statement, context))
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
    for concept in (*encounter.reason_code, *encounter.type):
        coded = code_up(context.index, concept)
        if coded.concepts:
            yield ChartEntry(
                reference_of(encounter), encounter, coded.concepts, coded.codes, when=when, words=coded.words
            )


def _report(report: fhir.DiagnosticReport, context: ReadingContext) -> Iterator[ChartEntry]:
    if report.status in ("entered-in-error", "cancelled", "registered"):
        return
    coded = code_up(context.index, report.code)
    if coded.concepts:
        period = report.effective_period
        when = parse_date(report.effective_date_time or (period.end or period.start if period else None))
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
    coded = code_up(context.index, *study.procedure_code)
    if coded.concepts:
        when = parse_date(study.started)
        yield ChartEntry(reference_of(study), study, coded.concepts, coded.codes, when=when, words=coded.words)


def _allergy(allergy: fhir.AllergyIntolerance, context: ReadingContext) -> Iterator[ChartEntry]:
    verification = status_code(allergy.verification_status)
    if verification in ("entered-in-error", "refuted"):
        return
    coded = code_up(context.index, allergy.code)
    if coded.concepts:
        yield ChartEntry(
            reference_of(allergy),
            allergy,
            coded.concepts,
            coded.codes,
            _VERIFICATION.get(verification, Assertion.PRESENT),
            _CLINICAL.get(status_code(allergy.clinical_status), Activity.UNKNOWN),
            parse_date(allergy.onset_date_time),
            parse_date(allergy.recorded_date),
            words=coded.words,
        )


def _service_request(request: fhir.ServiceRequest, context: ReadingContext) -> Iterator[ChartEntry]:
    if request.status in ("entered-in-error", "revoked", "draft", "on-hold") or request.do_not_perform:
        return
    coded = code_up(context.index, request.code)
    if coded.concepts:
        when = parse_date(request.authored_on)
        yield ChartEntry(reference_of(request), request, coded.concepts, coded.codes, when=when, words=coded.words)


def _appointment(appointment: fhir.Appointment, context: ReadingContext) -> Iterator[ChartEntry]:
    if appointment.status in ("entered-in-error", "cancelled", "noshow"):
        return
    coded = code_up(context.index, *appointment.service_type, *appointment.reason_code)
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
    fhir.Observation: _observation,
    fhir.Procedure: _procedure,
    fhir.ServiceRequest: _service_request,
}


def order_entry(
    reference: str, reason: CodeableConcept, authored: DateInterval, index: TerminologyIndex
) -> ChartEntry | None:
    """Return the entry for a reason of the order: current by being the reason now."""
    coded = code_up(index, reason)
    if not coded.concepts:
        return None
    return ChartEntry(
        reference,
        fhir.Resource(resource_type="ServiceRequest"),
        coded.concepts,
        coded.codes,
        when=authored if authored.is_known else UNKNOWN_DATE,
        words=coded.words,
        of_order=True,
    )
