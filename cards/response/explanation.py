"""Why an order was answered as it was, for the extension of a response: references and codes only."""

from __future__ import annotations

from typing import Any

from cards.decision.assessment import Assessment


def explained(assessment: Assessment) -> dict[str, Any]:
    """Return why, in references and codes only: the outcome, the messages, and every finding behind them."""
    return {
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
            | ({"unread": list(finding.unread)} if finding.unread else {})
            for finding in assessment.findings.values()
        ],
        "ledger": _ledger(assessment),
        "guideline": _guideline(assessment),
    } | ({"recognisedBy": "text"} if assessment.order.recognised_by == "text" else {})


def _ledger(assessment: Assessment) -> dict[str, Any]:
    """Return how many records of each source ended how, and by reference those that nobody recognised."""
    chart, order = assessment.chart.ledger, assessment.order.ledger
    unrecognised = (line.reference for line in (*order.unrecognised(), *chart.unrecognised()))
    return {"counts": {**chart.counts, **order.counts}, "unrecognised": list(dict.fromkeys(unrecognised))}


def _guideline(assessment: Assessment) -> dict[str, Any]:
    """Return the guideline's version, and the site where one has changed it."""
    guideline = {"id": assessment.guideline_id, "version": assessment.guideline_version}
    return guideline | ({"site": assessment.profile.site} if assessment.profile.site else {})
