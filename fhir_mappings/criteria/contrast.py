"""Contrast: reasons for it, reasons against it, and what has to be known before it (R-CON-*, R-PREG)."""

from __future__ import annotations

import re

from fhir_mappings.chart.entries import ChartEntry
from fhir_mappings.chart.measurements import RATE, Measured, converted, measured
from fhir_mappings.chart.remarks import Remark
from fhir_mappings.criteria.facts import Facts
from fhir_mappings.criteria.findings import Evidence, Finding
from fhir_mappings.fhir.resources import DiagnosticReport
from fhir_mappings.words.matcher import quoted

_POSITIVE = ("positive", "pregnant", "yes", "detected", "present")
# "Gadolinium", "gadobutrol", "gadoterate" and whatever is named after them.
_GADOLINIUM = re.compile(r"gado", re.IGNORECASE)
_EQUIVOCAL_WORDS = ("indeterminate", "nondiagnostic", "non-diagnostic", "equivocal", "inconclusive")


def r_con_nondiag(facts: Facts) -> Finding:
    """Whether a lumbar MRI without contrast was nondiagnostic within the window."""
    window = facts.thresholds.nondiagnostic_window
    entries = [
        entry
        for entry in facts.stated("order_mri_lumbar_wo")
        if isinstance(entry.resource, DiagnosticReport)
        and is_nondiagnostic(facts, entry.resource)
        and entry.dated.within(window, facts.as_of) is True
    ]
    evidence = [facts.evidence(entry, "order_mri_lumbar_wo") for entry in entries]
    return facts.finding("R-CON-NONDIAG", evidence, sources=("DiagnosticReport",), met=bool(evidence))


def is_nondiagnostic(facts: Facts, report: DiagnosticReport) -> bool:
    """Whether a report concludes that the study did not settle the question."""
    if any(
        facts.chart.display_of("imaging_result_status", coding.system, coding.code).casefold().find("equivocal") >= 0
        for code in report.conclusion_code
        for coding in code.coding
        if "imaging_result_status" in facts.chart.concepts_of(coding.system, coding.code)
    ):
        return True
    conclusion = (report.conclusion or "").casefold()
    return any(word in conclusion for word in _EQUIVOCAL_WORDS)


def r_con_mit(facts: Facts) -> Finding:
    """Whether inflammation of the spine is suspected; malignancy and infection are findings of their own."""
    evidence = [facts.evidence(entry, "inflammatory_spine") for entry in facts.current("inflammatory_spine")]
    return facts.finding("R-CON-MIT", evidence, sources=("Condition",), met=bool(evidence))


def r_preg(facts: Facts) -> Finding:
    """Whether the patient is pregnant now; a possible pregnancy asks."""
    window = facts.thresholds.pregnancy_window
    denied = _denials(facts)
    stated = facts.current("pregnancy", within=window)
    positive = [entry for entry in stated if not any(later.dated.after(entry.dated) is True for later in denied)]
    evidence = [facts.evidence(entry, "pregnancy") for entry in positive] + _positive_tests(facts)
    possible = facts.current("pregnancy_possible", "lbp_pregnancy", within=window)
    questions = ("pregnancy",) if possible and not evidence and not denied else ()
    return facts.finding(
        "R-PREG", evidence, sources=("Condition", "Observation"), questions=questions, met=bool(evidence)
    )


def _denials(facts: Facts) -> list[ChartEntry]:
    window = facts.thresholds.negative_pregnancy_test_window
    return [entry for entry in facts.stated("pregnancy_absent") if entry.dated.within(window, facts.as_of) is True]


def _positive_tests(facts: Facts) -> list[Evidence]:
    """Return pregnancy tests answered with a plain positive; a coded positive value is read as `pregnancy` itself."""
    window = facts.thresholds.pregnancy_window
    return [
        facts.evidence(entry, "pregnancy_observation")
        for entry in facts.stated("pregnancy_observation")
        if _is_positive(entry) and facts.is_recent(entry, window) is not False
    ]


def _is_positive(entry: ChartEntry) -> bool:
    part = entry.part
    if part is None or part.value_boolean is not None:
        return part is not None and part.value_boolean is True
    value = part.value_codeable_concept
    said = [part.value_string]
    if value is not None:
        said += [value.text, *(coding.display for coding in value.coding)]
    return any((text or "").strip().casefold() in _POSITIVE for text in said)


