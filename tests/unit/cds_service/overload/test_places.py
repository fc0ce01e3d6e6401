"""Places to be advised at: how many, for whom, and what happens to who gets none."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

import pytest

from cds_service.overload.places import Places
from cds_service.overload.reading import when_read
from cds_service.protocol.errors import OverloadedError
from cds_service.protocol.trace import Trace

PATIENCE: Final = 30.0  # longer than any machine stalls
NONE: Final = 0.0


def call() -> Trace:
    """A call that has just arrived."""
    return Trace("1")


class Waiter(threading.Thread):
    """A call in a thread of its own, which notes when it has what it waits for, and leaves when it is told to."""

    def __init__(self, wait: Callable[[], object], order: list[str], name: str) -> None:
        """Begin."""
        super().__init__(daemon=True)
        self.wait, self.order, self.label = wait, order, name
        self.start()

    def run(self) -> None:
        """Wait."""
        try:
            self.wait()
            self.order.append(self.label)
        except OverloadedError:
            self.order.append(f"{self.label} sent away")


def holding(places: Places, stack: ExitStack, client: str, count: int) -> None:
    """Hold some places until the stack ends."""
    for _ in range(count):
        stack.enter_context(places.place(client, call()))


def test_so_many_at_once() -> None:
    """Beyond the places a call is sent away, and says of what there was too little; each place is given back."""
    places, trace = Places(2, NONE), call()
    with ExitStack() as stack:
        holding(places, stack, "a", 2)
        with pytest.raises(OverloadedError) as refusal, places.place("a", trace):
            pass
    assert (trace.shed, refusal.value.status, refusal.value.headers) == ("advice", 503, {"Retry-After": "1"})
    with ExitStack() as stack:
        holding(places, stack, "a", 2)


def test_place_is_given_back_after_a_failure() -> None:
    """A call that fails leaves its place."""
    places = Places(1, NONE)
    with pytest.raises(ZeroDivisionError), places.place("a", call()):
        raise ZeroDivisionError
    with places.place("a", call()):
        pass


def test_one_client_leaves_places_to_others() -> None:
    """However many calls one client sends, another finds a place at once; a client alone has all."""
    places = Places(4, NONE, clients=2)
    with ExitStack() as stack:
        holding(places, stack, "a", 3)
        with pytest.raises(OverloadedError), places.place("a", call()):
            pass
        holding(places, stack, "b", 1)
    with ExitStack() as stack:
        holding(Places(4, NONE, clients=1), stack, "a", 4)


def test_who_waits_gets_the_place_that_is_left() -> None:
    """A call waits until another leaves, and knows how long."""
    order: list[str] = []
    places, trace = Places(1, PATIENCE), call()

    def wait() -> None:
        with places.place("a", trace):
            pass

    with places.place("a", call()):
        waiter = Waiter(wait, order, "a1")
        while not places._line:
            pass
    waiter.join(PATIENCE)
    assert order == ["a1"]
    assert "wait" in trace.phases
    assert places._free == 1


def test_fast_calls_know_of_no_wait() -> None:
    """A call that gets its place at once has no time of waiting."""
    places, trace = Places(1, PATIENCE), call()
    with places.place("a", trace), places.work(trace, is_begun=False), places.rest(trace):
        pass
    assert trace.phases == {}


def test_waiting_is_bounded() -> None:
    """As many wait as there are places; one more of the same client is sent away at once, one of another is not."""
    order: list[str] = []
    places = Places(1, PATIENCE, clients=2)

    def waits(client: str) -> Callable[[], None]:
        def wait() -> None:
            with places.place(client, call()):
                pass

        return wait

    with places.place("a", call()):
        first = Waiter(waits("a"), order, "a1")
        while not places._line:
            pass
        second = Waiter(waits("a"), order, "a2")
        second.join(PATIENCE)
        assert order == ["a2 sent away"]
    first.join(PATIENCE)
    assert order == ["a2 sent away", "a1"]


def test_turns_at_work_come_in_order() -> None:
    """Two compute at once; who waits longest is next, and one that was not begun is sent away in time."""
    places, late = Places(8, NONE), call()
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(places.work(call(), is_begun=False))
        with pytest.raises(OverloadedError), places.work(late, is_begun=False):
            pass
    assert late.shed == "advice"
    with places.work(call(), is_begun=False):
        pass


def test_resting_lets_others_work() -> None:
    """Who waits for something else leaves the processor to others, and what is begun gets it back."""
    places = Places(8, NONE)
    with ExitStack() as stack:
        stack.enter_context(places.work(call(), is_begun=False))
        with places.work(call(), is_begun=False), places.rest(call()), places.work(call(), is_begun=False):
            pass


def test_thread_tells_once_that_it_has_read() -> None:
    """Whoever takes a place lets another request be read, once for each request."""
    told: list[int] = []
    places = Places(2, NONE)
    when_read(lambda: told.append(1))
    with places.place("a", call()), places.place("a", call()):
        pass
    assert told == [1]
    when_read(None)
