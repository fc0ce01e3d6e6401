"""The findings behind an answer, in words: found, not found or not known, why, and what could not be looked at.

What the page says of an order is what the card says: an order that fits the guidance beside a warning is told as such,
and what only lacks is not called found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cards.guideline.guideline import Indicator, Outcome
from cards.response.explanation import name_of_answer
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
_WORDS: Final = {Status.MET: "found", Status.NOT_MET: "not found", Status.UNKNOWN: "not known"}
_RANK: Final = ("found", "not known", "not found")
# What keeps a criterion cautious because it lacks, by tag, with its sentence in the wording catalogue.
_LACKING: Final = ("egfr_missing",)
_TO_WAIT: Final = ("R-6W-NO", "R-FIRST")
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
    """The answer of one criterion in words; `status` is `found`, `not found` or `not known`."""

    criterion: str
    title: str
    status: str
    evidence: tuple[FoundLine, ...]
    more: int
    unavailable: tuple[str, ...]
    questions: tuple[str, ...]
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Saying:
    """A message by its title, as pressing as a card shows it."""

    id: str
    title: str
    level: str


@dataclass(frozen=True, slots=True)
class AssessedOrder:
    """What the guideline says of one order: the outcome as the card has it, its messages, every finding, the limits."""

    order: str
    reference: str
    outcome: str
    answer: str
    meaning: str
    messages: tuple[Saying, ...]
    findings: tuple[FindingView, ...]
    limits: tuple[str, ...]

    @property
    def open(self) -> tuple[FindingView, ...]:
        """The findings that are found or not known."""
        return tuple(found for found in self.findings if found.status != "not found")

    @property
    def closed(self) -> tuple[FindingView, ...]:
        """The findings that are not found."""
        return tuple(found for found in self.findings if found.status == "not found")


def assessed_order(assessment: Assessment, wording: Wording) -> AssessedOrder:
    """Return an assessment in words, what was found first."""
    found = [_view(finding, assessment, wording) for finding in assessment.findings.values()]
    name = name_of_answer(
        assessment.outcome,
        warned=any(message.indicator is not Indicator.INFO for message in assessment.messages),
        held=assessment.unscannable,
    )
    return AssessedOrder(
        order=wording.text("orders", assessment.order.contrast.value),
        reference=assessment.order.reference,
        outcome=assessment.outcome.value,
        answer=wording.text("explanation", "answers", name),
        meaning=wording.find("explanation", "meanings", name) or wording.find("outcomes", assessment.outcome.value),
        messages=tuple(
            Saying(message.id, wording.text("messages", message.id, "title"), message.indicator.value)
            for message in assessment.messages
        ),
        findings=tuple(sorted(found, key=lambda view: _RANK.index(view.status))),
        limits=tuple(Limits(assessment, wording).sentences()),
    )


def _view(finding: Finding, assessment: Assessment, wording: Wording) -> FindingView:
    said: dict[str, dict[str, None]] = {}
    for item in finding.evidence:
        said.setdefault(_said(item, assessment, wording), {})[item.reference] = None
    lines = tuple(_line(text, list(references)) for text, references in said.items())
    lacking = tuple(wording.text("explanation", "lacking", tag) for tag in _LACKING if tag in finding.tags)
    return FindingView(
        criterion=finding.criterion,
        title=_TITLES[finding.criterion],
        status=_WORDS[Status.UNKNOWN if lacking and not lines else finding.status],
        evidence=lines[:_MOST_EVIDENCE],
        more=max(0, len(lines) - _MOST_EVIDENCE),
        unavailable=_sources(finding.unavailable, wording),
        questions=(*lacking, *_open(finding, assessment, wording)),
        remark=wording.text("explanation", "outranked") if _is_outranked(finding, assessment) else "",
    )


def _is_outranked(finding: Finding, assessment: Assessment) -> bool:
    """Whether a reason to wait was found and does not decide: the card then says something else."""
    return finding.met and finding.criterion in _TO_WAIT and assessment.outcome is not Outcome.NOT_APPROPRIATE


def _open(finding: Finding, assessment: Assessment, wording: Wording) -> tuple[str, ...]:
    """Return what a finding leaves open; no record can settle that there is no implant, so that one says why."""
    asked = tuple(wording.text("questions", question) for question in finding.questions)
    if asked or finding.unavailable or finding.criterion != "R-MR":
        return asked
    return tuple(Limits(assessment, wording).implants())


def _line(text: str, references: list[str]) -> FoundLine:
    return FoundLine(text, tuple(references[:_MOST_RECORDS]), max(0, len(references) - _MOST_RECORDS))


def _said(item: Evidence, assessment: Assessment, wording: Wording) -> str:
    names = dict.fromkeys(_TAG.sub("", code.display) for code in item.codes)
    quoted = f"“{item.quote}”" if item.quote else ""
    name = " / ".join(names) or quoted or wording.find("concepts", item.concept, default=item.concept.replace("_", " "))
    notes = [
        wording.note(note, assessment.chart.labels.released) if wording.find("notes", note) else note
        for note in item.notes
    ]
    when = "stated in the order" if item.reference == assessment.order.reference else wording.day(item.when)
    return ", ".join(dict.fromkeys(filter(None, [name, item.amount, when, *notes])))


def _sources(names: Sequence[str], wording: Wording) -> tuple[str, ...]:
    return tuple(wording.find("sources", name, default=name) for name in names)
