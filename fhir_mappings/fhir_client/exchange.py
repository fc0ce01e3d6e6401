"""The calls of one retrieval: the token on each, the deadline over all, one more try where that may help.

A worker thread that is late is not stopped; it finds the exchange closed, asks for nothing more and is not listened
to. So what a retrieval returned never changes afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock
from typing import Final, NamedTuple

import msgspec

from fhir_mappings.fhir_client.retrieval import Call, FhirServer, Result
from fhir_mappings.fhir_client.transport import FhirRequest, TransportError

Clock = Callable[[], float]

_REASONS: Final = {
    reason.value: reason
    for reason in (Result.TIMEOUT, Result.CONNECTION, Result.REFUSED, Result.TOO_LARGE, Result.OPEN)
}
_STATUSES: Final = {
    401: Result.UNAUTHORIZED,
    403: Result.FORBIDDEN,
    404: Result.NOT_FOUND,
    405: Result.NOT_SUPPORTED,
    410: Result.NOT_FOUND,
    501: Result.NOT_SUPPORTED,
}
_PASSING: Final = frozenset({429, 502, 503, 504})
# With these a server says that a search cannot be taken as it is put; other refusals are about who asks, or for what.
_AS_PUT: Final = frozenset({400, 422})
_LONGEST_OUTCOME: Final = 64 * 1024  # bytes; longer than a server needs to say no


class Answered(NamedTuple):
    """How a call ended, with the body where that is OK, and when to ask again where that may help.

    `codes` are the issue codes with which a server refused a search that it might take if it were put otherwise.
    """

    result: Result
    body: bytes = b""
    again_after: float | None = None
    codes: frozenset[str] = frozenset()


class _Issue(msgspec.Struct, gc=False):
    code: object = None


class _Outcome(msgspec.Struct, gc=False):
    issue: list[_Issue] = []


_OUTCOME: Final = msgspec.json.Decoder(_Outcome)


class Exchange:
    """All that one retrieval asks one server."""

    def __init__(self, server: FhirServer, clock: Clock) -> None:
        """Start without a call."""
        self.server = server
        self._clock = clock
        self._lock = Lock()
        self._closed = Event()
        self._calls: list[Call] = []
        self._under_way: dict[object, tuple[str, float]] = {}

    @property
    def seconds_left(self) -> float:
        """The time until the deadline, 0 when it has passed."""
        return max(0.0, self.server.limits.deadline - self._clock())

    def is_over(self) -> bool:
        """Whether nothing may be asked any more."""
        return self._closed.is_set() or self.seconds_left <= 0

    def ask(self, resource_type: str, url: str, body: bytes | None = None) -> Answered:
        """Return the answer to a GET, or to a POST of a body; whatever can go wrong is a result, not an exception."""
        answered = self._once(resource_type, url, body)
        if answered.again_after is not None and self.server.limits.retries > 0:
            if answered.again_after > 0:
                if answered.again_after >= self.seconds_left:
                    return answered
                self._closed.wait(answered.again_after)
            if not self.is_over():
                answered = self._once(resource_type, url, body)
        return answered

    def expire(self) -> None:
        """Ask for nothing more: time is up."""
        self._closed.set()

    def close(self) -> tuple[Call, ...]:
        """End the exchange; return its calls, those under way as timed out."""
        with self._lock:
            self._closed.set()
            now = self._clock()
            late = [Call(name, Result.TIMEOUT, now - began) for name, began in self._under_way.values()]
            return (*self._calls, *late)

    def _once(self, resource_type: str, url: str, body: bytes | None) -> Answered:
        seconds = self.seconds_left
        if seconds <= 0 or self.is_over():
            return Answered(Result.TIMEOUT)
        request = FhirRequest(url, "GET" if body is None else "POST", self.server.token, body)
        began, mark = self._clock(), object()
        with self._lock:
            if self._closed.is_set():
                return Answered(Result.TIMEOUT)
            self._under_way[mark] = (resource_type, began)
        answered = Answered(Result.FAILED)
        try:
            response = self.server.transport.send(request, seconds)
            again = (response.retry_after or 0.0) if response.status in _PASSING else None
            answered = weighed(response.status, response.body, again)
        except TransportError as error:
            result = _REASONS.get(error.reason, Result.CONNECTION)
            answered = Answered(result, again_after=0.0 if result is Result.CONNECTION else None)
        finally:
            self._note(mark, Call(resource_type, answered.result, self._clock() - began))
        return Answered(Result.TIMEOUT) if self.is_over() else answered

    def _note(self, mark: object, call: Call) -> None:
        with self._lock:
            if not self._closed.is_set():
                del self._under_way[mark]
                self._calls.append(call)


def weighed(status: int, body: bytes, again_after: float | None = None) -> Answered:
    """Return what an answer of some HTTP status says."""
    if 200 <= status < 300:  # noqa: PLR2004 - the class of statuses that say yes
        return Answered(Result.OK, body)
    codes = _issue_codes(body) if 400 <= status < 500 else frozenset()  # noqa: PLR2004 - the asker's mistakes
    result = _STATUSES.get(status, Result.HTTP_ERROR)
    if result is Result.HTTP_ERROR and "not-supported" in codes:
        result = Result.NOT_SUPPORTED
    is_about_form = status in _AS_PUT or result is Result.NOT_SUPPORTED
    return Answered(result, b"", again_after, codes if is_about_form else frozenset())


def _issue_codes(body: bytes) -> frozenset[str]:
    """Return the issue codes of an OperationOutcome; none where the body is something else."""
    try:
        issues = _OUTCOME.decode(body[:_LONGEST_OUTCOME]).issue
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return frozenset()
    return frozenset(issue.code for issue in issues if isinstance(issue.code, str))
