"""Suspected infection of the spine, and what makes it likelier (R-INFECT)."""

from __future__ import annotations

from fhir_mappings.criteria.concepts import FINDINGS, IMMUNOSUPPRESSANTS
from fhir_mappings.entries import Activity, Assertion, ChartEntry
from fhir_mappings.facts import Facts
from fhir_mappings.findings import Evidence, Finding
from fhir_mappings.resources import Observation

_SOURCES = (*FINDINGS, "MedicationRequest")
_HIGH = frozenset({"H", "HH", "HU", "A", "AA"})
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
    if any(entry.assertion is Assertion.UNKNOWN for entry in facts.entries("fever")):
        questions.append("fever")
    return facts.finding("R-INFECT", evidence, sources=_SOURCES, questions=questions, met=bool(evidence))


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
        if isinstance(entry.resource, Observation) and _is_measurement(entry):
            degrees = _celsius(entry)
            if degrees is not None and degrees >= facts.thresholds.fever_celsius:
                found.append(facts.evidence(entry, "fever", amount=f"{degrees:g} °C"))
        elif entry in stated and entry.activity is not Activity.INACTIVE:
            found.append(facts.evidence(entry, "fever"))
    return found


def _old_fever(facts: Facts) -> bool:
    """Whether a fever is still on the problem list after the window."""
    return any(
        entry.resource.resource_type == "Condition" and entry.activity is Activity.ACTIVE
        for entry in facts.stated("fever")
    )


def _is_measurement(entry: ChartEntry) -> bool:
    """Whether the code only says that a temperature was taken, not that it was high."""
    return any("loinc" in code.system or "113883.6.1" in code.system for code in entry.codes_of("fever"))


def _celsius(entry: ChartEntry) -> float | None:
    quantity = entry.resource.value_quantity if isinstance(entry.resource, Observation) else None
    if quantity is None or quantity.value is None:
        return None
    unit = (quantity.code or quantity.unit or "").casefold()
    if "f" in unit or quantity.value > _FAHRENHEIT_LOW:
        return round((quantity.value - 32) * 5 / 9, 1)
    return quantity.value


def _raised(facts: Facts, marker: str) -> list[Evidence]:
    """Return raised ESR or CRP values: by interpretation, else by the laboratory's range, else by the default."""
    found = []
    for entry in facts.entries(marker):
        if entry.assertion is Assertion.UNKNOWN or not isinstance(entry.resource, Observation):
            continue
        recent = facts.is_recent(entry, facts.thresholds.inflammation_marker_window)
        if recent is not False and is_raised(entry.resource, _default_limit(facts, marker, entry.resource)):
            quantity = entry.resource.value_quantity
            amount = (
                f"{quantity.value:g} {_unit_text(quantity.unit or quantity.code)}"
                if quantity and quantity.value
                else ""
            )
            found.append(facts.evidence(entry, marker, amount=amount.strip()))
    return found


def is_raised(observation: Observation, default: float) -> bool:
    """Whether a laboratory value is above what its laboratory, or failing that a default, calls normal."""
    codes = {coding.code for concept in observation.interpretation for coding in concept.coding}
    if codes & _HIGH:
        return True
    value = observation.value_quantity.value if observation.value_quantity else None
    if value is None:
        return False
    highs = [item.high.value for item in observation.reference_range if item.high and item.high.value is not None]
    if not highs and codes & {"N", "L", "LL"}:
        return False
    return value > (max(highs) if highs else default)


def _default_limit(facts: Facts, marker: str, observation: Observation) -> float:
    if marker == "esr":
        return facts.thresholds.esr_mm_per_hour
    quantity = observation.value_quantity
    unit = ((quantity.code or quantity.unit or "") if quantity else "").casefold()
    return facts.thresholds.crp_mg_per_litre / 10 if "dl" in unit else facts.thresholds.crp_mg_per_litre


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
        if entry.activity is not Activity.INACTIVE
    ]
    old_enough = facts.thresholds.immunosuppressant_age
    requests = [entry for entry in facts.stated(*IMMUNOSUPPRESSANTS) if entry.dated.is_known]
    lasting = [entry for entry in requests if entry.dated.within(old_enough - 1, facts.as_of) is False]
    return [*states, *(facts.evidence(entry, *IMMUNOSUPPRESSANTS) for entry in lasting)]


def drug_use(facts: Facts) -> list[Evidence]:
    """Return injection drug use that goes on or was recorded within a year."""
    window = facts.thresholds.drug_use_window
    return [
        facts.evidence(entry, "ivdu")
        for entry in facts.stated("ivdu")
        if entry.activity is Activity.ACTIVE
        or (entry.activity is not Activity.INACTIVE and facts.is_recent(entry, window) is not False)
    ]
