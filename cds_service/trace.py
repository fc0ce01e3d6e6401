"""What is known about the request in hand, for the log line and for error answers, and nothing that names a patient.

The access log is an allow-list: only what a `Trace` has a field for can be written, so a careless log call elsewhere
has no request data within reach.
"""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass, field
from typing import Final

from flask import g, request

_SANE_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(slots=True)
class Trace:
    """The loggable facts of one request; filled in as they become known."""

    request_id: str
    started: float = field(default_factory=time.perf_counter)
    service: str | None = None
    hook: str | None = None
    outcomes: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    def line(self, method: str, endpoint: str | None, status: int) -> dict[str, str | int | float | list[str]]:
        """Return the fields of the access line; a field without a value is left out.

        The address is not among them: what a client puts into one, or behind it, may be anything.
        """
        fields = {
            "method": method,
            "endpoint": endpoint,
            "service": self.service,
            "hook": self.hook,
            "status": status,
            "outcomes": list(self.outcomes),
            "messages": list(self.messages),
            "ms": round((time.perf_counter() - self.started) * 1000, 2),
            "request_id": self.request_id,
        }
        return {name: value for name, value in fields.items() if value not in (None, [])}


def current_trace() -> Trace:
    """Return the trace of the request in hand, begun on first use.

    A caller's own X-Request-ID is kept when it is a plain token, so that both sides can search their logs for it.
    """
    if "trace" not in g:
        offered = request.headers.get("X-Request-ID", "")
        g.trace = Trace(offered if _SANE_ID.fullmatch(offered) else str(uuid.uuid4()))
    trace: Trace = g.trace
    return trace
