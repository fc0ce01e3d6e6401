"""Places to be advised at: only so many calls about lumbar MRI are worked on at once, and no client has all of them.

Reading a call costs little and tells whether it is ours; the rest, chart and FHIR server, costs nearly everything. So a
call takes a place after it was read and before anything else. Threads beyond the places go on reading, and whatever is
none of our business is answered while every place is taken.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from cds_service.overload.line import Line
from cds_service.protocol.errors import OverloadedError

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

    @contextmanager
    def place(self, client: str, arrived: float) -> Iterator[None]:
        """Hold a place during a block; OverloadedError where a call that came at `arrived` gets none in time."""
        self._take(client, arrived)
        try:
            yield
        finally:
            with self._lock:
                self._free += 1
                self._held[client] -= 1
                self._call_next()

    def _take(self, client: str, arrived: float) -> None:
        ticket = _Ticket(client)
        with self._lock:
            if self._may(client) and not self._line:
                self._give(ticket)
                return
            now = self._clock()
            sent_away = self._line.join(client, ticket, since=arrived, now=now)
            if sent_away is not None:
                sent_away.called.set()
            self._call_next()
        ticket.called.wait(max(0.0, self._patience - (now - arrived)))
        with self._lock:
            if not ticket.has_place:
                self._line.leave(client, ticket)
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
