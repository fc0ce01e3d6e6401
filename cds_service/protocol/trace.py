"""What is known about the request in hand, for the log line, the metrics and error answers; nothing of the patient.

The access log and the metrics are allow-lists: only what a `Trace` has a field for can be written, so a careless call
elsewhere has no request data within reach. What comes from a caller and may be kept are the issuer, the tenant and the
id of a token that has been verified; everything else is a word of the code or of the configuration.
"""

from __future__ import annotations

import re
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from flask import g, request

Phase = Literal["wait", "authenticate", "read", "fetch", "chart", "assess", "respond", "recall", "store"]
PHASES: Final[tuple[str, ...]] = get_args(Phase)
# Where the server leaves the `time.perf_counter()` at which a request had arrived whole, in the WSGI environment.
ARRIVED: Final = "lumbar_cds.arrived"
# Sent by the demo page and by the command line, whose patients are invented: their calls are recorded apart.
DEMO_HEADER: Final = "X-Lumbar-CDS-Demo"

_WORTH_TELLING: Final = 1.0  # milliseconds; handing a request to a thread takes less
_USUAL: Final = "prefetch:complete"
_SANE_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(slots=True)
class Trace:
    """The loggable facts of one request; filled in as they become known, by the thread that answers it.

    `client` is the name of a profile and `mode` its mode; `shown` says whether cards, if any, are sent, and
    `is_demo` that the patient is an invented one of ours. `refusal` is the fixed word of why a caller was refused,
    `shed` that of what a call did not get in time, `problem` the FHIR issue code of an error answer and `problem_at`
    the fields that it names; `remarks` are fixed words on what was tolerated. `orders` counts the lumbar MRI orders and
    `unrecognised_orders` those that look like an MRI of the spine and were not recognised. `not_repeated` are messages
    that were answered before, each with `line` or `silent`.
    `phases` are milliseconds, `sources` states by prefetch key (`prefetch:complete`), `fhir_results` counts by the
    fixed word of how a FHIR call ended, and `feedback` counts by outcome.
    """

    request_id: str
    method: str = ""
    endpoint: str | None = None
    started: float = field(default_factory=time.perf_counter)
    service: str | None = None
    hook: str | None = None
    client: str | None = None
    mode: str | None = None
    issuer: str | None = None
    tenant: str | None = None
    token_id: str | None = None
    refusal: str | None = None
    shed: str | None = None
    problem: str | None = None
    problem_at: tuple[str, ...] = ()
    remarks: list[str] = field(default_factory=list)
    shown: bool = True
    is_demo: bool = False
    orders: int = 0
    unrecognised_orders: int = 0
    outcomes: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    not_repeated: tuple[tuple[str, str], ...] = ()
    phases: dict[str, float] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    fhir_results: Counter[str] = field(default_factory=Counter)
    feedback: Counter[str] = field(default_factory=Counter)
    inner: list[float] = field(default_factory=list, repr=False)

    @property
    def milliseconds(self) -> float:
        """How long the request has taken so far."""
        return (time.perf_counter() - self.started) * 1000

    def phase(self, name: Phase) -> _Phase:
        """Count the time of a block to a phase.

        A phase inside another counts to itself only, so that the phases of a request never add up to more than it
        took; a phase that comes again adds to itself.
        """
        return _Phase(self, name)

    def server_timing(self) -> str:
        """Return the value of a Server-Timing header: each phase, and the total so far, in milliseconds."""
        spent = self.phases | {"total": self.milliseconds}
        return ", ".join(f"{name};dur={duration:.1f}" for name, duration in spent.items())

    def line(self, status: int) -> dict[str, Any]:
        """Return the fields of the access line; a field without a value is left out.

        The address is not among them: what a client puts into one, or behind it, may be anything.
        """
        fields = {
            "method": self.method,
            "endpoint": self.endpoint,
            "service": self.service,
            "hook": self.hook,
            "client": self.client,
            "mode": self.mode,
            "issuer": self.issuer,
            "tenant": self.tenant,
            "token_id": self.token_id,
            "refusal": self.refusal,
            "problem": self.problem,
            "problem_at": list(self.problem_at),
            "remarks": self.remarks,
            "status": status,
            "shown": None if self.shown else False,
            "orders": self.orders or None,
            "unrecognised_orders": self.unrecognised_orders or None,
            "outcomes": list(self.outcomes),
            "messages": list(self.messages),
            "not_repeated": [f"{message}={how}" for message, how in self.not_repeated],
            # Fifteen sources that came whole with the call would bury what matters.
            "sources": [f"{key}={state}" for key, state in self.sources.items() if state != _USUAL],
            "fhir_calls": dict(self.fhir_results),
            "feedback": dict(self.feedback),
            "phases": {name: round(spent, 2) for name, spent in self.phases.items()},
            "ms": round(self.milliseconds, 2),
        }
        return {name: value for name, value in fields.items() if value not in (None, "", [], {})}


class _Phase:
    """A block whose time is counted; `inner` of the trace holds, for each block around, what blocks inside it took."""

    __slots__ = ("_begun", "_name", "_trace")

    def __init__(self, trace: Trace, name: Phase) -> None:
        self._trace = trace
        self._name = name

    def __enter__(self) -> None:
        self._trace.inner.append(0.0)
        self._begun = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        trace, name = self._trace, self._name
        elapsed = (time.perf_counter() - self._begun) * 1000
        trace.phases[name] = trace.phases.get(name, 0.0) + elapsed - trace.inner.pop()
        if trace.inner:
            trace.inner[-1] += elapsed


def current_trace() -> Trace:
    """Return the trace of the request in hand, begun on first use.

    A caller's own X-Request-ID is kept when it is a plain token, so that both sides can search their logs for it. A
    method that HTTP does not define is `other`, because a caller may put anything in its place.
    """
    trace: Trace | None = g.get("trace")
    if trace is None:
        offered = request.headers.get("X-Request-ID", "")
        g.trace = trace = Trace(
            offered if _SANE_ID.fullmatch(offered) else str(uuid.uuid4()),
            method=request.method if request.method in _METHODS else "other",
            endpoint=request.endpoint,
        )
        _count_wait(trace, request.environ.get(ARRIVED))
    return trace


def _count_wait(trace: Trace, arrived: float | None) -> None:
    """Let the time of a request begin when it had arrived: its EHR has waited since."""
    if arrived is not None:
        waited = (trace.started - arrived) * 1000
        trace.started = arrived
        if waited >= _WORTH_TELLING:
            trace.phases["wait"] = waited
