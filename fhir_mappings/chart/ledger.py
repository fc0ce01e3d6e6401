"""The ledger: what became of each record received.

A record ends as recognised (a concept, by its codes or its words), as set aside (it cannot bear on the criteria, for
a stated reason), or as unrecognised, which is everything else. There is no fourth way out: what nobody recognised was
received all the same, so it must never pass for absent. Whether an unrecognised record is still of now depends on the
day that is asked about, so the ledger keeps what that takes and criteria ask `Facts`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import NamedTuple

from fhir_mappings.chart.answers import affirmed_unnamed
from fhir_mappings.chart.entries import concepts_of, reference_of, words_of
from fhir_mappings.chart.observations import says_yes
from fhir_mappings.chart.remarks import Noted
from fhir_mappings.chart.reports import is_near_imaging, is_unread
from fhir_mappings.chart.statuses import is_over, is_refuted, is_silent
from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.datatypes import CodeableConcept, Coding
from fhir_mappings.fhir.dates import UNKNOWN_DATE, DateInterval
from fhir_mappings.terminology.code_systems import (
    CPT,
    ICD_10,
    ICD_10_CM,
    LOINC,
    SNOMED_CT,
    canonical_system,
)
from fhir_mappings.terminology.concepts import RED_FLAGS
from fhir_mappings.terminology.icd10cm import IcdLabel, category_label, classify
from fhir_mappings.terminology.index import TerminologyIndex
from fhir_mappings.words.matcher import asking_names, quote_of
from fhir_mappings.words.record_names import names_external_device
from fhir_mappings.words.vocabulary import is_readable

# Systems whose codes name one thing each, so that one outside all value sets is a thing that no criterion asks for.
# Diagnoses are not among them: any of thousands may be behind the pain, and are judged by chapter or by words.
_OF_REPORT = "report"  # a kind of name that only a report of imaging gives a meaning
_LISTED_WHOLE = frozenset({LOINC, SNOMED_CT, CPT})
_RED_FLAGS = frozenset({*RED_FLAGS, "steroid_long_term"})


class Standing(StrEnum):
    """What became of a record."""

    RECOGNISED = "recognised"
    SET_ASIDE = "set-aside"
    UNRECOGNISED = "unrecognised"


class LedgerLine(NamedTuple):
    """One record, or one reason of the order, and what became of it.

    `reason` says why it was set aside, or why it asks, as a name of the wording catalogue or a row's words of the
    ICD-10-CM table; `said` is what its sender calls it, the code where there are no words, and `place` where it
    stands. `when` is the newest of its dates, `span` the rule of age that the table states
    for its code.
    """

    reference: str
    source: str
    standing: Standing
    reason: str = ""
    said: str = ""
    place: str = ""
    when: DateInterval = UNKNOWN_DATE
    is_over: bool = False
    span: str = ""


@dataclass(frozen=True)
class Ledger:
    """All lines of a chart."""

    lines: tuple[LedgerLine, ...] = ()

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """How many records of each source ended how, sources and standings by name."""
        found: dict[str, Counter[str]] = {}
        for line in self.lines:
            found.setdefault(line.source, Counter())[line.standing.value] += 1
        return {source: dict(sorted(counter.items())) for source, counter in sorted(found.items())}

    def unrecognised(self, *sources: str) -> tuple[LedgerLine, ...]:
        """Return the unrecognised records of some sources, of all where none is named."""
        return tuple(line for line in self._unrecognised if not sources or line.source in sources)

    @cached_property
    def _unrecognised(self) -> tuple[LedgerLine, ...]:
        return tuple(line for line in self.lines if line.standing is Standing.UNRECOGNISED)


def line_of(resource: fhir.Resource, newest: DateInterval, read: Read) -> LedgerLine:
    """Return what became of a resource, `newest` of whose dates is its own."""
    verdict = _judged(resource, read)
    asks = verdict.standing is Standing.UNRECOGNISED
    return LedgerLine(
        reference_of(resource),
        resource.resource_type,
        verdict.standing,
        verdict.reason,
        said_of(verdict.named_by or _named_by(resource)) if asks else "",
        verdict.place or _PLACES.get(resource.resource_type, ""),
        newest,
        is_over(resource) and not verdict.place,
        verdict.span,
    )


class Aside(NamedTuple):
    """Why a record was set aside, and the rule of age of its code: all that its content decides of its line."""

    reason: str
    span: str


def aside_line(resource: fhir.Resource, newest: DateInterval, aside: Aside) -> LedgerLine:
    """Return the line of a resource whose content was set aside before, as `line_of` would."""
    name = resource.resource_type
    place = _PLACES.get(name, "")
    return LedgerLine(
        reference_of(resource), name, Standing.SET_ASIDE, aside.reason, "", place, newest, is_over(resource), aside.span
    )


def reason_line(reference: str, reason: CodeableConcept, read: Read) -> LedgerLine:
    """Return what became of a reason of the order."""
    verdict, said = _problem(reason, read), said_of([reason])
    return LedgerLine(reference, "Order", verdict.standing, verdict.reason, said, "order_reason", span=verdict.span)


@dataclass(frozen=True, slots=True)
class Read:
    """What reading a record brought: the index it was read with, whether entries came of it, the texts that say more.

    `texts` are those of a device, which may say that it is outside the body, or of a report; `drug_is_named` tells of
    a drug record whether its drug is known by a listed code or by a name. `diagnoses` are those of a visit of which
    nothing but their names came, or not even these; `noted` is a name that asks and stands in a note.
    """

    index: TerminologyIndex
    has_entries: bool = False
    remarked: frozenset[str] = frozenset()
    texts: tuple[str, ...] = ()
    drug_is_named: bool = False
    diagnoses: tuple[CodeableConcept, ...] = ()
    noted: Noted | None = None

    @property
    def recognised(self) -> bool:
        """Whether anything came of it."""
        return self.has_entries or bool(self.remarked)


@dataclass(frozen=True, slots=True)
class _Verdict:
    standing: Standing
    reason: str = ""
    span: str = ""
    named_by: tuple[CodeableConcept, ...] = ()
    place: str = ""


_RECOGNISED = _Verdict(Standing.RECOGNISED)
_NOT_ASKED_FOR = _Verdict(Standing.SET_ASIDE, "not_asked_for")
_PLACES = {
    "Condition": "problem",
    "Encounter": "visit",
    "DiagnosticReport": "report",
    "QuestionnaireResponse": "questionnaire",
}
# How a record ends that has several reasons: as its worst one.
_WORST = (Standing.UNRECOGNISED, Standing.RECOGNISED, Standing.SET_ASIDE)


def _judged(resource: fhir.Resource, read: Read) -> _Verdict:
    if is_silent(resource):
        return _Verdict(Standing.SET_ASIDE, "refuted" if is_refuted(resource) else "status")
    verdict, noted = _itself(resource, read), read.noted
    # That nobody can tell what a drug or a value is asks nothing by itself; what its note says does.
    asks = verdict.standing is Standing.UNRECOGNISED and verdict.reason not in ("unnamed", "drug")
    if noted is None or asks:
        return verdict
    named = (CodeableConcept(text=noted.quote),)
    return _Verdict(Standing.UNRECOGNISED, "name", noted.span, named, noted.place)


def _itself(resource: fhir.Resource, read: Read) -> _Verdict:
    """Judge a record without its notes."""
    if isinstance(resource, (fhir.Condition, fhir.Encounter)):
        verdicts = [_problem(concept, read) for concept in (*_named_by(resource), *read.diagnoses)]
        none = _RECOGNISED if read.recognised else _Verdict(Standing.SET_ASIDE, "no_reason")
        return min(verdicts, key=lambda verdict: _WORST.index(verdict.standing), default=none)
    if isinstance(resource, fhir.QuestionnaireResponse) and (unnamed := affirmed_unnamed(resource, read.index)):
        return _Verdict(Standing.UNRECOGNISED, "question", named_by=(CodeableConcept(text=unnamed),))
    if isinstance(resource, fhir.DiagnosticReport) and is_near_imaging(resource, read.index):
        # What study it is may be known; what it found is another matter.
        if is_unread(resource, read.index):
            return _Verdict(Standing.UNRECOGNISED, "report", "report")
        if quote := _found_in(read.texts):
            return _Verdict(Standing.UNRECOGNISED, "name", "report", (CodeableConcept(text=quote),))
    return _RECOGNISED if read.recognised else _other(resource, read)


def _found_in(texts: Iterable[str]) -> str:
    """Return the words of a report that name a finding which asks."""
    return next((quote_of(text, name) for text in texts for name in asking_names(text)), "")


def _other(resource: fhir.Resource, read: Read) -> _Verdict:
    """Judge a record that is no diagnosis and of which nothing came: it is aside where it says what it is about."""
    match resource:
        case fhir.MedicationRequest() | fhir.MedicationStatement():
            return _Verdict(Standing.SET_ASIDE if read.drug_is_named else Standing.UNRECOGNISED, "drug")
        case fhir.Device() | fhir.DeviceUseStatement():
            outside = any(map(names_external_device, read.texts))
            return _Verdict(Standing.SET_ASIDE if outside else Standing.UNRECOGNISED, "device")
        case fhir.Observation() | fhir.Procedure() | fhir.AllergyIntolerance() if not _is_named(resource.code):
            affirmed = isinstance(resource, fhir.Observation) and says_yes(resource)
            return _Verdict(Standing.UNRECOGNISED, "finding" if affirmed else "unnamed")
        case _:
            return _NOT_ASKED_FOR


def _problem(concept: CodeableConcept, read: Read) -> _Verdict:
    """Judge a diagnosis or a reason: by concept, by the ICD-10-CM table, by its words, by whether it can be read.

    A code that asks does so even where the words raise a topic: they may be too old for theirs.
    """
    if concepts_of(concept, read.index):
        return _RECOGNISED
    labels = [label for coding in concept.coding if (label := _label(coding, read.index))]
    for kind in ("ask", "safety"):
        if label := next((found for found in labels if found.label == kind), None):
            return _Verdict(Standing.UNRECOGNISED, label.reason, label.span, (concept,))
    if labels:
        worded = not read.remarked.isdisjoint(words_of(concept))
        return _RECOGNISED if worded else _Verdict(Standing.SET_ASIDE, labels[0].reason, named_by=(concept,))
    return _worded_problem(concept, read)


def _worded_problem(concept: CodeableConcept, read: Read) -> _Verdict:
    """Judge a diagnosis that no code tells: by a name that asks, by a topic, by whether it can be read.

    Readable is not harmless: a name asks as its code would, and for as long.
    """
    words = words_of(concept)
    if names := [name for text in words for name in asking_names(text) if name.topic != _OF_REPORT]:
        return _Verdict(Standing.UNRECOGNISED, "name", names[0].topic, (concept,))
    if not read.remarked.isdisjoint(words):
        return _RECOGNISED
    if any(map(is_readable, words)):
        return _Verdict(Standing.SET_ASIDE, "words", named_by=(concept,))
    return _Verdict(Standing.UNRECOGNISED, "unreadable", named_by=(concept,))


def is_understood(concept: CodeableConcept, index: TerminologyIndex) -> bool:
    """Whether it can be told what a diagnosis or a reason is: by a known code, or in words that can be read."""
    return (
        bool(concepts_of(concept, index))
        or any(_label(coding, index) for coding in concept.coding)
        or any(map(is_readable, words_of(concept)))
    )


def _label(coding: Coding, index: TerminologyIndex) -> IcdLabel | None:
    system = canonical_system(coding.system or "")
    if not coding.code:
        return None
    if system == ICD_10_CM:
        label = classify(coding.code)
        # Nor is a code cut short above a red flag ("R78.8" for bacteraemia).
        return None if label and label.label == "aside" and _is_above_red_flag(index, coding.code) else label
    if system != ICD_10:
        return None
    label = category_label(coding.code)
    # A longer national code is not aside where its category holds something that a criterion looks for.
    return None if label and label.label == "aside" and _holds_concepts(index, coding.code.strip()[:3]) else label


@lru_cache(maxsize=4096)
def _is_above_red_flag(index: TerminologyIndex, code: str) -> bool:
    return not _RED_FLAGS.isdisjoint(index.concepts_below(code))


@lru_cache(maxsize=512)
def _holds_concepts(index: TerminologyIndex, category: str) -> bool:
    return bool(index.concepts_touching(category))


def _is_named(concept: CodeableConcept | None) -> bool:
    """Whether something is named by a code of a system that is known, or in words that can be read."""
    for coding in concept.coding if concept else ():
        if coding.code and canonical_system(coding.system or "") in _LISTED_WHOLE:
            return True
    return any(map(is_readable, words_of(concept)))


def _named_by(resource: fhir.Resource) -> list[CodeableConcept]:
    """Return the CodeableConcepts that say what a resource is about."""
    match resource:
        case fhir.Encounter():
            return resource.reason_code
        case fhir.Device():
            return [resource.type] if resource.type else []
        case fhir.Condition() | fhir.Observation() | fhir.Procedure() | fhir.AllergyIntolerance():
            return [resource.code or CodeableConcept()]
        case fhir.DiagnosticReport():
            return [resource.code] if resource.code else []
        case fhir.MedicationRequest() | fhir.MedicationStatement():
            found = resource.medication_codeable_concept
            return [found] if found else []
        case _:
            return []


def said_of(named_by: Iterable[CodeableConcept]) -> str:
    """Return what a record is called by its sender: its text, else a display, else its bare code."""
    concepts = list(named_by)
    words = next((text for concept in concepts for text in words_of(concept)), "")
    return words or next((coding.code for concept in concepts for coding in concept.coding if coding.code), "")
