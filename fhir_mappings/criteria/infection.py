"""Suspected infection of the spine, and what makes it likelier (R-INFECT)."""

from __future__ import annotations

from fhir_mappings.chart.entries import Activity, Assertion, ChartEntry
from fhir_mappings.criteria.facts import Facts
from fhir_mappings.criteria.findings import Evidence, Finding
from fhir_mappings.criteria.markers import fever, raised, unjudged
from fhir_mappings.terminology.concepts import DRUGS, FINDINGS, IMMUNOSUPPRESSANTS

_SOURCES = (*FINDINGS, *DRUGS)
_TRANSPLANT = "Z94"  # ICD-10-CM: transplanted organ and tissue status


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
