"""Whom and what the guideline is about: age, indication, risk groups, earlier imaging, comfort."""

from __future__ import annotations

import re

from fhir_mappings.chart.chart import belongs_to
from fhir_mappings.chart.entries import Activity, ChartEntry
from fhir_mappings.chart.statuses import is_disregarded
from fhir_mappings.criteria.cancer import cancers, weight_loss
from fhir_mappings.criteria.contrast import is_nondiagnostic
from fhir_mappings.criteria.episode import has_pain
from fhir_mappings.criteria.facts import Facts
from fhir_mappings.criteria.findings import Finding, Status
from fhir_mappings.criteria.hints import r_hint, r_unread
from fhir_mappings.criteria.implants import IMPLANTS
from fhir_mappings.criteria.infection import (
    drug_use,
    fever,
    immunosuppressant_unclear,
    immunosuppression,
    is_measurement,
)
from fhir_mappings.fhir.datatypes import CodeableConcept
from fhir_mappings.fhir.resources import Condition, DiagnosticReport, ImagingStudy
from fhir_mappings.fhir.sources import SourceState
from fhir_mappings.terminology.code_systems import ICD_10_CM, SNOMED_CT, canonical_system
from fhir_mappings.terminology.concepts import (
    DRUGS,
    FINDINGS,
    INDICATIONS,
    PAIN,
    PROBLEMS,
    THERAPY_DRUGS,
    THERAPY_PROCEDURES,
    TRACES_OF_CARE,
)

_UNCHANGED = re.compile(
    r"\b(?:unchanged|no (?:interval |new |clinical )?changes?|no new (?:symptoms|complaints|findings)|same symptoms"
    r"|symptoms (?:are |remain )?(?:the same|stable))\b"
)
_UPRIGHT = re.compile(r"\b(?:(?:only|worse|pain) (?:\w+ ){0,3}(?:upright|standing)|upright mri|weight-?bearing mri)\b")
# What settles nothing by itself, and so needs no right date: how a finding is asserted, what is asked for, what is not.
_NO_ERROR = (
    "qualifier_presence",
    "family_history_cancer",
    "pregnancy_absent",
    "cancer_absent",
    "trauma_absent",
    "cancer_skin_excluded",
    "device_external_ignore",
    "creatinine",
    "wbc",
    "blood_culture",
    *THERAPY_DRUGS,
)
_MEASURED = frozenset({"pvr", "esr", "crp", "fever"})
# The course of the pain is judged as of the day of the order.
_OF_COURSE = frozenset({*PAIN, *THERAPY_PROCEDURES, *THERAPY_DRUGS, *TRACES_OF_CARE})
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
    stated = facts.stated(*INDICATIONS)
    own = [entry for entry in stated if entry.of_order or entry.reference in _reasons(facts)]
    window = facts.thresholds.indication_window
    charted = [
        entry
        for entry in stated
        if not is_measurement(entry)
        and (entry.activity is Activity.ACTIVE or facts.is_recent(entry, window) is not False)
    ]
    # A temperature is a reason for the order only where it is a fever.
    evidence = [*(facts.evidence(entry, *INDICATIONS) for entry in (*own, *charted)), *fever(facts)]
    unread = [name for name in FINDINGS if facts.chart.state(name) in (SourceState.UNAVAILABLE, SourceState.PARTIAL)]
    if evidence:
        status = Status.MET
    elif _is_coded_elsewhere(facts) and not unread:
        status = Status.NOT_MET
    else:
        status = Status.UNKNOWN
    questions = ("indication",) if status is Status.UNKNOWN else ()
    tags = frozenset(["pain"] if has_pain(facts) else [])
    unavailable = facts.chart.incomplete(PROBLEMS)
    return Finding("R-IND", status, tuple(dict.fromkeys(evidence)), PROBLEMS, unavailable, questions, tags)


def _reasons(facts: Facts) -> frozenset[str]:
    return frozenset(facts.order.reason_references)


