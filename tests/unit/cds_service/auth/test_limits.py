"""The limit on a client's calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import time_machine

from cds_service.auth.limits import call_limits
from cds_service.auth.replay.redis import connect_redis
from cds_service.protocol.errors import TooManyCallsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = 1_780_000_000


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that is moved by hand."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def test_calls_beyond_the_limit_wait(clock: time_machine.Traveller) -> None:
    """No more calls pass in any minute than were agreed; the next is refused, and told when to come again."""
    limits = call_limits(None, workers=1)
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
    limits = call_limits(None, workers=1)
    limits.take("a", 1)
    limits.take("b", 1)
    for _ in range(100):
        limits.take("c", None)
    with pytest.raises(TooManyCallsError):
        limits.take("a", 1)


def test_workers_part_a_limit(clock: time_machine.Traveller) -> None:
    """Of two workers that count alone each lets half of the calls pass, and a tiny limit still lets one."""
    limits = call_limits(None, workers=2)
    for _ in range(5):
        limits.take("a", 10)
    with pytest.raises(TooManyCallsError):
        limits.take("a", 10)
    limits.take("b", 1)


def test_workers_count_together_in_redis(redis_socket: Path) -> None:
    """Where Redis is, the whole limit may be used by any worker, and by all together only once."""
    with connect_redis(f"unix://{redis_socket}") as one, connect_redis(f"unix://{redis_socket}") as other:
        first, second = call_limits(one, workers=2), call_limits(other, workers=2)
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
        limits = call_limits(redis, workers=2)
        for _ in range(3):
            limits.take("a", 6)
        with pytest.raises(TooManyCallsError):
            limits.take("a", 6)
