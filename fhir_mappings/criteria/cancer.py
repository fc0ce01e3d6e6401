"""Cancer and the spine, and the weaker signs of it (R-CANCER, part of R-V7)."""

from __future__ import annotations

from fhir_mappings.chart.entries import Activity, ChartEntry
from fhir_mappings.criteria.facts import Facts
from fhir_mappings.criteria.findings import Evidence, Finding
from fhir_mappings.terminology.concepts import FINDINGS
from fhir_mappings.terminology.index import is_within

# ICD-10-CM: secondary neoplasms, and multiple myeloma.
_NEVER_SILENT = ("C77", "C78", "C79", "C80", "C90")
_SOURCES = (*FINDINGS, "Procedure")


def r_cancer(facts: Facts) -> Finding:
    """Whether cancer could compress the cord: metastasis to the spine is met; a cancer elsewhere, or past, is a risk.

    Tags: `metastatic` (spine, bone or cord), `active`, `history`.
    """
    spread = spinal_metastases(facts)
    active, past = cancers(facts)
    tags = [tag for tag, holds in (("metastatic", spread), ("active", active), ("history", past)) if holds]
    evidence = [facts.evidence(entry, "cancer_metastatic_spine") for entry in spread]
    questions = ["weight_loss"] if _weight_loss_unclear(facts) else []
    drugs = [] if tags else [entry for entry in facts.stated("antineoplastic_drug") if _counts(facts, entry)]
    if drugs:
        questions.append("cancer_drug")
        past = [facts.evidence(entry, "antineoplastic_drug") for entry in drugs]
    return facts.finding(
        "R-CANCER",
        [*evidence, *active, *past],
        sources=_SOURCES,
        questions=questions,
        tags=tags,
        met=bool(spread),
    )


def spinal_metastases(facts: Facts) -> list[ChartEntry]:
    """Return metastases to spine, bone or cord that are not over."""
    return facts.current("cancer_metastatic_spine")


def cancers(facts: Facts) -> tuple[list[Evidence], list[Evidence]]:
    """Return active cancers and past ones; a cancer in remission or resolved is past, never forgotten.

    So is one that has not spread and of which nothing has been on record for five years.
    """
    return facts.once("cancers", lambda: _cancers(facts))


def _cancers(facts: Facts) -> tuple[list[Evidence], list[Evidence]]:
    active: list[Evidence] = []
    past: list[Evidence] = []
    plexus = [entry for entry in facts.stated("plexopathy") if _is_neoplastic(entry)]
    for entry in (*facts.stated("cancer_active", "cancer_metastatic_spine"), *plexus):
        item = facts.evidence(entry, "cancer_active", "cancer_metastatic_spine", "plexopathy")
        silent = facts.once("cancer is silent", lambda: _is_silent(facts))
        over = entry.activity is Activity.INACTIVE or (silent and not _has_spread(entry))
        (past if over else active).append(item)
    past += [facts.evidence(entry, "cancer_history") for entry in facts.stated("cancer_history")]
    return active, past


def _counts(facts: Facts, entry: ChartEntry) -> bool:
    return not entry.dated.is_known or entry.dated.within(facts.thresholds.cancer_silence, facts.as_of) is not False


def _is_silent(facts: Facts) -> bool:
    """Whether no record of a cancer, or of a drug against one, is of the last five years or of unknown date."""
    mentions = facts.stated("cancer_active", "cancer_metastatic_spine", "antineoplastic_drug")
    days = facts.thresholds.cancer_silence
    dates = [found for entry in mentions for found in (entry.when, entry.recorded) if found.is_known]
    dated = all(entry.dated.is_known and not entry.of_order for entry in mentions)
    return dated and all(found.within(days, facts.as_of) is False for found in dates)


def _has_spread(entry: ChartEntry) -> bool:
    """Whether a cancer is a metastasis or a myeloma, which do not become history by silence."""
    if "cancer_metastatic_spine" in entry.concepts:
        return True
    return any(is_within(code, root) for code in entry.codes_of("cancer_active") for root in _NEVER_SILENT) or any(
        word in code.display.casefold()
        for code in entry.codes_of("cancer_active")
        for word in ("metasta", "secondary", "myeloma", "disseminated")
    )


def _is_neoplastic(entry: ChartEntry) -> bool:
    """Whether a plexopathy is due to a tumour, by this project's display of its code."""
    displays = (code.display.casefold() for code in entry.codes_of("plexopathy"))
    return any("neoplas" in display for display in displays)


def weight_loss(facts: Facts) -> list[Evidence]:
    """Return unexplained weight loss within the window."""
    recent = facts.current("weight_loss", within=facts.thresholds.weight_loss_window)
    return [facts.evidence(entry, "weight_loss") for entry in recent]


def _weight_loss_unclear(facts: Facts) -> bool:
    """Whether weight loss is recorded without saying whether it was wanted."""
    return bool(facts.current("weight_loss_generic", within=facts.thresholds.weight_loss_window))
