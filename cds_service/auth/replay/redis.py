"""Used tokens in Redis, for a service that runs on several hosts.

Redis must not evict keys under memory pressure (`maxmemory-policy noeviction`, its default): an evicted token could be
used again. One that was restarted without what it held has no `used-tokens-since` any more, and so counts as made anew.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
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
_MADE: Final = "lumbar-cds:used-tokens-since"  # whole seconds since 1970
_PATIENCE: Final = 0.25  # seconds, for the connection and for the answer


class RedisReplayStore:
    """Remembers in Redis, by one atomic command a token."""

    def __init__(self, redis: Redis, clock: Callable[[], datetime]) -> None:
        """Take a client with short time-outs, as `connect_redis` makes it."""
        self._redis = redis
        self._clock = clock

    def begin(self) -> None:
        """Say since when tokens are remembered, where Redis answers and does not know it.

        Left to the first call, that would be refused: its token was issued a moment before.
        """
        with suppress(RedisError, OSError):
            self._redis.set(_MADE, int(self._clock().timestamp()), nx=True)
        self._redis.close()  # the workers open connections of their own

    def first_use(self, issuer: str, jti: str, until: datetime, issued: datetime | None = None) -> bool:
        """Remember a token and return whether it is new; ReplayUnavailableError when Redis does not answer."""
        now = self._clock()
        left = max(1, int((until - now).total_seconds() * 1000) + 1)
        commands = self._redis.pipeline(transaction=False)
        commands.set(_MADE, int(now.timestamp()), nx=True)
        commands.get(_MADE)
        commands.set(_key(issuer, jti), b"", nx=True, px=left)
        try:
            _, made, is_new = commands.execute()
            return bool(is_new) and (issued is None or issued.timestamp() >= int(made))
        except (RedisError, OSError, TypeError, ValueError) as error:  # the last two: somebody else's value
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
