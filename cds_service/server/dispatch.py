"""Which request gets the next thread of a worker.

Requests go in lanes, each with threads of its own, so that a hanging database, which feedback and pages wait for,
leaves the hooks alone. Probes and scrapes do not wait at all: a supervisor that gets no answer would restart a service
that is only busy. Hook calls wait for as long as an EHR may still be listening, and are then sent away. Feedback waits
for much longer, because a clinician's answer is lost with it, and gives way to nothing. Within a lane clients take
turns. A call that was read and goes on to be advised is set aside: the places for that are counted elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Final, Generic, Protocol, TypeVar

from cds_service.overload.line import Line

_FEEDBACK_SECONDS: Final = 10.0
_MOST_WAITING: Final = 1000  # in one lane
_MOST_BYTES: Final = 256 * 1024 * 1024  # of the requests that wait

Key = tuple[str, str | None]  # where a request comes from, and the client that it claims to be


class Lane(Enum):
    """What a request is about, as far as that decides when it is answered."""

    HOOK = "hook"
    FEEDBACK = "feedback"
    OTHER = "other"
    PROBE = "probe"


_PROBES: Final = (b"/livez", b"/readyz", b"/metrics")


def lane_of(data: bytes | bytearray) -> Lane:
    """Return the lane of a request, told by its first line."""
    method, _, rest = bytes(memoryview(data)[:512]).partition(b"\r\n")[0].partition(b" ")
    path = rest.partition(b" ")[0].partition(b"?")[0].rstrip(b"/")
    if path in _PROBES:
        return Lane.PROBE
    if method != b"POST" or b"/cds-services/" not in path:
        return Lane.OTHER
    return Lane.FEEDBACK if path.endswith(b"/feedback") else Lane.HOOK


class Request(Protocol):
    """What is known of a request: its lane, who sends it, when it had arrived whole, and whether it was set aside."""

    lane: Lane
    key: Key
    arrived: float
    is_aside: bool

    @property
    def size(self) -> int:
        """Its bytes."""


Waiting = TypeVar("Waiting", bound=Request)


@dataclass(slots=True)
class _LaneState(Generic[Waiting]):
    line: Line[Key, Waiting]
    free: int
    held: Counter[Key] = field(default_factory=Counter)


class Dispatch(Generic[Waiting]):
    """Hands requests to threads; for the main loop only."""

    def __init__(
        self,
        threads: int,
        patience: float,
        start: Callable[[Waiting], None],
        send_away: Callable[[Waiting], None],
    ) -> None:
        """Take the threads of a lane, the seconds that a call waits, and what starts or sends away a request."""
        self._start = start
        self._send_away = send_away
        self._most_of_one = max(1, threads - 1)  # another client finds a free one at once
        self._lanes: dict[Lane, _LaneState[Waiting]] = {
            lane: _LaneState(Line(_FEEDBACK_SECONDS if lane is Lane.FEEDBACK else patience, _MOST_WAITING), threads)
            for lane in (Lane.HOOK, Lane.FEEDBACK, Lane.OTHER)
        }
        self._bytes = 0

    @property
    def waiting(self) -> int:
        """How many requests wait for a thread."""
        return sum(len(state.line) for state in self._lanes.values())

    def arrive(self, request: Waiting, now: float) -> None:
        """Start a request that has arrived, let it wait, or send it or another away."""
        state = self._lanes[request.lane]
        if not state.line and self._may(state, request.key):
            self._begin(state, request)
            return
        if not self._has_room(request):
            self._send_away(request)
            return
        self._bytes += request.size
        gone = state.line.join(request.key, request, since=request.arrived, now=now)
        if gone is not None:
            self._dismiss(gone)
        self.go_on(now)

    def finish(self, request: Waiting, now: float) -> None:
        """Take the thread of a request that is answered, and let others begin."""
        if request.is_aside:
            request.is_aside = False
        else:
            self._release(request)
            self.go_on(now)

    def set_aside(self, request: Waiting, now: float) -> None:
        """Let others be read while a request that was read goes on."""
        request.is_aside = True
        self._release(request)
        self.go_on(now)

    def go_on(self, now: float) -> None:
        """Send away who has waited too long, and start whoever's turn it is while threads are free."""
        if not self.waiting:
            return
        for state in self._lanes.values():
            for late in state.line.overdue(now):
                self._dismiss(late)
            while (request := state.line.next(now, partial(self._may, state))) is not None:
                self._bytes -= request.size
                self._begin(state, request)

    def _may(self, state: _LaneState[Waiting], key: Key) -> bool:
        return state.free > 0 and state.held[key] < self._most_of_one

    def _begin(self, state: _LaneState[Waiting], request: Waiting) -> None:
        state.free -= 1
        state.held[request.key] += 1
        self._start(request)

    def _release(self, request: Waiting) -> None:
        state = self._lanes[request.lane]
        state.free += 1
        state.held[request.key] -= 1
        if not state.held[request.key]:
            del state.held[request.key]

    def _dismiss(self, request: Waiting) -> None:
        self._bytes -= request.size
        self._send_away(request)

    def _has_room(self, request: Waiting) -> bool:
        """Whether the memory for a request is there; for feedback it is made, at the cost of other requests."""
        lanes: Iterable[Lane] = (Lane.OTHER, Lane.HOOK) if request.lane is Lane.FEEDBACK else ()
        for lane in lanes:
            line = self._lanes[lane].line
            while self._bytes + request.size > _MOST_BYTES and (pushed_out := line.push_out()) is not None:
                self._dismiss(pushed_out)
        return self._bytes + request.size <= _MOST_BYTES
