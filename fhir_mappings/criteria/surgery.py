"""Earlier lumbar surgery, candidacy for surgery, and an unclear diagnosis (R-CON-POSTOP, R-CANDIDATE, R-DX)."""

from __future__ import annotations

import re
from dataclasses import replace

from fhir_mappings.chart.entries import Assertion, ChartEntry
from fhir_mappings.criteria.episode import has_pain
from fhir_mappings.criteria.facts import Facts
from fhir_mappings.criteria.findings import Finding, Status
from fhir_mappings.criteria.infection import fever
from fhir_mappings.criteria.neurology import r_ces, r_motor, r_multi
from fhir_mappings.fhir.resources import Condition, Device
from fhir_mappings.terminology.code_systems import ICD_10_CM, canonical_code, canonical_system
from fhir_mappings.terminology.concepts import PAIN

_SOURCES = ("Procedure", "Condition")
_ARTHRODESIS_STATUS = (ICD_10_CM, "Z98.1")
_COMPETING = 2
_UNCLEAR = re.compile(
    r"\b(?:diagnosis (?:is |remains |still )?(?:unclear|uncertain)|(?:unclear|uncertain) (?:diagnosis|etiology|cause)"
    r"|radiculopathy (?:vs\.?|versus|or) plexopathy|plexopathy (?:vs\.?|versus|or) radiculopathy)"
)


def r_con_postop(facts: Facts) -> Finding:
    """Whether back or leg pain is present after lumbar surgery, at any time."""
    operations = facts.stated("prior_lumbar_surgery")
    sure = [entry for entry in operations if not _level_not_stated(entry)]
    supported = sure or [
        entry for entry in facts.stated("implant_spinal_hardware") if isinstance(entry.resource, Device)
    ]
    unclear = [
        *([] if supported else operations),
        *facts.stated("prior_spine_surgery_level_unknown", "history_of_surgery"),
    ]
    if sure or (operations and supported):
        evidence = [facts.evidence(entry, "prior_lumbar_surgery") for entry in operations]
        return facts.finding("R-CON-POSTOP", evidence, sources=_SOURCES, met=has_pain(facts))
    evidence = [
        facts.evidence(entry, "prior_lumbar_surgery", "prior_spine_surgery_level_unknown", "history_of_surgery")
        for entry in unclear
    ]
    questions = ("surgery_level",) if unclear else ()
    found = facts.finding("R-CON-POSTOP", evidence, sources=_SOURCES, questions=questions, met=False)
    # A procedure that nobody could read may be the operation: it asks nothing, and clears nothing either.
    unread = tuple(line.reference for line in facts.chart.ledger.unrecognised("Procedure"))
    return replace(found, status=Status.UNKNOWN, unread=(*found.unread, *unread)) if unread else found


def _level_not_stated(entry: ChartEntry) -> bool:
    """Whether an entry is nothing but an arthrodesis status, which does not say at which level."""
    system, status = _ARTHRODESIS_STATUS
    return all(
        canonical_system(code.system) == system and canonical_code(system, code.code) == canonical_code(system, status)
        for code in entry.codes_of("prior_lumbar_surgery")
    )


def r_postop_early(facts: Facts) -> Finding:
    """Whether a deficit or fever follows an operation on the spine of the last weeks: a haematoma or an abscess.

    Tags: `deficit`, `fever`.
    """
    days = facts.thresholds.early_after_surgery
    operations = [
        entry
        for entry in facts.stated("prior_lumbar_surgery", "prior_spine_surgery_level_unknown")
        if entry.resource.resource_type == "Procedure" and entry.dated.within(days, facts.as_of) is True
    ]
    signs = (("deficit", r_ces(facts).met or r_motor(facts).met or r_multi(facts).met), ("fever", bool(fever(facts))))
    tags = [tag for tag, holds in signs if holds] if operations else []
    evidence = [
        facts.evidence(entry, "prior_lumbar_surgery", "prior_spine_surgery_level_unknown") for entry in operations
    ]
    return facts.finding("R-POSTOP-EARLY", evidence, sources=("Procedure",), tags=tags, met=bool(tags))


def r_candidate(facts: Facts) -> Finding:
    """Whether a referral to surgery or to an interventional specialist is on record within the window."""
    window = facts.thresholds.candidate_window
    entries = [
        entry
        for entry in facts.stated("surgery_candidate", "intervention_candidate")
        if facts.is_recent(entry, window) is not False
    ]
    evidence = [facts.evidence(entry, "surgery_candidate", "intervention_candidate") for entry in entries]
    return facts.finding("R-CANDIDATE", evidence, sources=("ServiceRequest", "Appointment"), met=bool(evidence))


def r_dx(facts: Facts) -> Finding:
    """Whether the diagnosis is unclear: plexopathy against radiculopathy, rival suspicions, or the order says so."""
    plexus, radicular = facts.current("plexopathy"), facts.current("radiculopathy")
    tags, entries = [], []
    if plexus and radicular:
        tags.append("plexopathy")
        entries += [*plexus, *radicular]
    competing = [
        entry
        for entry in facts.current(*PAIN, "plexopathy", "inflammatory_spine")
        if isinstance(entry.resource, Condition) and entry.assertion is Assertion.SUSPECTED
    ]
    if len({entry.reference for entry in competing}) >= _COMPETING:
        tags.append("competing")
        entries += competing
    said = facts.said_by_order(_UNCLEAR)
    tags += ["stated"] if said else []
    evidence = [facts.evidence(entry, "plexopathy", "radiculopathy", *sorted(entry.concepts)) for entry in entries]
    evidence += [said] if said else []
    return facts.finding("R-DX", evidence, sources=("Condition",), tags=tags, met=bool(tags))
