"""Suspected infection of the spine, and what makes it likelier: fever, and ESR and CRP as measured (R-INFECT)."""

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
from fhir_mappings.criteria.findings import Evidence, Finding
from fhir_mappings.fhir.datatypes import Quantity
from fhir_mappings.terminology.code_systems import LOINC, canonical_system
from fhir_mappings.terminology.concepts import DRUGS, FINDINGS, IMMUNOSUPPRESSANTS, MARKER_RAISED

_SOURCES = (*FINDINGS, *DRUGS)
_TRANSPLANT = "Z94"  # ICD-10-CM: transplanted organ and tissue status
# HL7 v3 ObservationInterpretation and v2 table 0078, and the words that laboratories write instead.
_HIGH = frozenset({"H", "HH", "HU", "A", "AA", "HIGH", "ABNORMAL", "ELEVATED", "RAISED", "ABOVE NORMAL"})
_WORDED_HIGH = re.compile(r"\b(?:ABNORMAL|ABOVE|CRITICAL(?:LY)?|SIGNIFICANTLY|VERY) HIGH\b")
_NOT_HIGH = frozenset({"N", "L", "LL", "LU", "NORMAL", "LOW"})
_UNITS = {"esr": (MILLIMETRES_PER_HOUR, "mm/h"), "crp": (MILLIGRAMS_PER_LITRE, "mg/L")}
_LONGEST_UNIT = 12


def r_infect(facts: Facts) -> Finding:
    """Whether there is concrete suspicion: a spinal infection, bacteraemia, fever, or raised ESR or CRP."""
    evidence: list[Evidence] = []
    questions: list[str] = []
    asked = unjudged(facts)
    _spinal_infection(facts, evidence, questions)
    evidence += [
        facts.evidence(entry, "bacteraemia")
        for entry in facts.stated("bacteraemia")
        if facts.is_recent(entry, facts.thresholds.infection_history) is not False
    ]
    evidence += fever(facts)
    for marker in ("esr", "crp"):
        evidence += raised(facts, marker)
    evidence += [facts.evidence(entry, MARKER_RAISED) for entry in facts.stated(MARKER_RAISED)]
    if host_risk(facts):
        evidence += night_sweats(facts)
    elif night_sweats(facts):
        questions.append("night_sweats")
    if _old_fever(facts) and not evidence:
        questions.append("fever")
    if not evidence:
        questions += [item.concept for item in asked]
        window = facts.thresholds.fever_window
        missing = (entry for entry in facts.entries("fever") if entry.assertion is Assertion.UNKNOWN)
        if any(facts.is_recent(entry, window) is not False for entry in missing):
            questions.append("fever")
    tags = ["drug_use_possible"] if facts.stated("ivdu_proxy") else []
    return facts.finding(
        "R-INFECT",
        evidence,
        sources=_SOURCES,
        questions=questions,
        tags=tags,
        asked=() if evidence else asked,
        met=bool(evidence),
    )


def _spinal_infection(facts: Facts, evidence: list[Evidence], questions: list[str]) -> None:
    """Active at any age and resolved within a year counts; resolved before that asks."""
    window = facts.thresholds.infection_history
    for entry in facts.stated("spinal_infection"):
        ended = entry.ended if entry.ended.is_known else entry.dated
        if entry.activity is not Activity.INACTIVE:
            is_contact = entry.resource.resource_type == "Encounter"
            counts = not is_contact or facts.is_recent(entry, window) is not False
        else:
            counts = not ended.is_known or ended.within(window, facts.as_of) is not False
        if counts:
            evidence.append(facts.evidence(entry, "spinal_infection"))
        else:
            questions.append("old_infection")


def _old_fever(facts: Facts) -> bool:
    """Whether a fever is still on the problem list after the window."""
    return any(
        entry.resource.resource_type == "Condition" and entry.activity is Activity.ACTIVE
        for entry in facts.stated("fever")
    )


def night_sweats(facts: Facts) -> list[Evidence]:
    """Return recent night sweats."""
    recent = facts.current("night_sweats", within=facts.thresholds.neurologic_window)
    return [facts.evidence(entry, "night_sweats") for entry in recent]


def host_risk(facts: Facts) -> list[Evidence]:
    """Return immunosuppression, HIV and injection drug use: what makes an infection likelier."""
    return [*immunosuppression(facts), *drug_use(facts)]


def immunosuppression(facts: Facts) -> list[Evidence]:
    """Return immunosuppression by diagnosis, HIV, or an immunosuppressant prescribed for long enough."""
    states = [
        facts.evidence(entry, "immunosuppression", "hiv")
        for entry in facts.stated("immunosuppression", "hiv")
        if entry.activity is not Activity.INACTIVE or _is_lasting(entry)
    ]
    old_enough = facts.thresholds.immunosuppressant_age
    requests = facts.stated(*IMMUNOSUPPRESSANTS)
    lasting = [entry for entry in requests if entry.dated.within(old_enough - 1, facts.as_of) is False]
    return [*states, *(facts.evidence(entry, *IMMUNOSUPPRESSANTS) for entry in lasting)]


def _is_lasting(entry: ChartEntry) -> bool:
    """Whether it stays for life whatever the status says: HIV, or a transplanted organ."""
    transplanted = any(
        code.code.upper().startswith(_TRANSPLANT) or "recipient" in code.display or "transplant" in code.display
        for code in entry.codes_of("immunosuppression")
    )
    return "hiv" in entry.concepts or transplanted


def immunosuppressant_unclear(facts: Facts) -> bool:
    """Whether an immunosuppressant is on record without a date that tells how long it has been taken."""
    old_enough = facts.thresholds.immunosuppressant_age
    return any(
        not entry.dated.is_known or entry.dated.within(old_enough - 1, facts.as_of) is None
        for entry in facts.stated(*IMMUNOSUPPRESSANTS)
    )


def drug_use(facts: Facts) -> list[Evidence]:
    """Return injection drug use that goes on or was recorded within a year."""
    window = facts.thresholds.drug_use_window
    return [
        facts.evidence(entry, "ivdu")
        for entry in facts.stated("ivdu")
        if entry.activity is Activity.ACTIVE
        or facts.is_recent(entry, window) is not False
        or entry.ended.within(window, facts.as_of) is True
    ]


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
    if value is None:
        return False if not highs and flags & _NOT_HIGH else None
    factors, _ = _UNITS[marker]
    if highs:
        return _is_above_range(value, highs, factors)
    limits = facts.thresholds
    plain = converted(value, factors)
    above = plain.above(limits.esr_mm_per_hour if marker == "esr" else limits.crp_mg_per_litre) if plain else None
    if flags & _NOT_HIGH:
        # A value above the limit that is flagged as normal, and no range to tell why, cannot be judged.
        return None if above is True else False
    return above


def _is_above_range(value: Measured, highs: Sequence[Quantity], factors: Mapping[str, float]) -> bool | None:
    """Whether a value is above the upper limits of its laboratory, each in whatever unit it is given.

    None where they disagree: which of them is the normal one is not told.
    """
    answers = []
    for high in highs:
        limit = high.value or 0.0
        unit = high.code or high.unit or ""
        if not unit or not value.unit or unit_key(unit) == unit_key(value.unit):
            answers.append(value.above(limit))
            continue
        plain, top = converted(value, factors), converted(Measured(limit, limit, unit), factors)
        answers.append(plain.above(top.low) if plain and top else None)
    return answers[0] if len(set(answers)) == 1 else None


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
