"""One line of a connection check: what was tried, how it ended, and what to do about it.

Ids are stable, so that a script can wait for one; several servers or origins of a client are told apart by `target`.
Nothing here may hold a patient's id, a record or a token: reports go into tickets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Status(StrEnum):
    """How a check ended."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """What was tried; `facts` are the numbers and names behind `says`, for programs."""

    id: str
    target: str
    status: Status
    says: str
    remedy: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the check for programs."""
        known = {"id": self.id, "target": self.target, "status": self.status.value, "says": self.says}
        return known | ({"remedy": self.remedy} if self.remedy else {}) | dict(self.facts)


def passed(check_id: str, target: str, says: str, remedy: str = "", **facts: Any) -> Check:
    """Return a check that holds; a remedy on it is what will be needed soon, or would be better."""
    return Check(check_id, target, Status.PASS, says, remedy, facts)


def failed(check_id: str, target: str, says: str, remedy: str, **facts: Any) -> Check:
    """Return a check that does not hold, with what to do."""
    return Check(check_id, target, Status.FAIL, says, remedy, facts)


def skipped(check_id: str, target: str, says: str, remedy: str = "", **facts: Any) -> Check:
    """Return a check that could not be tried, or of which nothing depends."""
    return Check(check_id, target, Status.SKIPPED, says, remedy, facts)


def has_failed(checks: Iterable[Check]) -> bool:
    """Whether any check failed."""
    return any(check.status is Status.FAIL for check in checks)


def counted(checks: Iterable[Check]) -> dict[str, int]:
    """Return how many checks ended in each way."""
    found = [check.status for check in checks]
    return {status.value: found.count(status) for status in Status}


def report_lines(checks: Iterable[Check]) -> Iterable[str]:
    """Yield the checks for people, the remedy below the line that it belongs to."""
    for check in checks:
        yield f"{check.status.value:7}  {check.id}  {check.target}"
        yield f"           {check.says}"
        if check.remedy:
            yield f"           -> {check.remedy}"
