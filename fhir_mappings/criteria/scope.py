"""Whom and what the guideline is about: age, indication, risk groups, earlier imaging, comfort."""

from __future__ import annotations

from fhir_mappings.criteria.cancer import cancers, weight_loss
from fhir_mappings.criteria.concepts import FINDINGS, INDICATIONS, PROBLEMS
from fhir_mappings.criteria.contrast import is_nondiagnostic
from fhir_mappings.criteria.episode import has_pain
from fhir_mappings.criteria.infection import drug_use, immunosuppression
from fhir_mappings.entries import Activity, ChartEntry
from fhir_mappings.facts import Facts
from fhir_mappings.findings import Finding, Status
from fhir_mappings.resources import Condition, DiagnosticReport, ImagingStudy

LUMBAR_MRI = ("order_mri_lumbar_wo", "order_mri_lumbar_w", "order_mri_lumbar_wo_w", "order_mri_lumbar_unspec")


def r_scope(facts: Facts) -> Finding:
    """Whether the patient is an adult; MET means in scope."""
    adult = facts.at_least(facts.thresholds.adult_age)
    status = {True: Status.MET, False: Status.NOT_MET, None: Status.UNKNOWN}[adult]
    questions = ("age",) if adult is None else ()
    return Finding("R-SCOPE", status, (), ("Patient",), facts.chart.incomplete(("Patient",)), questions)


def r_age(facts: Facts) -> Finding:
    """Whether age alone keeps the scan from being called not appropriate. Tag `older`: 65 to 69, a note only."""
    old = facts.at_least(facts.thresholds.elderly_age)
    status = {True: Status.MET, False: Status.NOT_MET, None: Status.UNKNOWN}[old]
    older = facts.at_least(facts.thresholds.low_energy_trauma_age) is True and old is False
    questions = {True: ("age_bone",), None: ("age",)}.get(old, ())
    return Finding(
        "R-AGE",
        status,
        (),
        ("Patient",),
        facts.chart.incomplete(("Patient",)),
        questions,
        frozenset(["older"] if older else []),
    )


def r_ind(facts: Facts) -> Finding:
    """Whether the order is for something the guideline covers; NOT_MET only for a coded reason about something else.

    The reason may be coded in the order or in a Condition it refers to; a text alone settles nothing. Tag `pain`:
    back or radicular pain is on record now.
    """
    own = [entry for entry in facts.stated(*INDICATIONS) if entry.of_order or entry.reference in _reasons(facts)]
    window = facts.thresholds.indication_window
    charted = [entry for entry in facts.stated(*INDICATIONS) if facts.is_recent(entry, window) is not False]
    evidence = [facts.evidence(entry, *INDICATIONS) for entry in (*own, *charted)]
    failed = facts.chart.failed(FINDINGS)
    if evidence:
        status = Status.MET
    elif _has_coded_reason(facts) and not failed:
        status = Status.NOT_MET
    else:
        status = Status.UNKNOWN
    questions = ("indication",) if status is Status.UNKNOWN else ()
    tags = frozenset(["pain"] if has_pain(facts) else [])
    unavailable = facts.chart.incomplete(PROBLEMS)
    return Finding("R-IND", status, tuple(dict.fromkeys(evidence)), PROBLEMS, unavailable, questions, tags)


def _reasons(facts: Facts) -> frozenset[str]:
    return frozenset(facts.order.reason_references)


def _has_coded_reason(facts: Facts) -> bool:
    coded = [coding.code for reason in facts.order.reasons for coding in reason.coding if coding.code]
    for reference in facts.order.reason_references:
        target = facts.order.companions.get(reference) or facts.chart.by_reference(reference)
        if isinstance(target, Condition) and target.code:
            coded += [coding.code for coding in target.code.coding if coding.code]
    return bool(coded)


def r_v7(facts: Facts) -> Finding:
    """Whether ACR variant 7 fits: cancer, immunosuppression, HIV, injection drug use, unexplained weight loss.

    Tags: `cancer`, `immune`, `drug_use`, `weight_loss`.
    """
    active, past = cancers(facts)
    groups = (
        ("cancer", [*active, *past]),
        ("immune", immunosuppression(facts)),
        ("drug_use", drug_use(facts)),
        ("weight_loss", weight_loss(facts)),
    )
    evidence = [item for _, found in groups for item in found]
    tags = [tag for tag, found in groups if found]
    sources = (*FINDINGS, "MedicationRequest")
    return facts.finding("R-V7", evidence, sources=sources, tags=tags, met=bool(tags))


def r_dup(facts: Facts) -> Finding:
    """Whether the same region was imaged by MRI within the window. Tags: `recent` (60 days), `nondiagnostic`."""
    window = facts.thresholds.repeat_imaging_window
    entries = [
        entry
        for entry in facts.stated(*LUMBAR_MRI)
        if isinstance(entry.resource, DiagnosticReport | ImagingStudy)
        and entry.dated.within(window, facts.as_of) is True
    ]
    recent = [
        entry for entry in entries if entry.dated.within(facts.thresholds.recent_imaging_window, facts.as_of) is True
    ]
    open_question = [entry for entry in entries if _left_open(facts, entry)]
    tags = [*(["recent"] if recent else []), *(["nondiagnostic"] if open_question else [])]
    evidence = [facts.evidence(entry, *LUMBAR_MRI) for entry in entries]
    return facts.finding("R-DUP", evidence, sources=("DiagnosticReport",), tags=tags, met=bool(evidence))


def _left_open(facts: Facts, entry: ChartEntry) -> bool:
    return isinstance(entry.resource, DiagnosticReport) and is_nondiagnostic(facts, entry.resource)


def r_claus(facts: Facts) -> Finding:
    """Whether claustrophobia is on record."""
    entries = [entry for entry in facts.stated("claustrophobia") if entry.activity is not Activity.INACTIVE]
    evidence = [facts.evidence(entry, "claustrophobia") for entry in entries]
    return facts.finding("R-CLAUS", evidence, sources=("Condition",), met=bool(evidence))


def r_upright(facts: Facts) -> Finding:
    """Whether spondylolisthesis is on record, where an upright study may show more than a recumbent one."""
    entries = [entry for entry in facts.stated("spondylolisthesis") if entry.activity is not Activity.INACTIVE]
    evidence = [facts.evidence(entry, "spondylolisthesis") for entry in entries]
    return facts.finding("R-UPRIGHT", evidence, sources=("Condition",), met=bool(evidence))
