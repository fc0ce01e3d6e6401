"""Counting what may happen only so often in a minute, with the library `limits`.

Where Redis is configured all workers of all hosts count together. Where it is not, or while it does not answer, each
worker counts in its own memory: a limit must neither cost a call its answer nor end with an outage of Redis.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter, RateLimiter

if TYPE_CHECKING:
    from redis import Redis

_PREFIX: Final = "lumbar-cds:count"
_REST: Final = 10.0  # seconds that Redis is not asked after it did not answer

Found = TypeVar("Found")


class Counts:
    """Counts by name within the last minute, exactly; safe to use from many threads, and made before workers fork."""

    def __init__(self, redis: Redis | None = None, workers: int = 1) -> None:
        """Take Redis where there is one, and among how many workers a limit is parted where each counts alone."""
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._shared = MovingWindowRateLimiter(_storage(redis)) if redis is not None else None
        self._workers = workers
        self._asked_from = -math.inf

    def take(self, name: str, most: int) -> int:
        """Count one and return 0, or count nothing and return in how many seconds there is room again."""
        return self._counted(partial(_take, name, most))

    def wait(self, name: str, most: int) -> int:
        """Return in how many seconds there is room for one more, 0 for at once; count nothing."""
        return self._counted(partial(_wait, name, most))

    def _counted(self, count: Callable[[RateLimiter, int], Found]) -> Found:
        if self._shared is not None and time.monotonic() >= self._asked_from:
            try:
                return count(self._shared, 1)
            except StorageError:
                self._asked_from = time.monotonic() + _REST
        return count(self._own, self._workers)


def _storage(redis: Redis) -> RedisStorage:
    """Return a storage on the connections of a client, with its short time-outs; it connects on first use."""
    pool = redis.connection_pool
    return RedisStorage("redis://", connection_pool=pool, key_prefix=_PREFIX, wrap_exceptions=True)


def _take(name: str, most: int, limiter: RateLimiter, shares: int) -> int:
    item = RateLimitItemPerMinute(max(1, most // shares))
    return 0 if limiter.hit(item, name) else _left(limiter, item, name)


def _wait(name: str, most: int, limiter: RateLimiter, shares: int) -> int:
    item = RateLimitItemPerMinute(max(1, most // shares))
    return 0 if limiter.test(item, name) else _left(limiter, item, name)


def _left(limiter: RateLimiter, item: RateLimitItemPerMinute, name: str) -> int:
    return max(1, math.ceil(limiter.get_window_stats(item, name).reset_time - time.time()))
