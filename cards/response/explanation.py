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
            for finding in assessment.findings.values()
        ],
        "guideline": _guideline(assessment),
    } | ({"recognisedBy": "text"} if assessment.order.recognised_by == "text" else {})


def _guideline(assessment: Assessment) -> dict[str, Any]:
    """Return the guideline's version, and the site where one has changed it."""
    guideline = {"id": assessment.guideline_id, "version": assessment.guideline_version}
    return guideline | ({"site": assessment.profile.site} if assessment.profile.site else {})
