"""The limit on a client's calls."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import time_machine

from cds_service.auth.limits import CallLimits, call_limits
from cds_service.auth.replay.redis import connect_redis
from cds_service.auth.shared_counts import SharedCounts
from cds_service.clients.profile import ClientProfile
from cds_service.protocol.errors import TooManyCallsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Python 3.12 warns of a fork beside other threads; these children only count.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")

NOW = 1_780_000_000


def counting(**limits: int | None) -> CallLimits:
    """Return limits of clients, for a service without Redis."""
    return call_limits(None, 2, [ClientProfile(name, calls_per_minute=most) for name, most in limits.items()])


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that is moved by hand."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def test_calls_beyond_the_limit_wait(clock: time_machine.Traveller) -> None:
    """No more calls pass in any minute than were agreed; the next is refused, and told when to come again."""
    limits = CallLimits(SharedCounts({"a": 6}, time.time))
    limits.take("a", 6)
    clock.shift(50)
    for _ in range(5):
        limits.take("a", 6)
    with pytest.raises(TooManyCallsError) as refused:
        limits.take("a", 6)
    assert refused.value.headers["Retry-After"] == "10"
    clock.shift(10.1)
    limits.take("a", 6)
    with pytest.raises(TooManyCallsError) as refused:
        limits.take("a", 6)
    assert refused.value.headers["Retry-After"] == "50"


def test_clients_do_not_use_up_each_others_calls(clock: time_machine.Traveller) -> None:
    """Each client is counted for itself; one without a limit is never refused."""
    limits = counting(a=1, b=1, c=None)
    limits.take("a", 1)
    limits.take("b", 1)
    for _ in range(100):
        limits.take("c", None)
    with pytest.raises(TooManyCallsError):
        limits.take("a", 1)


def test_workers_count_together_in_memory() -> None:
    """Without Redis the whole limit may be used by any worker, and by all together only once."""
    limits = counting(a=60)
    pids = []
    for _ in range(3):
        pid = os.fork()
        if not pid:
            os._exit(_taken(limits, 40))
        pids.append(pid)
    passed = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    assert sum(passed) == 60
    assert _taken(limits, 1) == 0


def test_worker_that_dies_holds_nobody_up() -> None:
    """A worker that is killed while it counts leaves the others counting."""
    limits = counting(a=2)
    pid = os.fork()
    if not pid:
        assert isinstance(limits.counts, SharedCounts)
        with limits.counts._locked():
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    assert _taken(limits, 3) == 2


def _taken(limits: CallLimits, tries: int) -> int:
    """Return how many of some calls pass."""
    passed = 0
    for _ in range(tries):
        with suppress(TooManyCallsError):
            limits.take("a", 60)
            passed += 1
    return passed


def test_workers_count_together_in_redis(redis_socket: Path) -> None:
    """Where Redis is, the whole limit may be used by any worker, and by all together only once."""
    with connect_redis(f"unix://{redis_socket}") as one, connect_redis(f"unix://{redis_socket}") as other:
        first, second = call_limits(one, 2, []), call_limits(other, 2, [])
        for _ in range(3):
            first.take("together", 6)
            second.take("together", 6)
        for limits in first, second:
            with pytest.raises(TooManyCallsError) as refused:
                limits.take("together", 6)
            assert 0 < int(refused.value.headers["Retry-After"]) <= 60


def test_outage_of_redis_parts_the_limit(tmp_path: Path, clock: time_machine.Traveller) -> None:
    """While Redis does not answer, calls are answered, and a worker lets its own share pass."""
    with connect_redis(f"unix://{tmp_path}/nothing.sock") as redis:
        limits = call_limits(redis, 2, [])
        for _ in range(3):
            limits.take("a", 6)
        with pytest.raises(TooManyCallsError):
            limits.take("a", 6)
