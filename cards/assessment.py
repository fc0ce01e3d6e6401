"""The assessment of one order: a pure function of the order, the chart, the day and the profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from cards.decision import Decision, Message, decide
from cards.guideline import GUIDELINE_ID, GUIDELINE_VERSION, Outcome
from fhir_mappings.chart import Chart
from fhir_mappings.criteria.registry import evaluate
from fhir_mappings.facts import Facts
from fhir_mappings.findings import Finding
from fhir_mappings.orders import ImagingOrder
from fhir_mappings.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class AssessmentProfile:
    """What a site may change of the guideline."""

    thresholds: Thresholds = field(default_factory=Thresholds)
    treat_conditional_as: Literal["warn", "hold"] = "warn"


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the guideline says of one order, and why; messages stand with the most important first."""

    order: ImagingOrder
    chart: Chart
    as_of: date
    profile: AssessmentProfile
    outcome: Outcome
    messages: tuple[Message, ...]
    findings: Mapping[str, Finding]
    guideline_id: str = GUIDELINE_ID
    guideline_version: str = GUIDELINE_VERSION


def assess(order: ImagingOrder, chart: Chart, as_of: date, profile: AssessmentProfile) -> Assessment:
    """Assess an order against the guideline; no I/O, no clock, no settings but those handed in."""
    facts = Facts(order, chart, as_of, profile.thresholds, profile.treat_conditional_as)
    findings = evaluate(facts)
    decision: Decision = decide(order, chart, findings)
    return Assessment(order, chart, as_of, profile, decision.outcome, decision.messages, findings)