def _is_coded_elsewhere(facts: Facts) -> bool:
    """Whether every reason of the order is coded in a system these criteria know; a text may be back pain too."""
    reasons = [*facts.order.reasons]
    for reference in facts.order.reason_references:
        target = facts.order.companions.get(reference) or facts.chart.by_reference(reference)
        if isinstance(target, Condition) and target.code and _counts(facts, target):
            reasons.append(target.code)
        else:
            return False
    return bool(reasons) and all(_is_coded(reason) for reason in reasons)


def _counts(facts: Facts, condition: Condition) -> bool:
    return belongs_to(condition, facts.chart.patient_id) and not is_disregarded(condition)


def _is_coded(reason: CodeableConcept) -> bool:
    return any(
        coding.code and coding.system and canonical_system(coding.system) in (SNOMED_CT, ICD_10_CM)
        for coding in reason.coding
    )


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
    unclear = not tags and immunosuppressant_unclear(facts)
    questions = ("immunosuppressant_duration",) if unclear else ()
    sources = (*FINDINGS, *DRUGS)
    return facts.finding("R-V7", evidence, sources=sources, questions=questions, tags=tags, met=bool(tags))


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
    if entries and (facts.order_says(_UNCHANGED) or not _anything_new(facts, entries)):
        tags.append("unchanged")
    evidence = [facts.evidence(entry, *LUMBAR_MRI) for entry in entries]
    return facts.finding("R-DUP", evidence, sources=("DiagnosticReport",), tags=tags, met=bool(evidence))


def _anything_new(facts: Facts, studies: list[ChartEntry]) -> bool:
    """Whether anything about the back or a red flag was put on record since the last study, or is of unknown date."""
    last = max((entry.dated.latest for entry in studies if entry.dated.latest), default=facts.as_of)
    own = {entry.reference for entry in studies}
    told = [
        entry.asserted
        for entry in facts.stated(*INDICATIONS)
        if not isinstance(entry.resource, DiagnosticReport | ImagingStudy) and not entry.of_order
    ]
    told += [item.when for item in (*r_hint(facts).evidence, *r_unread(facts).evidence) if item.reference not in own]
    told += [note.when for note in facts.chart.course if note.kind == "pain"]
    return any(when.on_or_before(last) is not True for when in told)


def _left_open(facts: Facts, entry: ChartEntry) -> bool:
    return isinstance(entry.resource, DiagnosticReport) and is_nondiagnostic(facts, entry.resource)


def r_claus(facts: Facts) -> Finding:
    """Whether claustrophobia is on record."""
    evidence = [facts.evidence(entry, "claustrophobia") for entry in facts.current("claustrophobia")]
    return facts.finding("R-CLAUS", evidence, sources=("Condition",), met=bool(evidence))


def r_upright(facts: Facts) -> Finding:
    """Whether an upright study may show more: spondylolisthesis, or an order that says the pain is there upright."""
    evidence = [facts.evidence(entry, "spondylolisthesis") for entry in facts.current("spondylolisthesis")]
    if said := facts.said_by_order(_UPRIGHT):
        evidence.append(said)
    return facts.finding("R-UPRIGHT", evidence, sources=("Condition",), met=bool(evidence))


def r_date(facts: Facts) -> Finding:
    """Whether a record that bears on the order is dated in the future: a data error that somebody has to look at.

    Never MET: such a record fires nothing, and it does not settle anything either.
    """
    entries = [entry for entry in facts.entries_since(*_NO_ERROR) if facts.is_future(entry) or _is_missed(facts, entry)]
    evidence = [
        facts.evidence(entry, *sorted(entry.concepts, key=lambda name: (name not in IMPLANTS, name)))
        for entry in entries
    ]
    questions = ("future_date",) if entries else ()
    return facts.finding("R-DATE", evidence, sources=FINDINGS, questions=questions, met=False)


def _is_missed(facts: Facts, entry: ChartEntry) -> bool:
    """Whether an entry came after an old order and is too old to be judged as of today: it may change the order."""
    limits = facts.thresholds
    measured = not entry.concepts.isdisjoint(_MEASURED)
    window = limits.inflammation_marker_window if measured else limits.neurologic_window
    return entry.concepts.isdisjoint(_OF_COURSE) and facts.is_recent(entry, window) is False
