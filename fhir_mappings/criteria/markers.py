"""Fever and inflammation markers as they were measured, against the laboratory's own limits or the guideline's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from fhir_mappings.chart.entries import Activity, Assertion, ChartEntry
from fhir_mappings.chart.measurements import (
    MILLIGRAMS_PER_LITRE,
    MILLIMETRES_PER_HOUR,
    Measured,
    converted,
    in_celsius,
    measured,
    unit_key,
)
from fhir_mappings.criteria.facts import Facts
from fhir_mappings.criteria.findings import Evidence
from fhir_mappings.fhir.datatypes import Quantity
from fhir_mappings.terminology.code_systems import LOINC, canonical_system

# HL7 v3 ObservationInterpretation and v2 table 0078, and the words that laboratories write instead.
_HIGH = frozenset({"H", "HH", "HU", "A", "AA", "HIGH", "ABNORMAL", "ELEVATED", "RAISED", "ABOVE NORMAL"})
_WORDED_HIGH = re.compile(r"\b(?:ABNORMAL|ABOVE|CRITICAL(?:LY)?|SIGNIFICANTLY|VERY) HIGH\b")
_NOT_HIGH = frozenset({"N", "L", "LL", "LU", "NORMAL", "LOW"})
_UNITS = {"esr": (MILLIMETRES_PER_HOUR, "mm/h"), "crp": (MILLIGRAMS_PER_LITRE, "mg/L")}
_LONGEST_UNIT = 12


def fever(facts: Facts) -> list[Evidence]:
    """Return fever within the window: measured, or recorded as a problem that is not over."""
    window = facts.thresholds.fever_window
    stated = facts.stated("fever")
    found = []
    for entry in facts.entries("fever"):
        if facts.is_recent(entry, window) is False:
            continue
        if is_measurement(entry):
            degrees = _celsius(entry)
            if degrees is not None and degrees.at_least(facts.thresholds.fever_celsius):
                found.append(facts.evidence(entry, "fever", amount=degrees.shown("°C")))
        elif entry in stated and entry.activity is not Activity.INACTIVE:
            found.append(facts.evidence(entry, "fever"))
    return found


def raised(facts: Facts, marker: str) -> list[Evidence]:
    """Return raised ESR or CRP values: by interpretation, else by the laboratory's range, else by the default."""
    found = []
    for entry in facts.entries(marker):
        recent = facts.is_recent(entry, facts.thresholds.inflammation_marker_window)
        if entry.assertion is not Assertion.UNKNOWN and recent is not False and is_raised(facts, marker, entry):
            value = measured(entry)
            found.append(facts.evidence(entry, marker, amount=value.shown(_shown_unit(value.unit)) if value else ""))
    return found


def unjudged(facts: Facts) -> list[Evidence]:
    """Return the recent measurements whose value cannot be judged, each with its question."""
    limits = facts.thresholds
    temperatures = [
        entry
        for entry in facts.entries("fever")
        if is_measurement(entry)
        and entry.assertion is not Assertion.ABSENT
        and ((degrees := _celsius(entry)) is None or degrees.at_least(limits.fever_celsius) is None)
        and facts.is_recent(entry, limits.fever_window) is not False
    ]
    markers = [
        entry
        for marker in ("esr", "crp")
        for entry in facts.entries(marker)
        if entry.assertion is not Assertion.ABSENT
        and is_raised(facts, marker, entry) is None
        and facts.is_recent(entry, limits.inflammation_marker_window) is not False
    ]
    return [
        *(facts.asking(entry, "fever") for entry in temperatures),
        *(facts.asking(entry, "inflammation_markers") for entry in markers),
    ]


def is_measurement(entry: ChartEntry) -> bool:
    """Whether an entry of fever only says that a temperature was taken, not that it was high."""
    if entry.part is not None and not entry.codes:
        return True  # known by its words
    return any(canonical_system(code.system) == LOINC for code in entry.codes_of("fever"))


def is_raised(facts: Facts, marker: str, entry: ChartEntry) -> bool | None:
    """Whether a laboratory value is above what its laboratory, or failing that a default, calls normal.

    None where that cannot be judged: no value, a range around the limit, an unknown unit.
    """
    flags = _flags(entry)
    if flags & _HIGH or any(map(_WORDED_HIGH.search, flags)):
        return True
    value, part = measured(entry), entry.part
    ranges = part.reference_range if part is not None else []
    highs = [item.high for item in ranges if item.high and item.high.value is not None]
    if not highs and flags & _NOT_HIGH:
        return False
    if value is None:
        return None
    factors, _ = _UNITS[marker]
    if highs:
        return _is_above_range(value, highs, factors)
    limits = facts.thresholds
    plain = converted(value, factors)
    return plain.above(limits.esr_mm_per_hour if marker == "esr" else limits.crp_mg_per_litre) if plain else None


def _is_above_range(value: Measured, highs: Sequence[Quantity], factors: Mapping[str, float]) -> bool | None:
    """Whether a value is above every upper limit of its laboratory, each in whatever unit it is given."""
    answers = []
    for high in highs:
        limit = high.value or 0.0
        unit = high.code or high.unit or ""
        if not unit or not value.unit or unit_key(unit) == unit_key(value.unit):
            answers.append(value.above(limit))
            continue
        plain, top = converted(value, factors), converted(Measured(limit, limit, unit), factors)
        answers.append(plain.above(top.low) if plain and top else None)
    return False if False in answers else None if None in answers else True


def _celsius(entry: ChartEntry) -> Measured | None:
    degrees = measured(entry)
    return in_celsius(degrees) if degrees else None


def _flags(entry: ChartEntry) -> set[str]:
    """Return the laboratory's flags, codes and words, in capitals and without the marks around them."""
    interpretation = entry.part.interpretation if entry.part else []
    said = [concept.text for concept in interpretation]
    said += [text for concept in interpretation for coding in concept.coding for text in (coding.code, coding.display)]
    return {text.strip(" ()[]*!").upper() for text in said if text}


def _shown_unit(unit: str) -> str:
    """Return a unit only if it looks like one, since units are free text."""
    looks = len(unit) <= _LONGEST_UNIT and all(sign.isalnum() or sign in "/[]{}._%*^" for sign in unit)
    return unit if looks else ""
