"""What a drug record states: by its code and names, or by reference to a Medication that may not have been sent.

Many servers name every drug by reference. A reference that leads nowhere is a drug nobody has seen, perhaps a steroid
or an immunosuppressant, so who reads the chart must be able to tell it from a drug of no interest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from fhir_mappings.chart.entries import (
    Activity,
    ChartEntry,
    Coded,
    ReadingContext,
    code_up,
    concepts_of,
    only,
    reference_of,
    words_of,
)
from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.datatypes import CodeableConcept, id_in
from fhir_mappings.fhir.dates import parse_date, parse_period
from fhir_mappings.fhir.decoding import convert_resource
from fhir_mappings.terminology.concepts import DRUG_CONCEPTS
from fhir_mappings.terminology.index import TerminologyIndex
from fhir_mappings.words.drugs import drug_concepts, is_drug_name_readable

DrugRecord: TypeAlias = fhir.MedicationRequest | fhir.MedicationStatement

_NO_REQUEST = frozenset({"entered-in-error", "cancelled", "draft", "on-hold"})
_NO_STATEMENT = frozenset({"entered-in-error", "not-taken", "intended", "on-hold"})


def is_disregarded(record: DrugRecord) -> bool:
    """Whether a record, whatever its drug, says nothing of what the patient takes or took."""
    if isinstance(record, fhir.MedicationRequest):
        return record.status in _NO_REQUEST or bool(record.do_not_perform)
    return record.status in _NO_STATEMENT


def medications_by_id(resources: Iterable[fhir.Resource]) -> dict[str, fhir.Medication]:
    """Return the Medications among some resources, by their ids."""
    return {found.id: found for found in resources if isinstance(found, fhir.Medication) and found.id}


def medication_code(record: DrugRecord, medications: Mapping[str, fhir.Medication]) -> CodeableConcept | None:
    """Return the drug's code, also where it stands in a contained Medication or in one of those at hand."""
    if record.medication_codeable_concept is not None:
        return record.medication_codeable_concept
    medication = _target(record, medications)
    return medication.code if medication else None


def drug_names(record: DrugRecord, medications: Mapping[str, fhir.Medication]) -> list[str]:
    """Return what a drug is called: the texts and displays of its code, and the display of a reference to it."""
    code = medication_code(record, medications)
    shown = (record.medication_reference.display or "") if record.medication_reference else ""
    return [*words_of(code), *([shown] if shown else [])]


def is_named(record: DrugRecord, medications: Mapping[str, fhir.Medication], index: TerminologyIndex) -> bool:
    """Whether it can be told which drug a record is about: by a code that is listed here, or by a name.

    The lists of products are not whole, so a code alone that is not on them may be any drug.
    """
    return bool(concepts_of(medication_code(record, medications), index)) or any(
        is_drug_name_readable(name) for name in drug_names(record, medications)
    )


def _drug(record: DrugRecord, context: ReadingContext) -> tuple[Coded, str]:
    """Return what drug a record is of, by its codes and its names, and the name that told more than the codes."""
    coded = only(code_up(context.index, medication_code(record, context.medications)), DRUG_CONCEPTS)
    for name in drug_names(record, context.medications):
        if (
            more := frozenset(found for found in drug_concepts(name) if found.startswith(DRUG_CONCEPTS))
            - coded.concepts
        ):
            return Coded(coded.concepts | more, coded.codes, coded.words or name.casefold()), name
    return coded, ""


def request_entries(request: fhir.MedicationRequest, context: ReadingContext) -> Iterator[ChartEntry]:
    """Yield what a prescription states."""
    coded, name = _drug(request, context)
    if coded.concepts:
        yield ChartEntry(
            reference_of(request),
            request,
            coded.concepts,
            coded.codes,
            activity=Activity.ACTIVE if request.status == "active" else Activity.UNKNOWN,
            when=parse_date(request.authored_on),
            words=coded.words,
            quote=name,
            place="drug",
        )


def statement_entries(statement: fhir.MedicationStatement, context: ReadingContext) -> Iterator[ChartEntry]:
    """Yield what a statement of use states."""
    coded, name = _drug(statement, context)
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
            quote=name,
            place="drug",
        )


def unresolved_medications(
    resources: Iterable[fhir.Resource], medications: Mapping[str, fhir.Medication]
) -> tuple[str, ...]:
    """Return the references to Medications that drug records rest on and that lead to none of those at hand."""
    found = (
        record.medication_reference.reference
        for record in resources
        if isinstance(record, DrugRecord)
        and record.medication_codeable_concept is None
        and record.medication_reference is not None
        and not is_disregarded(record)
        and _target(record, medications) is None
    )
    return tuple(sorted({reference for reference in found if reference}))


def _target(record: DrugRecord, medications: Mapping[str, fhir.Medication]) -> fhir.Medication | None:
    target = (record.medication_reference.reference or "") if record.medication_reference else ""
    if target.startswith("#"):
        for plain in record.contained:
            contained = convert_resource(plain)
            if isinstance(contained, fhir.Medication) and contained.id == target[1:]:
                return contained
    return medications.get(id_in(target, "Medication") or target)
