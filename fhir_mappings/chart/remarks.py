"""Where free text stands in a chart and in an order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_mappings.chart.entries import Assertion, reference_of, status_code
from fhir_mappings.chart.observations import observed_assertion, observed_on
from fhir_mappings.chart.readers import VERIFICATION_STATUSES, condition_onset, procedure_date
from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.datatypes import Annotation, CodeableConcept
from fhir_mappings.fhir.dates import UNKNOWN_DATE, DateInterval, parse_date, parse_period
from fhir_mappings.terminology.index import TerminologyIndex
from fhir_mappings.words.matcher import mentions_in
from fhir_mappings.words.topics import topics_of

_OVER = ("inactive", "resolved", "remission")


@dataclass(frozen=True, slots=True)
class Remark:
    """A free text of the record that may hold a hint: where it stands, when it applies, and whether it may be over.

    `covered` are topics that the resource's own codes settle already.
    """

    reference: str
    text: str
    when: DateInterval = UNKNOWN_DATE
    is_over: bool = False
    covered: frozenset[str] = frozenset()


def remarks_of(
    resources: Mapping[str, Iterable[fhir.Resource]], index: TerminologyIndex, birth: DateInterval
) -> Iterator[Remark]:
    """Yield the remarks of a chart that may hold a hint."""
    for group in resources.values():
        for resource in group:
            if isinstance(resource, fhir.Condition):
                yield from _condition(resource, index, birth)
            elif (reader := _READERS.get(type(resource))) is not None:
                yield from reader(resource, index)


def _procedure(procedure: fhir.Procedure, index: TerminologyIndex) -> Iterator[Remark]:
    if procedure.status not in ("entered-in-error", "not-done"):
        yield from _coded(procedure, procedure.code, index, procedure_date(procedure))


def _encounter(encounter: fhir.Encounter, index: TerminologyIndex) -> Iterator[Remark]:
    if encounter.status in ("entered-in-error", "cancelled"):
        return
    period = encounter.period
    when = parse_period(period.start, period.end) if period else UNKNOWN_DATE
    for reason in encounter.reason_code:
        yield from _coded(encounter, reason, index, when)


def _device(device: fhir.Device, index: TerminologyIndex) -> Iterator[Remark]:
    if device.status != "entered-in-error":
        names = [name.name or "" for name in device.device_name]
        yield from _coded(device, device.type, index, UNKNOWN_DATE, more=names)


def _condition(condition: fhir.Condition, index: TerminologyIndex, birth: DateInterval) -> Iterator[Remark]:
    if status_code(condition.verification_status, VERIFICATION_STATUSES) in ("entered-in-error", "refuted"):
        return
    over = bool(status_code(condition.clinical_status, _OVER))
    onset = condition_onset(condition, birth)
    when = onset if onset.is_known else parse_date(condition.recorded_date)
    yield from _coded(condition, condition.code, index, when, more=_notes(condition.note), is_over=over)


def _observation(observation: fhir.Observation, index: TerminologyIndex) -> Iterator[Remark]:
    if observation.status in ("entered-in-error", "cancelled", "registered"):
        return
    when = observed_on(observation)
    said = [observation.value_string or "", *_notes(observation.note)]
    if observation.value_quantity is None and observed_assertion(observation, index) is Assertion.PRESENT:
        value = observation.value_codeable_concept
        said += [*words_of(observation.code), *words_of(value)]
    covered = topics_of(concepts_of(observation.code, index))
    yield from _kept(reference_of(observation), said, when, covered=covered)


_READERS: dict[type[fhir.Resource], Callable[..., Iterator[Remark]]] = {
    fhir.Device: _device,
    fhir.Encounter: _encounter,
    fhir.Observation: _observation,
    fhir.Procedure: _procedure,
}


def _coded(  # noqa: PLR0913 - what makes a remark
    resource: fhir.Resource,
    code: CodeableConcept | None,
    index: TerminologyIndex,
    when: DateInterval,
    *,
    more: Iterable[str] = (),
    is_over: bool = False,
) -> Iterator[Remark]:
    covered = topics_of(concepts_of(code, index))
    yield from _kept(reference_of(resource), [*words_of(code), *more], when, covered=covered, is_over=is_over)


def _kept(
    reference: str, texts: Iterable[str], when: DateInterval, *, covered: frozenset[str], is_over: bool = False
) -> Iterator[Remark]:
    for text in dict.fromkeys(texts):
        if text and mentions_in(text):
            yield Remark(reference, text, when, is_over, covered)


def _notes(notes: Iterable[Annotation]) -> list[str]:
    return [note.text or "" for note in notes]


def words_of(concept: CodeableConcept | None) -> list[str]:
    """Return the text and the displays of a CodeableConcept."""
    return [] if concept is None else [concept.text or "", *(coding.display or "" for coding in concept.coding)]


def concepts_of(concept: CodeableConcept | None, index: TerminologyIndex) -> frozenset[str]:
    """Return every concept that the codings of a CodeableConcept belong to."""
    codings = concept.coding if concept else []
    return frozenset(name for coding in codings for name in index.concepts_of(coding.system, coding.code))


def order_remarks(
    reference: str, resource: Mapping[str, Any], reasons: Iterable[CodeableConcept], index: TerminologyIndex
) -> tuple[Remark, ...]:
    """Return the remarks of an order: its reasons in words, its notes, its order details."""
    found: list[Remark] = []
    for reason in reasons:
        covered = topics_of(concepts_of(reason, index))
        found += _kept(reference, words_of(reason), UNKNOWN_DATE, covered=covered)
    found += _kept(reference, _notes_of_order(resource), UNKNOWN_DATE, covered=frozenset())
    return tuple(found)


def order_texts(resource: Mapping[str, Any], reasons: Iterable[CodeableConcept]) -> tuple[str, ...]:
    """Return all that an order says in words, hint or not."""
    words = [*(word for reason in reasons for word in words_of(reason)), *_notes_of_order(resource)]
    return tuple(dict.fromkeys(word for word in words if word))


def _notes_of_order(resource: Mapping[str, Any]) -> list[str]:
    texts: list[str] = []
    for element in ("note", "orderDetail"):
        items = resource.get(element)
        for item in items if isinstance(items, list) else []:
            if isinstance(item, dict):
                texts += _strings(item)
    instruction = resource.get("patientInstruction")
    return [*texts, instruction] if isinstance(instruction, str) else texts


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
