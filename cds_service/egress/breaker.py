"""Not asking a FHIR server that has just failed several times: every call would wait for it in vain.

pybreaker counts and changes the states. Its own way of wrapping a call is not used, since it holds a lock while the
call runs, so that the searches of one hook would go one after the other; nor does it stop a crowd of calls from trying
a server again all at once. So admission and result are two short steps here, with the network between them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, NoReturn, Self

import pybreaker

from cds_service.egress.addresses import Address
from fhir_mappings.fhir_client.transport import TransportError

_MOST: Final = 256  # servers watched; only `any_loopback` can name more than the profiles list
_SEVERITY: Final = (pybreaker.STATE_CLOSED, pybreaker.STATE_HALF_OPEN, pybreaker.STATE_OPEN)


class _FailedError(Exception):
    """Tells pybreaker of a failure."""


class Breaker:
    """The circuit to one server: `closed` (asked), `open` (not asked), `half-open` (one call tries it)."""

    def __init__(self, failures: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Take after how many failures in a row it opens, for how long, and a clock in seconds."""
        # The time is kept here, by a clock that nobody sets; its own would be the wall clock.
        self._circuit = pybreaker.CircuitBreaker(fail_max=failures, reset_timeout=0, throw_new_error_on_trip=False)
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._retry_at = 0.0
        self._trying = False

    @property
    def state(self) -> str:
        """`closed`, `open` or `half-open`."""
        return self._circuit.current_state

    def admit(self) -> Admission:
        """Let one call through; TransportError with `open` when none may go."""
        with self._lock:
            if self.state == pybreaker.STATE_OPEN and self._clock() >= self._retry_at:
                self._circuit.half_open()
            if self.state == pybreaker.STATE_CLOSED:
                return Admission(self, trial=False)
            if self.state == pybreaker.STATE_OPEN or self._trying:
                raise TransportError("open")
            self._trying = True
            return Admission(self, trial=True)

    def settle(self, *, trial: bool, healthy: bool | None) -> None:
        """Take the result of a call that was let through; None says nothing about the server."""
        with self._lock:
            if trial:
                self._trying = False
            # A call that began before the circuit opened has no say in whether it closes.
            late = not trial and self.state != pybreaker.STATE_CLOSED
            if healthy is None or late:
                return
            try:
                self._circuit.call(_succeed if healthy else _fail)
            except _FailedError:
                if self.state == pybreaker.STATE_OPEN:
                    self._retry_at = self._clock() + self._seconds


class Admission:
    """The leave to make one call; `with` it, and say how the call went. Silence says nothing about the server."""

    def __init__(self, breaker: Breaker, *, trial: bool) -> None:
        """Take the circuit, and whether this call tries a server that had failed."""
        self._breaker = breaker
        self._trial = trial
        self.healthy: bool | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._breaker.settle(trial=self._trial, healthy=self.healthy)


class Breakers:
    """The circuits of a process, one for each server of each client."""

    def __init__(
        self, failures: int = 5, seconds: float = 10.0, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take after how many failures in a row a circuit opens, for how long, and a clock in seconds."""
        self._failures = failures
        self._seconds = seconds
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
                breaker = self._breakers[client, base] = Breaker(self._failures, self._seconds, self._clock)
            return breaker

    def states(self) -> dict[str, str]:
        """Return the state by client name, the worst where a client has several servers."""
        with self._lock:
            found = [(client, breaker.state) for (client, _), breaker in self._breakers.items()]
        states: dict[str, str] = {}
        for client, state in found:
            states[client] = max(state, states.get(client, pybreaker.STATE_CLOSED), key=_SEVERITY.index)
        return states


def _succeed() -> None:
    """Tell pybreaker of a success."""


def _fail() -> NoReturn:
    raise _FailedError
