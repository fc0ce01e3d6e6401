"""Not asking a FHIR server that has just failed several hook calls: every further one would wait for it in vain.

What counts are hook calls, not searches: one call makes fifteen of them at once, and a server that fails them all has
failed once. After a short rest one search tries the server, and whatever else wants to ask it waits for that answer,
so that the call that finds the server well again is complete. No rest is longer than a second, and none is counted
from later than the beginning of a trial: a second after a server is back, no call is lost.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

from cds_service.egress.addresses import Address
from fhir_mappings.fhir_client.transport import TransportError

_MOST: Final = 256  # servers watched; only `any_loopback` can name more than the profiles list
_SEVERITY: Final = ("closed", "half-open", "open")


@dataclass(frozen=True, slots=True)
class Patience:
    """When a server is given a rest, and for how long.

    It is when of the hook calls of the last `window` seconds, and no more than the last `calls`, at least `failed` have
    failed, and that is at least the `share` of them. The first rest is `rest` seconds long, and each that follows a
    failed trial twice as long as the one before, up to `longest`.
    """

    window: float = 10.0
    calls: int = 10
    failed: int = 2
    share: float = 0.5
    rest: float = 0.5
    longest: float = 1.0


class Breaker:
    """The circuit to one server: `closed` (asked), `open` (not asked), `half-open` (one search tries it)."""

    def __init__(self, patience: Patience | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the patience and a clock in seconds, which nobody sets."""
        self._patience = patience or Patience()
        self._clock = clock
        self._changed = threading.Condition()
        self._calls: deque[tuple[float, bool]] = deque(maxlen=self._patience.calls)
        self._is_open = False
        self._rest = self._patience.rest
        self._rest_from = 0.0
        self._trial: Admission | None = None

    @property
    def state(self) -> str:
        """`closed`, `open` or `half-open`."""
        if not self._is_open:
            return "closed"
        return "open" if self._trial is None else "half-open"

    def admit(self, seconds: float) -> Admission:
        """Let one search through, after waiting at most some seconds for another that tries the server.

        TransportError with `open` when none may go.
        """
        until = time.monotonic() + seconds
        with self._changed:
            while self._is_open:
                if self._clock() - self._rest_from >= self._rest:
                    # A trial that takes longer than a rest is not waited for: the server may be back meanwhile.
                    self._rest_from, self._trial = self._clock(), Admission(self)
                    return self._trial
                left = until - time.monotonic()
                if self._trial is None or left <= 0:
                    raise TransportError("open")
                self._changed.wait(left)
            return Admission(self)

    def settle(self, admission: Admission) -> None:
        """Take the result of a search that was let through; only that of a trial moves the circuit by itself."""
        with self._changed:
            if admission is not self._trial:
                return
            self._trial = None
            if admission.healthy is None:
                self._rest_from = self._clock() - self._rest  # it said nothing: the next one tries
            elif admission.healthy:
                self._is_open, self._rest = False, self._patience.rest
                self._calls.clear()
            else:
                self._rest = min(2 * self._rest, self._patience.longest)
            self._changed.notify_all()

    def count(self, *, failed: bool) -> None:
        """Take the result of a hook call."""
        with self._changed:
            # A call that began before the circuit opened has no say in how long it rests.
            if self._is_open:
                return
            now, patience = self._clock(), self._patience
            self._calls.append((now, failed))
            while self._calls[0][0] < now - patience.window:
                self._calls.popleft()
            failures = sum(failed for _, failed in self._calls)
            if failures >= patience.failed and failures >= patience.share * len(self._calls):
                self._is_open, self._rest, self._rest_from = True, patience.rest, now


class Admission:
    """The leave to make one search; `with` it, and say how it went. Silence says nothing about the server."""

    def __init__(self, breaker: Breaker) -> None:
        """Take the circuit."""
        self._breaker = breaker
        self.healthy: bool | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._breaker.settle(self)


class HookCall:
    """What the searches of one hook call say together: it has failed when more of them failed than were answered.

    A search that is under way when the call ends was waited for in vain, if there was time enough to tell. A call that
    was not let through, or was asked nothing, says nothing.
    """

    def __init__(self, breaker: Breaker) -> None:
        """Take the circuit."""
        self._breaker = breaker
        self._lock = threading.Lock()
        self._is_over = False
        self._results: list[bool] = []
        self._under_way: dict[Admission, bool] = {}

    def admit(self, seconds: float) -> Admission:
        """Let one search through, as the circuit does."""
        return self._breaker.admit(seconds)

    def begin(self, admission: Admission, *, fair: bool) -> None:
        """Note a search that is sent; `fair` says whether its running out of time would say something."""
        with self._lock:
            self._under_way[admission] = fair

    def end(self, admission: Admission) -> None:
        """Note how a search went; what comes after the call is not counted."""
        with self._lock:
            if not self._is_over:
                del self._under_way[admission]
                if admission.healthy is not None:
                    self._results.append(admission.healthy)

    def close(self) -> None:
        """End the call and count it."""
        with self._lock:
            if self._is_over:
                return
            self._is_over = True
            failures = self._results.count(False) + sum(self._under_way.values())
            said = len(self._results) + sum(self._under_way.values())
        if said:
            self._breaker.count(failed=2 * failures > said)


class Breakers:
    """The circuits of a process, one for each server of each client."""

    def __init__(self, patience: Patience | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the patience with servers and a clock in seconds."""
        self._patience = patience
        self._clock = clock
        self._lock = threading.Lock()
        self._breakers: dict[tuple[str, Address], Breaker] = {}

    def of(self, client: str, base: Address) -> Breaker:
        """Return the circuit of a client's server."""
        with self._lock:
            breaker = self._breakers.get((client, base))
            if breaker is None:
                if len(self._breakers) >= _MOST:
                    del self._breakers[next(iter(self._breakers))]
                breaker = self._breakers[client, base] = Breaker(self._patience, self._clock)
            return breaker

    def states(self) -> dict[str, str]:
        """Return the state by client name, the worst where a client has several servers."""
        with self._lock:
            found = [(client, breaker.state) for (client, _), breaker in self._breakers.items()]
        states: dict[str, str] = {}
        for client, state in found:
            states[client] = max(state, states.get(client, "closed"), key=_SEVERITY.index)
        return states
