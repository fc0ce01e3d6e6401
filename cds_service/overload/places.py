"""Places to be advised at: only so many calls about lumbar MRI are worked on at once, and no client has all of them.

Reading a call costs little and tells whether it is ours; the rest, chart and FHIR server, costs nearly everything. So a
call takes a place after it was read and before anything else. Threads beyond the places go on reading, and whatever is
none of our business is answered while every place is taken. Who has a place waits for FHIR servers beside the others,
but computes only in turn.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, NoReturn

from cds_service.overload.line import Line
from cds_service.overload.reading import is_read
from cds_service.overload.turns import Turns
from cds_service.protocol.errors import OverloadedError
from cds_service.protocol.trace import Trace

# Threads of one process take turns on the processor. More that compute would only keep those that read from theirs;
# a second one goes on while the first waits for a disk.
_AT_WORK: Final = 2
_SHARE_OF_ONE: Final = 0.75  # of all places, where there are several clients: the others find one free


@dataclass(eq=False, slots=True)
class _Ticket:
    """A call that waits: `called` once it is decided whether it `has_place`."""

    client: str
    called: threading.Event = field(default_factory=threading.Event)
    has_place: bool = False


class Places:
    """The places of one worker; safe to share between threads, and made before workers fork.

    Each worker has its own, because threads and processor are its own too: a count shared by all would send calls away
    here because another worker is busy.
    """

    def __init__(
        self, places: int, patience: float, *, clients: int = 1, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        """Take how many places there are, the seconds that a call waits at most, and how many clients may come."""
        self._free = places
        self._most_of_one = places if clients == 1 else max(1, int(places * _SHARE_OF_ONE))
        self._patience = patience
        self._clock = clock
        self._held: Counter[str] = Counter()
        # As many wait as have a place: who waits holds a thread.
        self._line: Line[str, _Ticket] = Line(patience, places)
        self._lock = threading.Lock()
        self._work = Turns(_AT_WORK)

    @contextmanager
    def place(self, client: str, trace: Trace) -> Iterator[None]:
        """Hold a place during a block; OverloadedError where a call gets none in time, counted from its arrival."""
        is_read()
        self._take(client, trace)
        try:
            yield
        finally:
            with self._lock:
                self._free += 1
                self._held[client] -= 1
                self._call_next()

    @contextmanager
    def work(self, trace: Trace, *, is_begun: bool) -> Iterator[None]:
        """Hold the processor during a block that does not wait for others.

        A call that is begun is worth finishing, however long that takes; OverloadedError where another waits too long.
        """
        if not self._work.take_now():
            with trace.phase("wait"):
                has_turn = self._work.take(None if is_begun else self._left(trace))
            if not has_turn:
                self._refuse(trace)
        try:
            yield
        finally:
            self._work.give_back()

    @contextmanager
    def rest(self, trace: Trace) -> Iterator[None]:
        """Leave the processor to others during a block, inside of `work`, that waits for something else."""
        self._work.give_back()
        try:
            yield
        finally:
            if not self._work.take_now():
                with trace.phase("wait"):
                    self._work.take()

    def _take(self, client: str, trace: Trace) -> None:
        ticket = _Ticket(client)
        with self._lock:
            if self._may(client) and not self._line:
                self._give(ticket)
                return
            now = self._clock()
            sent_away = self._line.join(client, ticket, since=trace.started, now=now)
            if sent_away is not None:
                sent_away.called.set()
            self._call_next()
        with trace.phase("wait"):
            ticket.called.wait(self._left(trace))
        with self._lock:
            if not ticket.has_place:
                self._line.leave(client, ticket)
        if not ticket.has_place:
            self._refuse(trace)

    def _left(self, trace: Trace) -> float:
        """Return for how many seconds a call may still wait."""
        return max(0.0, trace.started + self._patience - self._clock())

    def _refuse(self, trace: Trace) -> NoReturn:
        trace.shed = "advice"
        raise OverloadedError

    def _may(self, client: str) -> bool:
        return self._free > 0 and self._held[client] < self._most_of_one

    def _give(self, ticket: _Ticket) -> None:
        self._free -= 1
        self._held[ticket.client] += 1
        ticket.has_place = True
        ticket.called.set()

    def _call_next(self) -> None:
        now = self._clock()
        for late in self._line.overdue(now):
            late.called.set()
        while (ticket := self._line.next(now, self._may)) is not None:
            self._give(ticket)
