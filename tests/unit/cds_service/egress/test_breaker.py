"""The circuit to a FHIR server."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cds_service.egress.addresses import Address
from cds_service.egress.breaker import Admission, Breaker, Breakers, HookCall, Patience
from fhir_mappings.fhir_client.transport import TransportError

PATIENCE = Patience()
WAIT = 20.0  # seconds; for a machine that is busy with other tests


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
    """A circuit as the service has it."""
    return Breaker(PATIENCE, clock)


def hook_call(breaker: Breaker, *results: bool | None) -> None:
    """Make one hook call whose searches have some results."""
    call = HookCall(breaker)
    for result in results:
        with call.admit(0.0) as admission:
            call.begin(admission, fair=True)
            admission.healthy = result
            call.end(admission)
    call.close()


def is_refused(breaker: Breaker) -> bool:
    """Return whether a search would not be made, without waiting."""
    try:
        breaker.admit(0.0)
    except TransportError as error:
        return error.reason == "open"
    return False


def opened(breaker: Breaker) -> None:
    """Open the circuit."""
    for _ in range(2):
        hook_call(breaker, False)
    assert breaker.state == "open"


def trial(breaker: Breaker, *, healthy: bool | None) -> None:
    """Let one search try the server."""
    with breaker.admit(0.0) as admission:
        admission.healthy = healthy


def test_one_hook_call_is_counted_once(breaker: Breaker) -> None:
    """A single call that fails with all its searches gives nobody a rest; a second one does."""
    hook_call(breaker, *[False] * 15)
    assert breaker.state == "closed"
    hook_call(breaker, *[False] * 15)
    assert breaker.state == "open"
    assert is_refused(breaker)


def test_a_call_fails_by_most_of_its_searches(breaker: Breaker) -> None:
    """A server on which one search always fails is asked for the others; what says nothing is not counted."""
    for _ in range(20):
        hook_call(breaker, False, True, True)
        hook_call(breaker, None, None)
        hook_call(breaker)
    assert breaker.state == "closed"


def test_failures_are_a_share_of_the_calls_of_a_while(breaker: Breaker, clock: Clock) -> None:
    """A server that fails now and then is still asked; so is one whose failures are long ago."""
    for healthy in (True, True, True, True, False, False, True, False):
        hook_call(breaker, healthy)
    assert breaker.state == "closed"
    clock.now += PATIENCE.window + 1
    hook_call(breaker, False)
    assert breaker.state == "closed"
    hook_call(breaker, False)
    assert breaker.state == "open"


def test_a_busy_server_is_given_a_rest_as_soon_as_another(breaker: Breaker) -> None:
    """Many calls that went well do not hide that all go wrong now."""
    for _ in range(1000):
        hook_call(breaker, True)
    for state in ("closed",) * 4 + ("open",):
        hook_call(breaker, False)
        assert breaker.state == state


def test_searches_under_way_at_the_end_were_waited_for_in_vain(breaker: Breaker) -> None:
    """A server that hangs fails its calls although nothing has come back when they end, unless time was too short."""
    for fair, state in ((False, "closed"), (False, "closed"), (True, "closed"), (True, "open")):
        call = HookCall(breaker)
        admission = call.admit(0.0)
        call.begin(admission, fair=fair)
        call.close()
        admission.healthy = True
        call.end(admission)
        assert breaker.state == state


def test_rest_is_short_and_doubles_to_a_bound(breaker: Breaker, clock: Clock) -> None:
    """Half a second first, then a second after each trial that failed, counted from its beginning."""
    opened(breaker)
    for rest in (0.5, 1.0, 1.0, 1.0):
        clock.now += rest - 0.01
        assert is_refused(breaker)
        clock.now += 0.02
        trial(breaker, healthy=False)
    clock.now += 1.01
    trial(breaker, healthy=True)
    assert breaker.state == "closed"
    opened(breaker)
    clock.now += 0.51
    assert not is_refused(breaker)


def test_whoever_asks_waits_for_the_trial(breaker: Breaker, clock: Clock) -> None:
    """One search tries the server; the others of its call, and of calls that come meanwhile, go once it is answered."""
    opened(breaker)
    clock.now += 1
    first = breaker.admit(0.0)
    assert breaker.state == "half-open"
    with ThreadPoolExecutor(14) as pool:
        others = [pool.submit(breaker.admit, WAIT) for _ in range(14)]
        time.sleep(0.05)
        assert not any(other.done() for other in others)
        with first:
            first.healthy = True
        assert all(isinstance(other.result(WAIT), Admission) for other in others)
    assert breaker.state == "closed"


def test_whoever_waited_for_a_failed_trial_is_refused(breaker: Breaker, clock: Clock) -> None:
    """A server that is still down costs a crowd one search."""
    opened(breaker)
    clock.now += 1
    first = breaker.admit(0.0)
    with ThreadPoolExecutor(4) as pool:
        others = [pool.submit(breaker.admit, WAIT) for _ in range(4)]
        time.sleep(0.05)
        with first:
            first.healthy = False
        assert [str(other.exception(WAIT)) for other in others] == ["open"] * 4
    assert breaker.state == "open"


def test_nobody_waits_longer_than_there_is_time(breaker: Breaker, clock: Clock) -> None:
    """A trial that hangs does not outlast the deadline of those who wait for it."""
    opened(breaker)
    clock.now += 1
    breaker.admit(0.0)
    began = time.monotonic()
    with pytest.raises(TransportError, match="open"):
        breaker.admit(0.05)
    assert 0.04 < time.monotonic() - began < WAIT


def test_a_hanging_trial_makes_room_for_another(breaker: Breaker, clock: Clock) -> None:
    """The server may be back while a search that was sent before hangs: after a rest the next one tries it anew."""
    opened(breaker)
    clock.now += 1
    hanging = breaker.admit(0.0)
    clock.now += 1
    trial(breaker, healthy=True)
    assert breaker.state == "closed"
    with hanging:
        hanging.healthy = False
    assert breaker.state == "closed"


def test_trial_without_result_leaves_room_for_another(breaker: Breaker, clock: Clock) -> None:
    """A trial that crashed on our side, or ended too early to tell, must not shut the server out."""
    opened(breaker)
    clock.now += 1
    with pytest.raises(KeyboardInterrupt), breaker.admit(0.0):
        raise KeyboardInterrupt
    trial(breaker, healthy=True)
    assert breaker.state == "closed"


def test_late_results_do_not_count(breaker: Breaker, clock: Clock) -> None:
    """Calls that began before the circuit opened neither close it nor prolong its rest."""
    early = [HookCall(breaker) for _ in range(2)]
    admitted = [(call, call.admit(0.0)) for call in early]
    opened(breaker)
    for (call, admission), healthy in zip(admitted, (True, False), strict=True):
        call.begin(admission, fair=True)
        with admission:
            admission.healthy = healthy
        call.end(admission)
        call.close()
    assert breaker.state == "open"
    clock.now += 0.51
    assert not is_refused(breaker)


def test_no_thread_is_left_waiting(breaker: Breaker, clock: Clock) -> None:
    """However trials end, a crowd that asks at once is through in the end."""
    opened(breaker)
    clock.now += 1
    through = []

    def ask() -> None:
        with breaker.admit(WAIT) as admission:
            admission.healthy = True
        through.append(1)

    threads = [threading.Thread(target=ask) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert len(through) == 40


def test_states_are_by_client(clock: Clock) -> None:
    """Metrics name clients, never addresses; a client with one bad server of two shows the bad one."""
    breakers = Breakers(Patience(failed=1), clock=clock)
    first, second = (Address("https", name, 443) for name in ("a.example", "b.example"))
    assert breakers.of("north", first) is breakers.of("north", first)
    hook_call(breakers.of("north", second), False)
    breakers.of("south", second)
    assert breakers.states() == {"north": "open", "south": "closed"}


def test_circuits_are_bounded() -> None:
    """In development any port is a server; the memory of them ends somewhere."""
    breakers = Breakers()
    for port in range(1, 400):
        breakers.of("development", Address("http", "127.0.0.1", port))
    assert len(breakers._breakers) <= 256
