"""What free text hints at and no code confirms (R-HINT)."""

from __future__ import annotations

from fhir_mappings.chart.remarks import Remark
from fhir_mappings.criteria.facts import Facts
from fhir_mappings.criteria.findings import Evidence, Finding
from fhir_mappings.words.matcher import topics_in
from fhir_mappings.words.topics import LASTING, TOPICS

_SOURCES = ("Condition", "Observation", "Encounter", "Procedure")


def r_hint(facts: Facts) -> Finding:
    """Whether a text hints at a red flag, an operation or an implant; tags are the topics, each with its question.

    Never MET: a text asks, it does not answer.
    """
    topics: dict[str, list[Evidence]] = {}
    for remark in (*facts.order.remarks, *facts.chart.remarks):
        for topic in sorted(topics_in(remark.text) - remark.covered):
            if _counts(facts, remark, topic):
                topics.setdefault(topic, []).append(Evidence(remark.reference, f"hint_{topic}", when=remark.when))
    evidence = [item for found in topics.values() for item in found]
    questions = [f"hint_{topic}" for topic in TOPICS if topic in topics]
    return facts.finding("R-HINT", evidence, sources=_SOURCES, questions=questions, tags=topics, met=False)


def _counts(facts: Facts, remark: Remark, topic: str) -> bool:
    """Whether a remark is not over and not too old for its topic; an undated one counts."""
    if topic in LASTING:
        return True
    window = facts.thresholds.neurologic_window
    return not remark.is_over and (not remark.when.is_known or remark.when.within(window, facts.as_of) is not False)