def r_con_safe(facts: Facts) -> Finding:
    """What has to be known before gadolinium: kidney function, allergy, pregnancy.

    MET where something speaks against it or is not known. Tags: `egfr_severe`, `egfr_reduced`, `egfr_unclear`,
    `egfr_missing`, `renal_disease`, `allergy_gadolinium`, `allergy_unclear`, `pregnancy`.
    """
    tags, evidence = _kidney(facts)
    for concept, tag in (("gadolinium_allergy", "allergy_gadolinium"), ("contrast_allergy_generic", "allergy_unclear")):
        entries = facts.current(concept)
        if entries:
            tags.append(tag)
            evidence += [facts.evidence(entry, concept) for entry in entries]
    for remark in _worded_allergies(facts):
        tag = "allergy_gadolinium" if _GADOLINIUM.search(remark.text) else "allergy_unclear"
        concept = "gadolinium_allergy" if tag == "allergy_gadolinium" else "contrast_allergy_generic"
        tags.append(tag)
        quote = quoted(remark.text, "contrast_allergy")
        evidence.append(Evidence(remark.reference, concept, when=remark.when, quote=quote, place=remark.place))
    pregnancy = r_preg(facts)
    if pregnancy.met or pregnancy.questions:
        tags.append("pregnancy")
        evidence += pregnancy.evidence
    sources = ("Observation", "Condition", "AllergyIntolerance")
    window = facts.thresholds.egfr_window
    # The newest value decides; that there is another one is news all the same.
    weighed = [_seen(facts, entry) for entry in facts.entries("egfr") if facts.is_recent(entry, window) is not False]
    return facts.finding(
        "R-CON-SAFE", evidence, sources=sources, tags=tags, weighed=(*evidence, *weighed), met=bool(tags)
    )


def _seen(facts: Facts, entry: ChartEntry) -> Evidence:
    rate = _rate(entry)
    return facts.evidence(entry, "egfr", amount=rate.shown("mL/min/1.73 m2") if rate else "")


def _worded_allergies(facts: Facts) -> list[Remark]:
    """Return the words about a reaction to contrast, wherever they stand."""
    return [remark for remark in facts.remarks if "contrast_allergy" in remark.topics and not remark.is_over]


def _kidney(facts: Facts) -> tuple[list[str], list[Evidence]]:
    """Return what the newest eGFR within the window says, else what diagnoses say; nothing known is `egfr_missing`.

    One that cannot be judged, and may be the newest, leaves it unclear: an older value is not the kidney of today.
    """
    window, limits = facts.thresholds.egfr_window, facts.thresholds
    recent = [entry for entry in facts.entries("egfr") if entry.dated.within(window, facts.as_of) is not False]
    values = [
        (entry, value)
        for entry in recent
        if (value := _rate(entry)) is not None and entry.dated.within(window, facts.as_of) is True
    ]
    severe = [
        facts.evidence(entry, "renal_severe")
        for entry in facts.current("renal_severe")
        if entry.resource.resource_type in ("Condition", "ServiceRequest")
        or facts.is_recent(entry, window) is not False
    ]
    if not values:
        return (["renal_disease"], severe) if severe else (["egfr_missing"], [])
    newest = max(entry.dated.latest for entry, _ in values if entry.dated.latest)
    entry, value = min(
        ((entry, value) for entry, value in values if entry.dated.latest == newest), key=lambda pair: pair[1].low
    )
    seen = [facts.evidence(entry, "egfr", amount=value.shown("mL/min/1.73 m2"))]
    if value.below(limits.egfr_severe):
        return ["egfr_severe"], seen
    unjudged = [item for item in recent if item.dated.on_or_before(newest) is not True and _may_be_severe(facts, item)]
    if unjudged or value.below(limits.egfr_severe) is None:
        # "<60" may be 25.
        seen = [*(facts.evidence(found, "egfr") for found in unjudged), *seen]
        return (["renal_disease"], [*severe, *seen]) if severe else (["egfr_unclear"], seen)
    if value.below(limits.egfr_reduced) is not False:
        return ["egfr_reduced"], seen
    return (["renal_disease"], [*severe, *seen]) if severe else ([], [])


def _may_be_severe(facts: Facts, entry: ChartEntry) -> bool:
    rate = _rate(entry)
    return rate is None or rate.below(facts.thresholds.egfr_severe) is not False


def _rate(entry: ChartEntry) -> Measured | None:
    rate = measured(entry)
    return converted(rate, RATE) if rate else None
