"""Suspected infection of the spine, and what makes it likelier (R-INFECT)."""

from __future__ import annotations

from fhir_mappings.chart.entries import Activity, Assertion, ChartEntry
from fhir_mappings.chart.observations import measured, unit_of
from fhir_mappings.criteria.facts import Facts
from fhir_mappings.criteria.findings import Evidence, Finding
from fhir_mappings.terminology.code_systems import LOINC, canonical_system
from fhir_mappings.terminology.concepts import DRUGS, FINDINGS, IMMUNOSUPPRESSANTS

_SOURCES = (*FINDINGS, *DRUGS)
_HIGH = frozenset({"H", "HH", "HU", "A", "AA"})
_TRANSPLANT = "Z94"  # ICD-10-CM: transplanted organ and tissue status
_FAHRENHEIT_LOW = 60.0  # a body temperature above this cannot be in degrees Celsius


def r_infect(facts: Facts) -> Finding:
    """Whether there is concrete suspicion: a spinal infection, bacteraemia, fever, or raised ESR or CRP."""
    evidence: list[Evidence] = []
    questions: list[str] = []
    _spinal_infection(facts, evidence, questions)
    evidence += [
        facts.evidence(entry, "bacteraemia")
        for entry in facts.stated("bacteraemia")
        if facts.is_recent(entry, facts.thresholds.infection_history) is not False
    ]
    evidence += fever(facts)
    for marker in ("esr", "crp"):
        evidence += _raised(facts, marker)
    if host_risk(facts):
        evidence += night_sweats(facts)
    elif night_sweats(facts):
        questions.append("night_sweats")
    if _old_fever(facts) and not evidence:
        questions.append("fever")
    if not evidence:
        questions += _unread(facts)
        if any(entry.assertion is Assertion.UNKNOWN for entry in facts.entries("fever")):
            questions.append("fever")
    tags = ["drug_use_possible"] if facts.stated("ivdu_proxy") else []
    return facts.finding("R-INFECT", evidence, sources=_SOURCES, questions=questions, tags=tags, met=bool(evidence))


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
            if degrees is not None and degrees >= facts.thresholds.fever_celsius:
                found.append(facts.evidence(entry, "fever", amount=f"{degrees:.1f} °C"))
        elif entry in stated and entry.activity is not Activity.INACTIVE:
            found.append(facts.evidence(entry, "fever"))
    return found


def _unread(facts: Facts) -> list[str]:
    """Return the questions for recent measurements whose value cannot be read."""
    limits = facts.thresholds
    unread = [
        entry
        for entry in facts.entries("fever")
        if is_measurement(entry)
        and _celsius(entry) is None
        and facts.is_recent(entry, limits.fever_window) is not False
    ]
    markers = [
        entry
        for entry in facts.entries("esr", "crp")
        if measured(entry) is None
        and not _flags(entry)
        and facts.is_recent(entry, limits.inflammation_marker_window) is not False
    ]
    return [*(["fever"] if unread else []), *(["inflammation_markers"] if markers else [])]


def _old_fever(facts: Facts) -> bool:
    """Whether a fever is still on the problem list after the window."""
    return any(
        entry.resource.resource_type == "Condition" and entry.activity is Activity.ACTIVE
        for entry in facts.stated("fever")
    )


def is_measurement(entry: ChartEntry) -> bool:
    """Whether the code only says that a temperature was taken, not that it was high."""
    return any(canonical_system(code.system) == LOINC for code in entry.codes_of("fever"))


def _celsius(entry: ChartEntry) -> float | None:
    degrees = measured(entry)
    if degrees is None:
        return None
    fahrenheit = "f" in unit_of(entry) or degrees > _FAHRENHEIT_LOW
    return round((degrees - 32) * 5 / 9, 1) if fahrenheit else degrees


def _raised(facts: Facts, marker: str) -> list[Evidence]:
    """Return raised ESR or CRP values: by interpretation, else by the laboratory's range, else by the default."""
    found = []
    for entry in facts.entries(marker):
        recent = facts.is_recent(entry, facts.thresholds.inflammation_marker_window)
        if entry.assertion is Assertion.UNKNOWN or recent is False:
            continue
        if is_raised(entry, _default_limit(facts, marker, entry)):
            value = measured(entry)
            amount = "" if value is None else f"{value:.4g} {_unit_text(unit_of(entry))}".strip()
            found.append(facts.evidence(entry, marker, amount=amount))
    return found


def _flags(entry: ChartEntry) -> set[str | None]:
    interpretation = entry.part.interpretation if entry.part else []
    return {coding.code for concept in interpretation for coding in concept.coding}


def is_raised(entry: ChartEntry, default: float) -> bool:
    """Whether a laboratory value is above what its laboratory, or failing that a default, calls normal."""
    flags = _flags(entry)
    if flags & _HIGH:
        return True
    value = measured(entry)
    if value is None or entry.part is None:
        return False
    ranges = entry.part.reference_range
    highs = [item.high.value for item in ranges if item.high and item.high.value is not None]
    if not highs and flags & {"N", "L", "LL"}:
        return False
    return value > (max(highs) if highs else default)


def _default_limit(facts: Facts, marker: str, entry: ChartEntry) -> float:
    if marker == "esr":
        return facts.thresholds.esr_mm_per_hour
    return facts.thresholds.crp_mg_per_litre / (10 if "dl" in unit_of(entry) else 1)


def _unit_text(unit: str | None) -> str:
    """Return a unit only if it looks like one, since units are free text."""
    text = (unit or "").strip()
    return text if len(text) <= 12 and all(sign.isalnum() or sign in "/[]{}._%*^" for sign in text) else ""  # noqa: PLR2004


def night_sweats(facts: Facts) -> list[Evidence]:
    """Return recent night sweats."""
    window = facts.thresholds.neurologic_window
    return [
        facts.evidence(entry, "night_sweats")
        for entry in facts.stated("night_sweats")
        if entry.activity is not Activity.INACTIVE and facts.is_recent(entry, window) is not False
    ]


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
