"""Used tokens in Redis, for a service that runs on several hosts.

Redis must not evict keys under memory pressure (`maxmemory-policy noeviction`, its default): an evicted token could be
used again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry

from cds_service.auth.replay.store import ReplayUnavailableError, token_digest
from cds_service.protocol.errors import SettingsError

_PREFIX: Final = "lumbar-cds:used-token:"
_PATIENCE: Final = 0.25  # seconds, for the connection and for the answer


class RedisReplayStore:
    """Remembers in Redis, by one atomic command a token."""

    def __init__(self, redis: Redis, clock: Callable[[], datetime]) -> None:
        """Take a client with short time-outs, as `connect_redis` makes it."""
        self._redis = redis
        self._clock = clock

    def first_use(self, issuer: str, jti: str, until: datetime) -> bool:
        """Remember a token and return whether it is new; ReplayUnavailableError when Redis does not answer."""
        key = _key(issuer, jti)
        left = max(1, int((until - self._clock()).total_seconds() * 1000) + 1)
        try:
            return self._redis.set(key, b"", nx=True, px=left) is not None
        except (RedisError, OSError) as error:
            raise ReplayUnavailableError from error

    def was_used(self, issuer: str, jti: str) -> bool:
        """Return whether a token is remembered; ReplayUnavailableError when Redis does not answer."""
        try:
            return bool(self._redis.exists(_key(issuer, jti)))
        except (RedisError, OSError) as error:
            raise ReplayUnavailableError from error

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()


def _key(issuer: str, jti: str) -> str:
    return _PREFIX + token_digest(issuer, jti).hex()


def connect_redis(url: str) -> Redis:
    """Return a client for `redis://`, `rediss://` or `unix://`, which connects on first use; SettingsError for others.

    It tries once more after a connection that has gone stale. It does not after a time-out: the first attempt may have
    been carried out, and the second would then look like a replay.
    """
    client = _client(url)
    if client is None:  # raised out here, the error has no context: what the library says quotes the address
        raise SettingsError(["LUMBAR_CDS_REDIS_URL: this is no address of a Redis server"])
    return client


def _client(url: str) -> Redis | None:
    """Return a client whose options are known to be ones; None when the address holds something else."""
    try:
        client: Redis = Redis.from_url(
            url,
            socket_timeout=_PATIENCE,
            socket_connect_timeout=_PATIENCE,
            retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        )
        pool = client.connection_pool
        pool.connection_class(**pool.connection_kwargs)  # does not connect yet
    except (ValueError, TypeError):  # the second is for an option that does not exist
        return None
    return client
