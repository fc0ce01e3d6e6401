"""The circuit to a FHIR server."""

from __future__ import annotations

import pytest

from cds_service.egress.addresses import Address
from cds_service.egress.breaker import Admission, Breaker, Breakers
from fhir_mappings.fhir_client.transport import TransportError


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The time."""
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    """A circuit that opens after three failures, for ten seconds."""
    return Breaker(3, 10, clock)


def call(breaker: Breaker, healthy: bool | None) -> None:
    """Make one call with a result."""
    with breaker.admit() as admission:
        admission.healthy = healthy


def refused(breaker: Breaker) -> bool:
    """Return whether a call would not be made."""
    try:
        breaker.admit()
    except TransportError as error:
        return error.reason == "open"
    return False


def opened(breaker: Breaker) -> None:
    """Open the circuit."""
    for _ in range(3):
        call(breaker, healthy=False)
    assert breaker.state == "open"


def test_opens_after_failures_in_a_row(breaker: Breaker) -> None:
    """A server that fails now and then is still asked; one that only fails is not."""
    for healthy in (False, False, True, False, False, None):
        call(breaker, healthy)
    assert breaker.state == "closed"
    call(breaker, healthy=False)
    assert breaker.state == "open"
    assert refused(breaker)


def test_one_call_tries_the_server_again(breaker: Breaker, clock: Clock) -> None:
    """After its rest the server gets one call, not the crowd that waits."""
    opened(breaker)
    clock.now += 9
    assert refused(breaker)
    clock.now += 1
    with breaker.admit() as admission:
        assert breaker.state == "half-open"
        assert refused(breaker)
        admission.healthy = True
    assert breaker.state == "closed"
    assert not refused(breaker)


def test_failed_trial_begins_a_new_rest(breaker: Breaker, clock: Clock) -> None:
    """A server that is still down is left alone as long again."""
    opened(breaker)
    clock.now += 10
    call(breaker, healthy=False)
    assert breaker.state == "open"
    clock.now += 9
    assert refused(breaker)
    clock.now += 1
    assert not refused(breaker)


def test_trial_without_result_leaves_room_for_another(breaker: Breaker, clock: Clock) -> None:
    """A trial that crashed on our side, or ended too early to tell, must not shut the server out for ever."""
    opened(breaker)
    clock.now += 10
    with pytest.raises(KeyboardInterrupt), breaker.admit():
        raise KeyboardInterrupt
    call(breaker, healthy=True)
    assert breaker.state == "closed"


def test_late_results_do_not_count(breaker: Breaker, clock: Clock) -> None:
    """Calls that began before the circuit opened neither close it nor prolong its rest."""
    early: list[Admission] = [breaker.admit() for _ in range(2)]
    opened(breaker)
    clock.now += 5
    for admission, healthy in zip(early, (True, False), strict=True):
        with admission:
            admission.healthy = healthy
    assert breaker.state == "open"
    clock.now += 5
    assert not refused(breaker)


def test_states_are_by_client(clock: Clock) -> None:
    """Metrics name clients, never addresses; a client with one bad server of two shows the bad one."""
    breakers = Breakers(1, 10, clock=clock)
    first, second = (Address("https", name, 443) for name in ("a.example", "b.example"))
    assert breakers.of("north", first) is breakers.of("north", first)
    call(breakers.of("north", second), healthy=False)
    breakers.of("south", second)
    assert breakers.states() == {"north": "open", "south": "closed"}


def test_circuits_are_bounded() -> None:
    """In development any port is a server; the memory of them ends somewhere."""
    breakers = Breakers()
    for port in range(1, 400):
        breakers.of("development", Address("http", "127.0.0.1", port))
    assert len(breakers._breakers) <= 256
