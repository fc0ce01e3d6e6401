"""How many hook calls a client may make in a minute."""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis

from cds_service.auth.counts import Counts
from cds_service.protocol.errors import TooManyCallsError


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Counts the calls of each client."""

    counts: Counts

    def take(self, client: str, per_minute: int | None) -> None:
        """Count one call of a client; TooManyCallsError (429) when its minute is used up."""
        if per_minute is not None and (wait := self.counts.take(client, per_minute)):
            raise TooManyCallsError(wait)


def call_limits(redis: Redis | None, workers: int) -> CallLimits:
    """Return limits that all workers share in Redis, or part among them."""
    return CallLimits(Counts(redis, workers))
