"""From an observed call to a judged one. Whatever a caller sends, judging it never fails and never repeats it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from cds_service.calls.credentials import client_of, credential_findings, token_of
from cds_service.calls.envelope import envelope_findings, granted_types
from cds_service.calls.judged import Finding, JudgedCall
from cds_service.calls.observed import Expected, Observed
from cds_service.calls.supplies import arrivals, prefetch_findings, required_findings
from cds_service.protocol.errors import ServiceError
from cds_service.protocol.serialization import decode, decode_members, decode_repaired

_MEMBERS: Final = ("hook", "hookInstance", "fhirServer", "fhirAuthorization", "context")
_SLOW: Final = 500.0  # milliseconds
_FINE: Final = frozenset({"ok", "empty"})


def judged(observed: Observed, expected: Expected) -> JudgedCall:
    """Return the judgement of a call."""
    trace, token = observed.trace, token_of(observed)
    client = client_of(observed, token, expected)
    findings = list(credential_findings(observed, token, client, expected))
    members, prefetch = _read(observed.body)
    came = arrivals(prefetch)
    if observed.body is not None:
        sound = members is not None
        findings.append(Finding("REQ-JSON", "pass" if sound else "fail", "" if sound else "It could not be read."))
    if members is not None and observed.is_feedback:
        findings += _feedback(members, observed.status)
    elif members is not None:
        findings += envelope_findings(members, trace.hook or "")
        findings += prefetch_findings(prefetch, came)
        if observed.status in (HTTPStatus.OK, HTTPStatus.PRECONDITION_FAILED):
            findings += required_findings(came, trace.sources, observed.status)
    findings += _answer(observed)
    return JudgedCall(
        at=observed.at,
        request_id=trace.request_id,
        client=client,
        kind=observed.kind,
        service=trace.service or "",
        status=observed.status,
        milliseconds=round(observed.milliseconds, 1),
        mode=trace.mode or "",
        orders=trace.orders,
        unrecognised_orders=trace.unrecognised_orders,
        findings=tuple(findings),
        prefetch=came,
        sources=dict(trace.sources),
        fhir=dict(trace.fhir_results),
        phases={name: round(spent, 1) for name, spent in trace.phases.items()},
        scopes=granted_types(members or {}),
        tolerated=tuple(dict.fromkeys(trace.remarks)),
        fields=trace.problem_at,
    )


def _read(body: bytes | None) -> tuple[dict[str, Any] | None, Mapping[str, Any]]:
    """Return the members of a body, prefetch undecoded beside them; None for one that is no JSON object."""
    if body is None:
        return None, {}
    try:
        raw, _ = decode_repaired(body)
        members: dict[str, Any] = {name: decode(raw[name]) for name in (*_MEMBERS, "feedback") if name in raw}
    except (ServiceError, RecursionError):
        return None, {}
    try:
        return members, decode_members(raw["prefetch"]) if "prefetch" in raw else {}
    except (ServiceError, RecursionError):
        return members, {}


def _feedback(members: Mapping[str, Any], status: int) -> Iterator[Finding]:
    taken = status == HTTPStatus.OK
    yield Finding("FB-REPORT", "pass" if taken else "fail", "" if taken else "The batch was refused.")
    reports = members.get("feedback")
    entries = [entry for entry in reports if isinstance(entry, dict)] if isinstance(reports, list) else []
    plural = sum("overrideReasons" in entry for entry in entries)
    reasons = [entry.get("overrideReason") or entry.get("overrideReasons") for entry in entries]
    extended = sum(isinstance(reason, dict) and "extension" in reason for reason in reasons)
    if any(reasons):
        faults = [f"{plural} of {len(entries)} say overrideReasons"] if plural else []
        faults += [f"{extended} give the reason in extension"] if extended else []
        yield Finding("FB-REASON", "warn" if faults else "pass", "; ".join(faults) + "." if faults else "")


def _answer(observed: Observed) -> Iterator[Finding]:
    trace = observed.trace
    answered = observed.status == HTTPStatus.OK
    named = f" Fields: {', '.join(trace.problem_at)}." if trace.problem_at else ""
    seen = f"Answered with {observed.status}.{named}"
    yield Finding("ANS-STATUS", "pass" if answered else "fail", "" if answered else seen)
    if trace.fhir_results:
        wrong = [f"{word} {count}" for word, count in trace.fhir_results.items() if word not in _FINE]
        yield Finding("FHIR-ANSWERS", "warn" if wrong else "pass", f"{', '.join(wrong)}." if wrong else "")
    if answered:
        took = observed.milliseconds
        yield Finding("ANS-TIME", "pass" if took <= _SLOW else "warn", "" if took <= _SLOW else f"{took:.0f} ms.")
