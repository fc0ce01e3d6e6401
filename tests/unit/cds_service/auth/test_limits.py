"""The limit on a client's calls."""

from __future__ import annotations

import pytest

from cds_service.auth.limits import CallLimits
from cds_service.protocol.errors import TooManyCallsError


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        """Begin somewhere."""
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_calls_beyond_the_limit_wait() -> None:
    """After a minute's worth of calls the next is refused, and told when to come again."""
    clock = Clock()
    limits = CallLimits(clock)
    for _ in range(6):
        limits.take("a", 6)
    with pytest.raises(TooManyCallsError) as refused:
        limits.take("a", 6)
    assert refused.value.headers["Retry-After"] == "10"
    clock.now += 10
    limits.take("a", 6)


def test_clients_do_not_use_up_each_others_calls() -> None:
    """Each client has a bucket of its own; one without a limit is never refused."""
    limits = CallLimits(Clock())
    limits.take("a", 1)
    limits.take("b", 1)
    for _ in range(100):
        limits.take("c", None)
    with pytest.raises(TooManyCallsError):
        limits.take("a", 1)


def test_workers_share_a_limit() -> None:
    """Of two workers each lets half of the calls pass, and a tiny limit still lets one."""
    limits = CallLimits(Clock(), shares=2)
    for _ in range(5):
        limits.take("a", 10)
    with pytest.raises(TooManyCallsError):
        limits.take("a", 10)
    limits.take("b", 1)
