"""The assessment of one order: a pure function of the order, the chart, the day and the profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Literal

from cards.decision.decision import Decision, Message, decide
from cards.guideline.approval import Approval
from cards.guideline.guideline import GUIDELINE_ID, GUIDELINE_VERSION, Outcome
from fhir_mappings.chart.chart import Chart
from fhir_mappings.criteria.facts import Facts
from fhir_mappings.criteria.findings import Finding
from fhir_mappings.criteria.registry import CRITERIA, READING_THRESHOLDS, UNREAD_THRESHOLDS, evaluate
from fhir_mappings.criteria.thresholds import Thresholds
from fhir_mappings.orders.orders import ImagingOrder

# The messages that a site may turn off. A list of what may be silent, not of what must be said: a message that is new
# is said everywhere until somebody has decided otherwise. Not here are emergencies, urgent reasons and raised risks,
# everything about implants that bears on safety, contrast that may harm, and data that could not be read.
MAY_BE_OFF: frozenset[str] = frozenset(
    {
        "C-MR-ARTIFACT",
        "C-CONTRAST-ADD",
        "C-CONTRAST-DROP",
        "C-APPROP-6W",
        "C-APPROP-UNCERTAIN-DX",
        "C-APPROP-PRIOR-SURG",
        "C-APPROP-V6",
        "C-NOTAPP-6W",
        "C-INFO-NEED",
        "C-DUP",
        "C-UPRIGHT",
        "C-CLAUSTRO",
        "C-PITFALL",
        "C-EDU",
    }
)


@dataclass(frozen=True, slots=True)
class AssessmentProfile:
    """What a site may change of the guideline; `site` is the name of one that has changed something.

    `approval` is set where its clinicians have approved exactly this guideline, and not where it was another.
    """

    thresholds: Thresholds = field(default_factory=Thresholds)
    treat_conditional_as: Literal["warn", "hold"] = "warn"
    messages_off: frozenset[str] = frozenset()
    site: str = ""
    approval: Approval | None = None

    def __post_init__(self) -> None:
        """Refuse to be silent about what must be said."""
        if needed := self.messages_off - MAY_BE_OFF:
            raise ValueError(f"these messages cannot be turned off: {', '.join(sorted(needed))}")


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the guideline says of one order, and why; messages stand with the most important first.

    `timing` says whether the scan is due, whatever implants and the choice of contrast say: one of the outcomes other
    than CONTRAINDICATED, SAFETY_HOLD and PROTOCOL_CHANGE. `silenced` are messages that the site has turned off: nobody
    is told, but what else is said still fits them.
    """

    order: ImagingOrder
    chart: Chart
    as_of: date
    profile: AssessmentProfile
    outcome: Outcome
    messages: tuple[Message, ...]
    findings: Mapping[str, Finding]
    timing: Outcome
    guideline_id: str = GUIDELINE_ID
    guideline_version: str = GUIDELINE_VERSION
    silenced: tuple[Message, ...] = ()
    called_on: date | None = None

    @property
    def answered_on(self) -> date:
        """The day on which an answer given now counts: that of the call."""
        return max(self.called_on or self.as_of, self.as_of)

    @property
    def decided(self) -> frozenset[str]:
        """The ids of all messages, said or silenced."""
        return frozenset(message.id for message in (*self.messages, *self.silenced))

    @property
    def unscannable(self) -> bool:
        """Whether an implant forbids the scan, or holds it until its MR status is known."""
        return bool(self.findings["R-MR"].tags & {"unsafe", "hold"})

    @property
    def trauma_alone(self) -> bool:
        """Whether recent trauma is the only urgent reason for the scan, so that CT or radiographs come first."""
        reasons = {name for name in self.decided if name.startswith(("C-URG-", "C-EMERG-"))}
        return reasons == {"C-URG-TRAUMA"}


def assess(
    order: ImagingOrder, chart: Chart, as_of: date, profile: AssessmentProfile, called_on: date | None = None
) -> Assessment:
    """Assess an order against the guideline; no I/O, no clock, no settings but those handed in.

    `as_of` is the day that windows count back from; `called_on` the day of the call, where an old order is signed anew.
    """
    facts = Facts(order, chart, as_of, profile.thresholds, profile.treat_conditional_as, called_on)
    findings = evaluate(facts)
    decision: Decision = decide(order, chart, findings, answered_today(facts, findings))
    off = profile.messages_off
    said = tuple(message for message in decision.messages if message.id not in off)
    silenced = tuple(message for message in decision.messages if message.id in off)
    return Assessment(
        order,
        chart,
        as_of,
        profile,
        decision.outcome,
        said,
        findings,
        decision.timing,
        silenced=silenced,
        called_on=called_on,
    )


def outcome_with(assessment: Assessment, thresholds: Thresholds) -> Outcome:
    """Return the outcome that other thresholds would have had, as assessing anew would tell it.

    A decision rests on findings alone, and a criterion declares every threshold that it compares with (those that
    reading shares are compared with by all). So only criteria that declare one that differs are asked, and where each
    finds what it found the outcome is the same.
    """
    before = assessment.profile.thresholds
    changed = {item.name for item in fields(before) if getattr(before, item.name) != getattr(thresholds, item.name)}
    shared = {*READING_THRESHOLDS, *UNREAD_THRESHOLDS}
    concerned = [item for item in CRITERIA if changed & shared.union(item.thresholds)]
    order, chart, profile = assessment.order, assessment.chart, assessment.profile
    facts = Facts(order, chart, assessment.as_of, thresholds, profile.treat_conditional_as, assessment.called_on)
    found = {criterion.id: criterion.evaluate(facts) for criterion in concerned}
    if all(assessment.findings[name] == finding for name, finding in found.items()):
        return assessment.outcome
    findings = {**assessment.findings, **found}
    return decide(order, chart, findings, answered_today(facts, findings)).outcome


def answered_today(facts: Facts, findings: Mapping[str, Finding]) -> frozenset[str]:
    """Return the questions that today's answers end; one about named records ends when each of them was named."""
    raised: dict[str, list[bool]] = {}
    for item in (*findings["R-UNREAD"].evidence, *findings["R-HINT"].evidence):
        raised.setdefault(item.concept, []).append("answered" in item.notes)
    return facts.own_answers.ended | {question for question, each in raised.items() if all(each)}
