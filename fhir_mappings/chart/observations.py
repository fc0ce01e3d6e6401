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
    words_of,
    words_with_sites,
)
from fhir_mappings.chart.measurements import Part, unit_key, value_texts
from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.datatypes import CodeableConcept
from fhir_mappings.fhir.dates import DateInterval, parse_date
from fhir_mappings.terminology.index import TerminologyIndex
from fhir_mappings.words.record_names import measurement_concept

_ABSENT = re.compile(
    r"(?:no|none|absent|negative|false|denied|denies|not present|not detected|normal|wnl|afebrile|n)\b"
    r"(?! (?:improvement|relief|change|better|longer))"
)
_FAMILY = re.compile(r"\bfamily\b")
_UNKNOWN_WORDS = frozenset({"unknown", "undetermined", "not assessed", "not examined", "unable to assess"})
# As a few languages say it: what was asked may be in any.
_YES = re.compile(
    r"\s*(?:yes|present|positive?|detected|true|ja|oui|s[ií]|vorhanden|positivo|positif)\b", re.IGNORECASE
)
_POSITIVE = frozenset({"POS", "A", "AA", "DET"})
_MILLILITRES = frozenset(map(unit_key, ("mL", "cc", "ccm", "cm3")))
_NORMAL_INTERPRETATIONS = frozenset({"N", "NEG", "ND"})


def observation_entries(observation: fhir.Observation, context: ReadingContext) -> Iterator[ChartEntry]:
    """Yield what an Observation and its components state, by their codes and by their coded values."""
    sites = [observation.body_site] if observation.body_site else []
    parts: list[Part] = [observation, *observation.component]
    panel = code_up(context.index, observation.code).words if observation.component else ""
    for part in parts:
        coded = code_up(context.index, part.code)
        above = "" if part is observation else panel
        if not coded.concepts and (name := _named(part, words_with_sites(coded, sites), above)):
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


def _named(part: Part, words: str, panel: str) -> str:
    """Return the concept of something measured by its name; a muscle or a root may be named below its panel's name."""
    texts, is_number = value_texts(part), _is_number(part)
    if not (texts or is_number or part.data_absent_reason):
        return ""
    is_worded = not is_number and not any(sign.isdigit() for text in texts for sign in text)
    name = measurement_concept(words, is_worded=is_worded)
    if panel and not name and not is_worded:
        inside = measurement_concept(f"{panel} {words}", is_worded=False)
        name = inside if inside == "motor_generic" else ""
    unit = part.value_quantity.code or part.value_quantity.unit if part.value_quantity is not None else None
    is_angle = name == "motor_generic" and unit_key(unit or "").startswith("deg")
    return "" if is_angle else name


def _is_number(part: Part) -> bool:
    return not (
        part.value_quantity is None
        and part.value_integer is None
        and part.value_range is None
        and part.value_ratio is None
    )


def _entry(
    observation: fhir.Observation,
    part: Part,
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


def says_yes(observation: fhir.Observation) -> bool:
    """Whether a value affirms whatever was asked, also where nobody can read what that was: yes, positive, a volume."""
    parts: list[Part] = [observation, *observation.component]
    return any(_affirms(part) for part in parts)


def _affirms(part: Part) -> bool:
    quantity = part.value_quantity
    if quantity is not None and unit_key(quantity.code or quantity.unit or "") in _MILLILITRES:
        return True
    flags = {coding.code for concept in part.interpretation for coding in concept.coding}
    value = part.value_codeable_concept
    texts = [part.value_string, *words_of(value)]
    return part.value_boolean is True or bool(flags & _POSITIVE) or any(_YES.match(text) for text in texts if text)


def observed_assertion(part: Part, index: TerminologyIndex) -> Assertion:
    """Return what the value of an Observation says of the finding that its code names."""
    if part.data_absent_reason is not None:
        return Assertion.UNKNOWN
    if part.value_boolean is not None:
        return Assertion.PRESENT if part.value_boolean else Assertion.ABSENT
    if part.value_codeable_concept is not None:
        return _qualified(part.value_codeable_concept, index)
    if part.value_string is not None:
        return _worded(part.value_string)
    if not _is_number(part):
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
