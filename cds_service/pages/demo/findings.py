"""The findings behind an answer, in words: met, not met or unknown, why, and what could not be looked at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cards.guideline.guideline import Indicator, Outcome
from cards.response.limits import Limits
from fhir_mappings.criteria.findings import Status
from fhir_mappings.criteria.registry import CRITERIA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cards.decision.assessment import Assessment
    from cards.guideline.wording import Wording
    from fhir_mappings.criteria.findings import Evidence, Finding

_TAG: Final = re.compile(r" \([a-z/ ]+\)$")
_TITLES: Final = {criterion.id: criterion.title for criterion in CRITERIA}
_WORDS: Final = {Status.MET: "met", Status.NOT_MET: "not met", Status.UNKNOWN: "unknown"}
_RANK: Final = (Status.MET, Status.UNKNOWN, Status.NOT_MET)
# A rule that is met because something is not known, as its tag says, is shown as unknown.
_NOT_KNOWN: Final = {"egfr_missing": "No recent eGFR is on record; it is needed before gadolinium."}
_CAUTION: Final = (
    "Due, with a caution",
    "The timing fits the guidance. The card names what has to be decided or known before the scan.",
)
_MOST_EVIDENCE: Final = 6
_MOST_RECORDS: Final = 3


@dataclass(frozen=True, slots=True)
class FoundLine:
    """One thing behind a finding, some of the records that say so, and how many more do."""

    text: str
    references: tuple[str, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class FindingView:
    """The answer of one criterion in words; `status` is `met`, `not met` or `unknown`."""

    criterion: str
    title: str
    status: str
    evidence: tuple[FoundLine, ...]
    more: int
    unavailable: tuple[str, ...]
    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AssessedOrder:
    """What the guideline says of one order: the outcome, its name, the messages' titles, every finding."""

    order: str
    reference: str
    outcome: str
    called: str
    meaning: str
    messages: tuple[str, ...]
    findings: tuple[FindingView, ...]

    @property
    def open(self) -> tuple[FindingView, ...]:
        """The findings that are met or unknown."""
        return tuple(found for found in self.findings if found.status != "not met")

    @property
    def closed(self) -> tuple[FindingView, ...]:
        """The findings that are not met."""
        return tuple(found for found in self.findings if found.status == "not met")


def assessed_order(assessment: Assessment, wording: Wording) -> AssessedOrder:
    """Return an assessment in words, what is met first."""
    found = sorted(assessment.findings.values(), key=lambda finding: _RANK.index(_shown_status(finding)))
    called, meaning = _outcome(assessment, wording)
    return AssessedOrder(
        order=wording.text("orders", assessment.order.contrast.value),
        reference=assessment.order.reference,
        outcome=assessment.outcome.value,
        called=called,
        meaning=meaning,
        messages=tuple(wording.text("messages", message.id, "title") for message in assessment.messages),
        findings=tuple(_view(finding, assessment, wording) for finding in found),
    )


def _outcome(assessment: Assessment, wording: Wording) -> tuple[str, str]:
    """Return what an outcome is called and means; one that fits is not praised beside a card that warns."""
    name = assessment.outcome.value
    warns = any(message.indicator is not Indicator.INFO for message in assessment.messages)
    if assessment.outcome is Outcome.APPROPRIATE and warns:
        return _CAUTION
    return name.replace("_", " ").capitalize(), wording.find("outcomes", name)


def _shown_status(finding: Finding) -> Status:
    """Return a finding's status; one that is met for want of a record, and by nothing else, is unknown to a reader."""
    return Status.UNKNOWN if finding.met and finding.tags and finding.tags <= _NOT_KNOWN.keys() else finding.status


def _view(finding: Finding, assessment: Assessment, wording: Wording) -> FindingView:
    said: dict[str, dict[str, None]] = {}
    for item in finding.evidence:
        said.setdefault(_said(item, assessment.order.reference, wording), {})[item.reference] = None
    lines = tuple(_line(text, list(references)) for text, references in said.items())
    return FindingView(
        criterion=finding.criterion,
        title=_TITLES[finding.criterion],
        status=_WORDS[_shown_status(finding)],
        evidence=lines[:_MOST_EVIDENCE],
        more=max(0, len(lines) - _MOST_EVIDENCE),
        unavailable=_sources(finding.unavailable, wording),
        questions=_open(finding, assessment, wording),
    )


def _open(finding: Finding, assessment: Assessment, wording: Wording) -> tuple[str, ...]:
    """Return what a finding leaves open; no record can settle that there is no implant, so that one says why."""
    if _shown_status(finding) is not finding.status:
        return tuple(_NOT_KNOWN[tag] for tag in sorted(finding.tags))
    asked = tuple(wording.text("questions", question) for question in finding.questions)
    if asked or finding.unavailable or finding.criterion != "R-MR":
        return asked
    return tuple(Limits(assessment, wording).implants())


def _line(text: str, references: list[str]) -> FoundLine:
    return FoundLine(text, tuple(references[:_MOST_RECORDS]), max(0, len(references) - _MOST_RECORDS))


def _said(item: Evidence, order: str, wording: Wording) -> str:
    names = dict.fromkeys(_TAG.sub("", code.display) for code in item.codes)
    quoted = f"“{item.quote}”" if item.quote else ""
    name = " / ".join(names) or quoted or wording.find("concepts", item.concept, default=item.concept.replace("_", " "))
    notes = [wording.find("notes", note, default=note) for note in item.notes]
    when = "stated in the order" if item.reference == order else wording.day(item.when)
    return ", ".join(filter(None, [name, item.amount, when, *notes]))


def _sources(names: Sequence[str], wording: Wording) -> tuple[str, ...]:
    return tuple(wording.find("sources", name, default=name) for name in names)
