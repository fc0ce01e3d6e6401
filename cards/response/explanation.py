"""Why an order was answered as it was, for the extension of a response: what a card has no room for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from cards.decision.assessment import Assessment
from cards.guideline.guideline import Outcome
from cards.guideline.wording import Wording
from cards.response.limits import Limits
from cards.response.memory import NotRepeated, answered_before
from fhir_mappings.criteria.findings import Evidence

_TAG = re.compile(r" \([a-z/ ]+\)$")


def name_of_answer(outcome: str, *, warned: bool, held: bool) -> str:
    """Return the name of what an answer comes to, under which the wording catalogue says it as the card does.

    A warning beside an order that fits the guidance, and an implant in the way of an urgent scan, change what to do.
    """
    if held and outcome in (Outcome.EMERGENCY, Outcome.URGENT):
        return f"{outcome}-held"
    return f"{outcome}-warned" if warned and outcome == Outcome.APPROPRIATE else str(outcome)


def in_words(item: Evidence, assessment: Assessment, wording: Wording) -> str:
    """Return what a record says, how much of it, when and how certain."""
    names = dict.fromkeys(_TAG.sub("", code.display) for code in item.codes)
    quoted = f"“{item.quote}”" if item.quote else ""
    name = " / ".join(names) or quoted or wording.find("concepts", item.concept, default=item.concept.replace("_", " "))
    notes = [
        wording.note(note, assessment.chart.labels.released) if wording.find("notes", note) else note
        for note in item.notes
    ]
    is_of_order = item.reference == assessment.order.reference
    when = wording.text("notes", "stated") if is_of_order else wording.day(item.when)
    return ", ".join(dict.fromkeys(filter(None, [name, item.amount, when, *notes])))


def explained(assessment: Assessment, wording: Wording, not_repeated: Sequence[NotRepeated] = ()) -> dict[str, Any]:
    """Return why: the outcome, the messages, every finding by references and codes, and the limits in words.

    What was answered before, and is not told in full again, is told here.
    """
    found = {
        "order": assessment.order.reference,
        "outcome": assessment.outcome.value,
        "messages": [message.id for message in assessment.messages],
        "findings": [
            {
                "criterion": finding.criterion,
                "status": finding.status.value,
                "evidence": list(dict.fromkeys(item.reference for item in finding.evidence)),
                "unavailable": list(finding.unavailable),
            }
            | ({"coded": coded} if (coded := _coded(finding.evidence)) else {})
            | ({"unread": list(finding.unread)} if finding.unread else {})
            for finding in assessment.findings.values()
        ],
        "limits": list(Limits(assessment, wording).sentences()),
        "ledger": _ledger(assessment),
        "guideline": _guideline(assessment),
    }
    found |= {"recognisedBy": "text"} if assessment.order.recognised_by == "text" else {}
    return found | ({"notRepeated": [_answered(item, wording) for item in not_repeated]} if not_repeated else {})


def _answered(item: NotRepeated, wording: Wording) -> dict[str, str]:
    """Return when a message was shown in full and what was answered, and whether a line is left of it."""
    return {
        "message": item.message,
        "shownAt": item.answer.shown_at.isoformat(timespec="seconds"),
        "outcome": item.answer.outcome,
        "answer": answered_before(item.answer, wording),
        "now": item.how,
    }


def _coded(evidence: Sequence[Evidence]) -> list[dict[str, str]]:
    """Return the codes behind a finding, each with the resource that says it."""
    codes = ((item.reference, code) for item in evidence for code in item.codes)
    return [{"reference": named, "system": code.system, "code": code.code} for named, code in codes]


def _ledger(assessment: Assessment) -> dict[str, Any]:
    """Return how many records of each source ended how, and by reference those that nobody recognised."""
    chart, order = assessment.chart.ledger, assessment.order.ledger
    unrecognised = (line.reference for line in (*order.unrecognised(), *chart.unrecognised()))
    return {"counts": {**chart.counts, **order.counts}, "unrecognised": list(dict.fromkeys(unrecognised))}


def _guideline(assessment: Assessment) -> dict[str, Any]:
    """Return the guideline's version, the site where one has changed it, and who has approved it if somebody has."""
    guideline: dict[str, Any] = {"id": assessment.guideline_id, "version": assessment.guideline_version}
    approval, site = assessment.profile.approval, assessment.profile.site
    guideline |= {"site": site} if site else {}
    return guideline | ({"approved": {"by": approval.by, "on": approval.on.isoformat()}} if approval else {})
