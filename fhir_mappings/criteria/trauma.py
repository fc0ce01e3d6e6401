"""Recent trauma relative to age and bone, and fragile bone itself (R-TRAUMA, R-V6)."""

from __future__ import annotations

from fhir_mappings.chart.entries import Activity, ChartEntry
from fhir_mappings.chart.supplies import covered_days, longest_run, supply
from fhir_mappings.criteria.facts import Facts
from fhir_mappings.criteria.findings import Evidence, Finding
from fhir_mappings.fhir.dates import shifted
from fhir_mappings.terminology.code_systems import ICD_10_CM, SNOMED_CT, canonical_system
from fhir_mappings.terminology.concepts import DRUGS, FINDINGS, STEROIDS
from fhir_mappings.terminology.index import is_within

_SOURCES = (*FINDINGS, "Procedure")
# Members of `trauma_spine` that say nothing of how bad it was: the mechanism has to be asked.
_UNSPECIFIC_INJURIES = (
    (ICD_10_CM, "S39.92"),
    (ICD_10_CM, "S30.0"),
    (SNOMED_CT, "712893003"),
    (SNOMED_CT, "11437003"),
)
# Falls of which it is not said from where.
_UNSPECIFIC_FALLS = ((ICD_10_CM, "W19"), (SNOMED_CT, "1912002"), (SNOMED_CT, "161898004"))
_ANKYLOSING = ((ICD_10_CM, "M45"), (ICD_10_CM, "M08.1"), (SNOMED_CT, "9631008"))


def _is_one_of(entry: ChartEntry, concept: str, members: tuple[tuple[str, str], ...]) -> bool:
    """Whether every coding of an entry for a concept is one of some codes (ICD-10-CM: or below one)."""
    codes = entry.codes_of(concept)
    return bool(codes) and all(
        any(
            is_within(code, member)
            if system == ICD_10_CM
            else canonical_system(code.system) == system and code.code == member
            for system, member in members
        )
        for code in codes
    )


def r_trauma(facts: Facts) -> Finding:
    """Whether there was significant trauma within the window.

    A fracture, dislocation or nerve injury counts, and a high-energy mechanism at any age. A low-energy one counts in
    an ankylosed spine; with age or fragile bone it is R-V6. Tags: `spine`, `high_energy`, `ankylosed`.
    """
    injuries = _recent(facts, "trauma_spine")
    unclear = [entry for entry in injuries if _is_one_of(entry, "trauma_spine", _UNSPECIFIC_INJURIES)]
    certain = [entry for entry in injuries if entry not in unclear]
    high = _recent(facts, "trauma_high_energy")
    low = _recent(facts, "trauma_low_energy")
    vague = [entry for entry in low if _is_one_of(entry, "trauma_low_energy", _UNSPECIFIC_FALLS)]
    stiff = ankylosed(facts) if low else []
    evidence = [
        *(facts.evidence(entry, "trauma_spine") for entry in certain),
        *(facts.evidence(entry, "trauma_high_energy") for entry in high),
        *([*(facts.evidence(entry, "trauma_low_energy") for entry in low), *stiff] if stiff else []),
    ]
    questions = []
    if not evidence and (unclear or _recent(facts, "trauma_generic")):
        questions.append("trauma_mechanism")
    counts = _counts_by_age_or_bone(facts)
    if vague and not stiff and counts is not True:
        questions.append("trauma_mechanism")
    if low and not stiff and counts is None:
        questions.append("age" if facts.chart.birth.earliest is None else "trauma_mechanism")
    tags = [tag for tag, holds in (("spine", certain), ("high_energy", high), ("ankylosed", stiff)) if holds]
    return facts.finding("R-TRAUMA", evidence, sources=_SOURCES, questions=questions, tags=tags, met=bool(evidence))


def _recent(facts: Facts, concept: str) -> list[ChartEntry]:
    window = facts.thresholds.trauma_window
    return [entry for entry in facts.stated(concept) if facts.is_recent(entry, window) is not False]


def ankylosed(facts: Facts) -> list[Evidence]:
    """Return ankylosing spondylitis, in which a small fall can break the spine."""
    return [
        facts.evidence(entry, "inflammatory_spine")
        for entry in facts.stated("inflammatory_spine")
        if _is_one_of(entry, "inflammatory_spine", _ANKYLOSING)
    ]


def _counts_by_age_or_bone(facts: Facts) -> bool | None:
    """Whether a low-energy fall counts: by age, osteoporosis or chronic steroids."""
    if osteoporosis(facts) or chronic_steroid(facts):
        return True
    return facts.at_least(facts.thresholds.low_energy_trauma_age)


def osteoporosis(facts: Facts) -> list[Evidence]:
    """Return osteoporosis by diagnosis or by its drugs; once diagnosed it stays."""
    return [
        facts.evidence(entry, "osteoporosis", "osteoporosis_drug")
        for entry in facts.stated("osteoporosis", "osteoporosis_drug")
    ]


def fragility_fracture(facts: Facts) -> list[Evidence]:
    """Return osteoporotic or pathological vertebral fractures within the window."""
    recent = facts.current("fragility_fracture", within=facts.thresholds.trauma_window)
    return [facts.evidence(entry, "fragility_fracture") for entry in recent]


def chronic_steroid(facts: Facts) -> list[Evidence]:
    """Return long-term steroid use by diagnosis code, or by prescriptions that cover enough days without a gap."""
    states = [facts.evidence(entry, "steroid_long_term") for entry in facts.current("steroid_long_term")]
    drugs, limits = _systemic_steroids(facts), facts.thresholds
    covered = covered_days(drugs, shifted(facts.as_of, -limits.steroid_look_back), facts.as_of)
    if longest_run(covered) >= limits.steroid_days:
        return [*states, *(facts.evidence(entry, *STEROIDS) for entry in drugs)]
    return states


def steroid_unclear(facts: Facts) -> bool:
    """Whether a systemic steroid is on record without saying how long it has been taken, and may be long enough."""
    days = facts.thresholds.steroid_days
    return any(
        supply(entry, facts.as_of) is None and entry.dated.within(days - 2, facts.as_of) is not True
        for entry in _systemic_steroids(facts)
        if entry.dated.within(facts.thresholds.steroid_look_back, facts.as_of) is not False
        or entry.activity is Activity.ACTIVE
    )


def _systemic_steroids(facts: Facts) -> list[ChartEntry]:
    return [entry for entry in facts.stated(*STEROIDS) if "steroid_excluded" not in entry.concepts]


def r_v6(facts: Facts) -> Finding:
    """Whether ACR variant 6 fits: osteoporosis, fragility fracture, chronic steroid, or a low-velocity fall at 65+.

    Tags: `osteoporosis`, `fracture`, `steroid`, `fall`.
    """
    bone, fractures, steroid = osteoporosis(facts), fragility_fracture(facts), chronic_steroid(facts)
    low = _recent(facts, "trauma_low_energy")
    falls = [facts.evidence(entry, "trauma_low_energy") for entry in low] if _counts_by_age_or_bone(facts) else []
    groups = (("osteoporosis", bone), ("fracture", fractures), ("steroid", steroid), ("fall", falls))
    tags = [tag for tag, found in groups if found]
    evidence = [item for _, found in groups for item in found]
    questions = ("steroid_duration",) if not tags and steroid_unclear(facts) else ()
    sources = (*_SOURCES, *DRUGS)
    return facts.finding("R-V6", evidence, sources=sources, questions=questions, tags=tags, met=bool(tags))
