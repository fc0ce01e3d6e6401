"""How many hook calls a client may make: a bucket of tokens each, refilled steadily.

The buckets are those of one process. A service with several workers gives each an equal share of the limit, because
connections are spread evenly between them.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from cds_service.protocol.errors import TooManyCallsError


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled: float


@dataclass(slots=True)
class CallLimits:
    """Counts the calls of each client; `clock` is monotonic, in seconds."""

    clock: Callable[[], float]
    shares: int = 1
    _buckets: dict[str, _Bucket] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, client: str, per_minute: int | None) -> None:
        """Count one call of a client; TooManyCallsError (429) when its minute is used up."""
        if per_minute is None:
            return
        most = max(1.0, per_minute / self.shares)
        rate = most / 60
        with self._lock:
            moment = self.clock()
            bucket = self._buckets.setdefault(client, _Bucket(most, moment))
            bucket.tokens = min(most, bucket.tokens + (moment - bucket.filled) * rate)
            bucket.filled = moment
            if bucket.tokens >= 1:
                bucket.tokens -= 1
                return
            wait = math.ceil((1 - bucket.tokens) / rate)
        raise TooManyCallsError(wait)
