"""Which questions to ask when it cannot be determined: at most five, those that would change the answer first."""

from __future__ import annotations

from collections.abc import Mapping

from fhir_mappings.chart.chart import Chart
from fhir_mappings.criteria.findings import Evidence, Finding, Status
from fhir_mappings.fhir.needs import RED_FLAG_SOURCES

MOST_QUESTIONS = 5
MOST_QUOTES = 2  # records that one question names
# Asked because nothing is on record, not because of something that is.
MISSING_HISTORY = frozenset({"red_flags", "age", "age_bone", "indication", "onset", "therapy", "therapy_response"})
# What a specialist has asked before ordering, and is not asked for again.
_TREATMENT_HISTORY = frozenset({"onset", "therapy", "therapy_response", "candidate"})
# An answer to an earlier one outweighs any answer to a later one.
_ORDER = (
    "R-MIMIC",
    "R-CES",
    "R-BILAT",
    "R-CORD",
    "R-MOTOR",
    "R-INFECT",
    "R-CANCER",
    "R-TRAUMA",
    "R-HINT",
    "R-UNREAD",
    "R-DATE",
    "R-V7",
    "R-V6",
    "R-CON-POSTOP",
    "R-SCOPE",
    "R-AGE",
    "R-IND",
    "R-EPISODE",
    "R-FAIL6W",
    "R-6W-NO",
    "R-PREG",
)


def raised_by(findings: Mapping[str, Finding], question: str) -> list[Evidence]:
    """Return the records that raised a question and are not answered for, where their own words name them."""
    criterion = "R-UNREAD" if question == "unread" else "R-HINT" if question.startswith("hint_") else ""
    raised = [
        item
        for item in (findings[criterion].evidence if criterion else ())
        if "answered" not in item.notes and (item.concept == "unread" or (item.quote and item.concept == question))
    ]
    asked = (item for finding in findings.values() for item in finding.asked)
    return [*raised, *(item for item in asked if item.quote and item.concept == question)]


def open_questions(
    findings: Mapping[str, Finding], chart: Chart, answered: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """Return the ids of the questions to ask, the weightiest first, but for those that were answered today."""
    asked: dict[str, None] = {}
    for criterion in _ORDER:
        finding = findings[criterion]
        if finding.status is Status.UNKNOWN or criterion == "R-AGE":
            asked.update(dict.fromkeys(finding.questions))
    if findings["R-CANDIDATE"].met:
        asked["candidate"] = None
    if findings["R-DX"].met and not findings["R-FAIL6W"].met:
        asked["therapy"] = None
    if chart.incomplete(RED_FLAG_SOURCES) or not findings["R-IND"].evidence:
        asked = {"red_flags": None, **asked}
    if findings["R-SPECIALIST"].met:
        asked = {question: None for question in asked if question not in _TREATMENT_HISTORY}
    if not asked and not answered:
        asked["red_flags"] = None
    return tuple(question for question in asked if question not in answered)[:MOST_QUESTIONS]
