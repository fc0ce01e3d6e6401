"""Who has approved the guideline at a site, and which guideline that was.

As it comes no clinician has validated the guideline, and every card says so. A site that has reviewed it names who
did and which version; a fingerprint ties the approval to the very numbers, sentences and codes that were reviewed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval as a site states it; without a fingerprint it is of the version, however the site has changed it."""

    by: str
    on: date
    guideline: str
    fingerprint: str = ""


class ApprovalState(StrEnum):
    """Whether what is in force is what was approved."""

    NONE = "none"
    IN_FORCE = "in_force"
    OTHER_VERSION = "other_version"
    CHANGED = "changed"


def approval_state(approval: Approval | None, version: str, fingerprint: str) -> ApprovalState:
    """Return how an approval stands to the guideline in force: anything but this very guideline is not approved."""
    if approval is None:
        return ApprovalState.NONE
    if approval.guideline != version:
        return ApprovalState.OTHER_VERSION
    if approval.fingerprint and approval.fingerprint != fingerprint:
        return ApprovalState.CHANGED
    return ApprovalState.IN_FORCE
