"""Where people write in a resource: every text of it, with the name of the place it stands in.

What is said in one place counts as in another, so nothing here asks what a text is about; `remarks` and the `ledger`
do. Statuses are weighed elsewhere too: a text of a resource that does not count is not asked for.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from fhir_mappings.chart.entries import Assertion, words_of
from fhir_mappings.chart.observations import observed_assertion
from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.datatypes import Annotation, Attachment, Reference
from fhir_mappings.terminology.index import TerminologyIndex

# A presented form is read up to this many characters of base64: 64 kB of text.
_LONGEST_FORM = 88_000
_READ_FORMS = ("text/plain", "text/html")
_TAG = re.compile(r"<[^<>]{0,200}>")


class Place(NamedTuple):
    """A text as the sender wrote it, and where it stands: a name of the wording catalogue's places."""

    name: str
    text: str


def places_of(resource: fhir.Resource, index: TerminologyIndex) -> Iterator[Place]:
    """Yield every text in which a resource may say something; empty ones are left out."""
    if isinstance(resource, fhir.Observation):
        found = _observation(resource, index)
    else:
        reader = _READERS.get(type(resource))
        found = reader(resource) if reader else iter(())
    for name, text in found:
        if text and not text.isspace():
            yield Place(name, text)


def form_text(form: Attachment) -> str | None:
    """Return the text of a report that came inside it; None for a form that is not read: another type, or too long."""
    kind = (form.content_type or "").partition(";")[0].strip().casefold()
    if kind not in _READ_FORMS or form.data is None or len(form.data) > _LONGEST_FORM:
        return None
    try:
        text = base64.b64decode(form.data, validate=False).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return None
    return _TAG.sub(" ", text) if kind == "text/html" else text


def _notes(notes: Iterable[Annotation]) -> Iterator[str]:
    return (note.text or "" for note in notes)


def _shown(reference: Reference | None) -> Iterator[str]:
    """Yield what a reference says by itself, without what it leads to."""
    if reference is not None:
        yield reference.display or ""
        yield (reference.identifier.value or "") if reference.identifier else ""


def _at(name: str, texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((name, text) for text in texts)


def _condition(condition: fhir.Condition) -> Iterator[tuple[str, str]]:
    yield from _at("problem", words_of(condition.code))
    yield from _at("note", _notes(condition.note))


def _procedure(procedure: fhir.Procedure) -> Iterator[tuple[str, str]]:
    yield from _at("procedure", words_of(procedure.code))
    for code in procedure.used_code:
        yield from _at("procedure", words_of(code))
    for focal in procedure.focal_device:
        yield from _at("procedure_device", _shown(focal.manipulated))
    yield from _reasons("procedure", procedure)
    for reference in procedure.used_reference:
        yield from _at("procedure_device", _shown(reference))
    yield from _at("note", _notes(procedure.note))


def _observation(observation: fhir.Observation, index: TerminologyIndex) -> Iterator[tuple[str, str]]:
    """The name of what was observed says something only where the value affirms it, and no number stands for it."""
    parts: tuple[fhir.Observation | fhir.ObservationComponent, ...] = (observation, *observation.component)
    for part in parts:
        measured = part.value_quantity is not None or part.value_integer is not None
        if not measured and observed_assertion(part, index) is Assertion.PRESENT:
            yield from _at("observation", words_of(part.code))
            yield from _at("observation", words_of(part.value_codeable_concept))
        yield "observation", part.value_string or ""
    yield from _at("note", _notes(observation.note))


def _encounter(encounter: fhir.Encounter) -> Iterator[tuple[str, str]]:
    for reason in encounter.reason_code:
        yield from _at("visit", words_of(reason))
    for reference in (*encounter.reason_reference, *(found.condition for found in encounter.diagnosis)):
        yield from _at("visit", _shown(reference))


def _report(report: fhir.DiagnosticReport) -> Iterator[tuple[str, str]]:
    yield "report", report.conclusion or ""
    for code in report.conclusion_code:
        yield from _at("report", words_of(code))
    for form in report.presented_form:
        yield "report", form_text(form) or ""


def _allergy(allergy: fhir.AllergyIntolerance) -> Iterator[tuple[str, str]]:
    yield from _at("allergy", words_of(allergy.code))
    for reaction in allergy.reaction:
        yield from _at("allergy", words_of(reaction.substance))
    yield from _at("note", _notes(allergy.note))


def _device(device: fhir.Device) -> Iterator[tuple[str, str]]:
    yield from _at("device", words_of(device.type))
    yield from _at("device", (name.name or "" for name in device.device_name))
    yield "device", device.model_number or ""
    for found in device.property:
        for code in (found.type, *found.value_code):
            yield from _at("device", words_of(code))
    yield from _at("note", _notes(device.note))


def _device_use(use: fhir.DeviceUseStatement) -> Iterator[tuple[str, str]]:
    yield from _at("device_use", _shown(use.device))
    yield from _at("note", _notes(use.note))


def _drug_record(record: fhir.MedicationRequest | fhir.MedicationStatement) -> Iterator[tuple[str, str]]:
    yield from _reasons("drug", record)
    yield from _at("note", _notes(record.note))


def _request(request: fhir.ServiceRequest) -> Iterator[tuple[str, str]]:
    yield from _reasons("request", request)
    yield from _at("note", _notes(request.note))


def _appointment(appointment: fhir.Appointment) -> Iterator[tuple[str, str]]:
    for reason in appointment.reason_code:
        yield from _at("appointment", words_of(reason))


def _reasons(
    place: str, record: fhir.Procedure | fhir.MedicationRequest | fhir.MedicationStatement | fhir.ServiceRequest
) -> Iterator[tuple[str, str]]:
    """Yield why something was done, taken or asked for: in words, or as the name of a record."""
    for reason in record.reason_code:
        yield from _at(place, words_of(reason))
    for reference in record.reason_reference:
        yield from _at(place, _shown(reference))


_READERS: dict[type[fhir.Resource], Callable[..., Iterator[tuple[str, str]]]] = {
    fhir.AllergyIntolerance: _allergy,
    fhir.Appointment: _appointment,
    fhir.Condition: _condition,
    fhir.Device: _device,
    fhir.DeviceUseStatement: _device_use,
    fhir.DiagnosticReport: _report,
    fhir.Encounter: _encounter,
    fhir.MedicationRequest: _drug_record,
    fhir.MedicationStatement: _drug_record,
    fhir.Procedure: _procedure,
    fhir.ServiceRequest: _request,
}
