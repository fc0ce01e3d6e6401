"""The smallest patient of each rule: an invented one with nothing on record but what makes the rule speak.

They are found among the scenarios and then stripped of everything that the rule does not need, by `make docs`. Whether
one still fires under a site's own numbers is asked of the rule itself, each time the sheet is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Final

import msgspec

from cards.decision.assessment import Assessment
from cards.guideline.guideline import LEADS_TO, RULES
from cds_service.protocol.envelope import HookRequest, read_hook_request
from fhir_mappings.criteria.findings import Status

# They ask and are never met.
_ASKING: Final = frozenset({"R-HINT", "R-UNREAD", "R-DATE", "R-BILAT", "R-MIMIC"})
# They hold for nearly everybody, and speak where they do not.
_SPEAKING_UNMET: Final = frozenset({"R-SCOPE", "R-IND"})
_MESSAGES: Final[Mapping[str, tuple[str, ...]]] = LEADS_TO | {rule.id: rule.messages for rule in RULES}


@dataclass(frozen=True, slots=True)
class SmallestPatient:
    """A patient in one line, and the request about the order."""

    rule: str
    line: str
    scenario: str
    ordered_on: date
    request: HookRequest


def messages_of(rule: str) -> tuple[str, ...]:
    """Return the messages that a rule can lead to."""
    return _MESSAGES[rule]


def fires(rule: str, assessment: Assessment) -> bool:
    """Whether a rule speaks in an assessment: it is met, or asks, or a message that it is about is given."""
    finding = assessment.findings.get(rule)
    if finding is None:
        about = set(messages_of(rule))
        return bool(assessment.decided & ((about - {"C-INFO-NEED"}) or about))
    if rule in _SPEAKING_UNMET:
        return finding.status is not Status.MET and bool(assessment.decided & set(messages_of(rule)))
    return finding.met or (rule in _ASKING and bool(finding.questions))


@cache
def load_patients() -> Mapping[str, SmallestPatient]:
    """Return the bundled patients by rule."""
    file = resources.files("cds_service.pages.review") / "patients.json"
    entries: dict[str, Any] = msgspec.json.decode(file.read_bytes())
    return {rule: _patient(rule, entry) for rule, entry in entries.items()}


def _patient(rule: str, entry: Mapping[str, Any]) -> SmallestPatient:
    request = entry["request"]
    order = request["context"]["draftOrders"]["entry"][0]["resource"]
    read = read_hook_request(msgspec.json.encode(request), request["hook"])
    return SmallestPatient(rule, entry["patient"], entry["scenario"], date.fromisoformat(order["authoredOn"]), read)
