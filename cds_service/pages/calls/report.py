"""The report of one client: how each check ended in its last calls, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from cds_service.calls.checks import CHECKS, Check
from cds_service.calls.judged import Finding, JudgedCall, State
from cds_service.protocol.serialization import encode

# No client can have this name: it stands for callers that nobody could name.
UNRECOGNISED: Final = "_unrecognised"
_GROUPS: Final[Mapping[str, str]] = {
    "CRED": "Proof of who calls",
    "REQ": "The request",
    "PRE": "Prefetch",
    "FHIR": "The FHIR server",
    "ANS": "The answer",
    "FB": "Feedback",
}
_RANK: Final[Mapping[State, int]] = {"fail": 2, "warn": 1, "pass": 0}
STATE_WORDS: Final[Mapping[State, str]] = {"pass": "passed", "warn": "tolerated", "fail": "failed"}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check over the last calls: the state and the sentence of the newest call that it applied to, and counts."""

    check: Check
    state: State
    seen: str
    counts: Mapping[State, int]

    @property
    def about(self) -> str:
        """What the check is about, in words."""
        return _GROUPS[self.check.id.split("-")[0]]


@dataclass(frozen=True, slots=True)
class ClientReport:
    """What is known of one client's last calls, the newest first."""

    client: str
    calls: Sequence[JudgedCall]
    results: Sequence[CheckResult] = field(default=())

    @property
    def title(self) -> str:
        """What the client is called on the page."""
        return "Callers that were not recognised" if self.client == UNRECOGNISED else self.client

    @property
    def open(self) -> list[CheckResult]:
        """The checks that there is something to do about, failures first."""
        return sorted((item for item in self.results if item.state != "pass"), key=lambda item: -_RANK[item.state])

    @property
    def passed(self) -> list[CheckResult]:
        """The checks that passed when they were last looked at."""
        return [result for result in self.results if result.state == "pass"]

    @property
    def counts(self) -> Mapping[State, int]:
        """How many checks stand passed, tolerated and failed."""
        return {state: sum(result.state == state for result in self.results) for state in STATE_WORDS}

    @property
    def refused(self) -> int:
        """How many calls were refused."""
        return sum(call.kind == "refused" for call in self.calls)

    @property
    def prefetch(self) -> Mapping[str, str]:
        """How each key arrived in the newest call that brought any."""
        return next((call.prefetch for call in self.calls if call.prefetch), {})

    def document(self, now: datetime) -> dict[str, Any]:
        """Return the report as plain values."""
        return {
            "client": self.title,
            "made": now.astimezone(UTC).isoformat(timespec="seconds"),
            "calls": len(self.calls),
            "refused": self.refused,
            "checks": [
                {
                    "id": result.check.id,
                    "asks": result.check.asks,
                    "specification": result.check.link,
                    "state": STATE_WORDS[result.state],
                    "seen": result.seen,
                    "remedy": result.check.remedy if result.state != "pass" else "",
                    "counts": {STATE_WORDS[state]: count for state, count in result.counts.items()},
                }
                for result in self.results
            ],
            "last": [_call(call) for call in self.calls],
        }

    def json(self, now: datetime) -> bytes:
        """Return the report as JSON."""
        return encode(self.document(now))


def reports(calls: Iterable[JudgedCall]) -> list[ClientReport]:
    """Return a report for each client, the one with the newest call first."""
    by_client: dict[str, list[JudgedCall]] = {}
    for call in calls:
        by_client.setdefault(call.client or UNRECOGNISED, []).append(call)
    return [ClientReport(client, found, tuple(_results(found))) for client, found in by_client.items()]


def _results(calls: Sequence[JudgedCall]) -> Iterator[CheckResult]:
    """Yield the checks that applied to any of the calls; within one call the worst finding of a check counts."""
    ended: dict[str, list[Finding]] = {}
    for call in calls:
        worst: dict[str, Finding] = {}
        for finding in call.findings:
            known = worst.setdefault(finding.check, finding)
            if _RANK[finding.state] > _RANK[known.state]:
                worst[finding.check] = finding
        for name, finding in worst.items():
            ended.setdefault(name, []).append(finding)
    for name, check in CHECKS.items():
        if found := ended.get(name):
            counts = {state: sum(item.state == state for item in found) for state in STATE_WORDS}
            yield CheckResult(check, found[0].state, found[0].seen, counts)


def moment(at: float) -> str:
    """Return a time of a call as people write it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _call(call: JudgedCall) -> dict[str, Any]:
    found = {
        "at": datetime.fromtimestamp(call.at, UTC).isoformat(timespec="seconds"),
        "requestId": call.request_id,
        "kind": call.kind,
        "service": call.service,
        "status": call.status,
        "milliseconds": call.milliseconds,
        "mode": call.mode,
        "lumbarMriOrders": call.orders,
        "unrecognisedSpineMris": call.unrecognised_orders,
        "findings": [
            {"check": item.check, "state": STATE_WORDS[item.state], "seen": item.seen} for item in call.findings
        ],
        "prefetch": dict(call.prefetch),
        "sources": dict(call.sources),
        "fhirCalls": dict(call.fhir),
        "phases": dict(call.phases),
        "scopes": list(call.scopes),
        "tolerated": list(call.tolerated),
        "fields": list(call.fields),
    }
    return {name: value for name, value in found.items() if value not in ("", [], {}, None)}
