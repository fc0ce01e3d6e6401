"""What an Observation says: whether its finding is there, and what was measured.

An Observation's code may be a finding that its value affirms or denies, a measurement whose number decides, or a
question whose coded value is the finding; panels hold all of these in components.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fhir_mappings.chart.entries import (
    Assertion,
    ChartEntry,
    Coded,
    ReadingContext,
    code_up,
    reference_of,
    words_with_sites,
)
from fhir_mappings.chart.measurements import concept_by_words
from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.datatypes import CodeableConcept
from fhir_mappings.fhir.dates import DateInterval, parse_date
from fhir_mappings.terminology.index import TerminologyIndex

_ABSENT = re.compile(
    r"(?:no|none|absent|negative|false|denied|denies|not present|not detected|normal|n)\b"
    r"(?! (?:improvement|relief|change|better|longer))"
)
_FAMILY = re.compile(r"\bfamily\b")
_UNKNOWN_WORDS = frozenset({"unknown", "undetermined", "not assessed", "not examined", "unable to assess"})
_NORMAL_INTERPRETATIONS = frozenset({"N", "NEG", "ND"})


def observation_entries(observation: fhir.Observation, context: ReadingContext) -> Iterator[ChartEntry]:
    """Yield what an Observation and its components state, by their codes and by their coded values."""
    if observation.status in ("entered-in-error", "cancelled", "registered"):
        return
    sites = [observation.body_site] if observation.body_site else []
    parts: list[fhir.Observation | fhir.ObservationComponent] = [observation, *observation.component]
    for part in parts:
        coded = code_up(context.index, part.code)
        if not coded.concepts and coded.words and has_value(part) and (name := concept_by_words(coded.words)):
            coded = Coded(frozenset({name}), (), coded.words)
        if coded.concepts:
            yield _entry(observation, part, coded, sites, observed_assertion(part, context.index))
        value = code_up(context.index, part.value_codeable_concept)
        codes = tuple((name, code) for name, code in value.codes if name != "qualifier_presence")
        # What a family history answers is a relative's.
        if (
            codes
            and not _FAMILY.search(f"{coded.words} {value.words}")
            and "family_history_cancer" not in coded.concepts
        ):
            found = Coded(frozenset(name for name, _ in codes), codes, value.words)
            yield _entry(observation, part, found, sites, Assertion.PRESENT)


def has_value(part: fhir.Observation | fhir.ObservationComponent) -> bool:
    """Whether something was measured: a number, or a text that may hold one."""
    return part.value_quantity is not None or part.value_integer is not None or part.value_string is not None


def _entry(
    observation: fhir.Observation,
    part: fhir.Observation | fhir.ObservationComponent,
    coded: Coded,
    sites: list[CodeableConcept],
    assertion: Assertion,
) -> ChartEntry:
    return ChartEntry(
        reference_of(observation),
        observation,
        coded.concepts,
        coded.codes,
        assertion,
        when=observed_on(observation),
        recorded=parse_date(observation.issued),
        author=observation.performer[0].reference if observation.performer else None,
        words=words_with_sites(coded, sites),
        part=part,
    )


def observed_on(observation: fhir.Observation) -> DateInterval:
    """Return when something was observed, whichever of the effective elements says so."""
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
    if word in _UNKNOWN_WORDS:
        return Assertion.UNKNOWN
    return Assertion.ABSENT if _ABSENT.match(word) else Assertion.PRESENT
