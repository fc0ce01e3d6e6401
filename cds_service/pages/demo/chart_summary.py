"""The chart as an EHR's summary shows it: short lists by kind, in the words of the record itself.

These are the sender's texts, unlike those of a card. They leave here as plain strings and are escaped by the template.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from cds_service.pages.demo.unread_sources import STATE_WORDS
from fhir_mappings.chart.chart import belongs_to
from fhir_mappings.chart.ledger import Ledger, LedgerLine, Standing
from fhir_mappings.chart.medications import medication_code, medications_by_id
from fhir_mappings.chart.observations import observed_on
from fhir_mappings.chart.readers import condition_onset, procedure_date
from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.datatypes import CodeableConcept
from fhir_mappings.fhir.dates import UNKNOWN_DATE, DateInterval, parse_date, parse_period
from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir.sources import SourceReading

if TYPE_CHECKING:
    from cards.guideline.wording import Wording

SHOWN: Final = 4
_LONGEST: Final = 140
_OVER: Final = ("resolved", "inactive", "remission")

# The sections in the order of the page, and the prefetch keys that fill them.
_SECTIONS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("Problems", ("conditions",)),
    ("Observations", ("observations",)),
    ("Procedures", ("procedures",)),
    ("Medications", ("medications", "medicationStatements")),
    ("Devices", ("devices",)),
    ("Reports and imaging", ("diagnosticReports", "imagingStudies")),
    ("Allergies", ("allergies",)),
    ("Earlier orders", ("serviceRequests",)),
)


@dataclass(frozen=True, slots=True)
class SummaryItem:
    """One record: what it says, when, and its status; `when` may be unknown. One that is over stands behind others."""

    text: str
    when: DateInterval
    status: str = ""

    @property
    def rank(self) -> tuple[bool, date]:
        """Where it stands: what goes on before what is over, and the newest first; sorted in reverse."""
        over = any(word in self.status for word in _OVER)
        return not over, self.when.latest or self.when.earliest or date.min


@dataclass(frozen=True, slots=True)
class SummarySection:
    """The newest records of a kind, each text once; how many more there are; what kept the sources from being whole."""

    title: str
    items: tuple[SummaryItem, ...]
    more: int = 0
    state: str = ""


@dataclass(frozen=True, slots=True)
class ReadCount:
    """How many records of a source were recognised, set aside for a reason, and not recognised; those by name."""

    source: str
    recognised: int
    set_aside: int
    unrecognised: tuple[str, ...]


def read_counts(ledgers: Iterable[Ledger], wording: Wording) -> tuple[ReadCount, ...]:
    """Return what became of the records of each source, and of the reasons of the orders."""
    lines: dict[str, list[LedgerLine]] = {}
    for line in dict.fromkeys(itertools.chain.from_iterable(ledger.lines for ledger in ledgers)):
        lines.setdefault(line.source, []).append(line)
    return tuple(
        ReadCount(
            wording.find("sources", source, default=source),
            sum(line.standing is Standing.RECOGNISED for line in found),
            sum(line.standing is Standing.SET_ASIDE for line in found),
            tuple(line.said or line.reference for line in found if line.standing is Standing.UNRECOGNISED),
        )
        for source, found in sorted(lines.items())
    )


def summary_of(readings: Mapping[str, SourceReading], patient_id: str) -> tuple[SummarySection, ...]:
    """Return every section of the chart of a patient, also the empty ones."""
    own = (found for found in _of(fhir.Patient, readings) if belongs_to(found, patient_id))
    birth = next((parse_date(found.birth_date) for found in own), UNKNOWN_DATE)
    return tuple(_section(title, keys, readings, patient_id, birth) for title, keys in _SECTIONS)


def others_unread(readings: Mapping[str, SourceReading]) -> tuple[tuple[str, str], ...]:
    """Return the keys that fill no section and were not read whole, each with the reason."""
    shown = {key for _, keys in _SECTIONS for key in keys}
    states = ((need.key, STATE_WORDS.get(readings[need.key].state, "")) for need in DATA_NEEDS if need.key not in shown)
    return tuple((key, state) for key, state in states if state)


def _section(
    title: str, keys: tuple[str, ...], readings: Mapping[str, SourceReading], patient_id: str, birth: DateInterval
) -> SummarySection:
    found: list[SummaryItem] = []
    for key in keys:
        resources = [item for item in readings[key].resources if belongs_to(item, patient_id)]
        drugs = medications_by_id(resources)
        found += [item for resource in resources if (item := _item(resource, birth, drugs)) is not None]
    found.sort(key=lambda item: item.rank, reverse=True)
    shown: dict[str, SummaryItem] = {}
    for item in found:
        shown.setdefault(item.text, item)
    newest = tuple(shown.values())[:SHOWN]
    states = dict.fromkeys(state for key in keys if (state := STATE_WORDS.get(readings[key].state)))
    return SummarySection(title, newest, len(found) - len(newest), ", ".join(states))


def _item(resource: fhir.Resource, birth: DateInterval, drugs: Mapping[str, fhir.Medication]) -> SummaryItem | None:
    if isinstance(resource, fhir.Condition):
        onset = condition_onset(resource, birth)
        when = onset if onset.is_known else parse_date(resource.recorded_date)
        status = [_code(resource.clinical_status), _code(resource.verification_status)]
        return _made(_words(resource.code), when, ", ".join(word for word in status if word not in ("", "confirmed")))
    if isinstance(resource, fhir.MedicationRequest | fhir.MedicationStatement):
        given = resource.authored_on if isinstance(resource, fhir.MedicationRequest) else resource.effective_date_time
        return _made(_words(medication_code(resource, drugs)), parse_date(given), resource.status or "")
    reader = _READERS.get(type(resource))
    return reader(resource) if reader else None


def _observation(found: fhir.Observation) -> SummaryItem:
    quantity, coded = found.value_quantity, found.value_codeable_concept
    value = found.value_string or ""
    if quantity is not None and quantity.value is not None:
        value = f"{quantity.comparator or ''}{quantity.value:g} {quantity.unit or quantity.code or ''}".strip()
    elif coded is not None:
        value = _words(coded)
    elif found.value_boolean is not None:
        value = "yes" if found.value_boolean else "no"
    text = f"{_words(found.code)}: {value}" if value else _words(found.code)
    status = found.status or ""
    return _made(text, observed_on(found), "" if status == "final" else status)


def _procedure(found: fhir.Procedure) -> SummaryItem:
    return _made(_words(found.code), procedure_date(found), found.status or "")


def _device(found: fhir.Device) -> SummaryItem:
    names = [name.name for name in found.device_name if name.name]
    safety = [_words(item) for item in found.safety]
    parts = [_words(found.type), *names, *safety]
    return _made(", ".join(dict.fromkeys(filter(None, parts))), UNKNOWN_DATE, found.status or "")


def _report(found: fhir.DiagnosticReport) -> SummaryItem:
    when = parse_date(found.effective_date_time or found.issued)
    if found.effective_period and not when.is_known:
        when = parse_period(found.effective_period.start, found.effective_period.end)
    said = [_words(found.code), found.conclusion or ""]
    return _made(": ".join(filter(None, said)), when, found.status or "")


def _imaging(found: fhir.ImagingStudy) -> SummaryItem:
    names = [_words(code) for code in found.procedure_code]
    return _made(", ".join(filter(None, names)) or "Imaging study", parse_date(found.started), found.status or "")


def _allergy(found: fhir.AllergyIntolerance) -> SummaryItem:
    return _made(_words(found.code), parse_date(found.onset_date_time or found.recorded_date))


def _request(found: fhir.ServiceRequest) -> SummaryItem:
    return _made(_words(found.code), parse_date(found.authored_on), found.status or "")


_READERS: Final[dict[type[fhir.Resource], Callable[..., SummaryItem]]] = {
    fhir.AllergyIntolerance: _allergy,
    fhir.Device: _device,
    fhir.DiagnosticReport: _report,
    fhir.ImagingStudy: _imaging,
    fhir.Observation: _observation,
    fhir.Procedure: _procedure,
    fhir.ServiceRequest: _request,
}


def _made(text: str, when: DateInterval, status: str = "") -> SummaryItem:
    text = text or "(nothing that can be read)"
    return SummaryItem(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…", when, status)


def _words(concept: CodeableConcept | None) -> str:
    """Return the text of a concept, else the first display, else the first code."""
    if concept is None:
        return ""
    displays = (coding.display for coding in concept.coding)
    codes = (coding.code for coding in concept.coding)
    return concept.text or next(filter(None, displays), None) or next(filter(None, codes), None) or ""


def _code(concept: CodeableConcept | None) -> str:
    return next(filter(None, (coding.code for coding in concept.coding)), "") if concept else ""


def _of(kind: type[fhir.Patient], readings: Mapping[str, SourceReading]) -> Iterator[fhir.Patient]:
    found: Iterable[fhir.Resource] = readings["patient"].resources
    return (item for item in found if isinstance(item, kind))
