"""Taggrams in Redis, shared by replicas: the only import of `redis`.

The client's defaults would hold a request for a minute behind a stopped server, so time-outs are
short and nothing is retried: without Redis an answer is computed anew, and counted.
"""

import logging

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.cache.codec import pack, unpack
from app.domain import Taggram, TaggramKey
from app.errors import SetupError
from app.metrics import Metrics

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 32

FORMAT = "taggram:1"
"""Part of each key: a new format of the values finds none of the old."""


class RedisCache:
    """Keeps taggrams in Redis for a time."""

    def __init__(self, url: str, timeout_s: float, ttl_s: int, metrics: Metrics) -> None:
        """Connect at the first use; where all connections are taken, wait as for an answer.

        Args:
            url: As `redis://host:6379/0`.
            timeout_s: The longest wait for a connection, and for an answer.
            ttl_s: How long a taggram is kept.
            metrics: Where failures are counted.

        Raises:
            SetupError: That is no address of a Redis.
        """
        try:
            pool = BlockingConnectionPool.from_url(
                url,
                max_connections=MAX_CONNECTIONS,
                timeout=timeout_s,
                socket_timeout=timeout_s,
                socket_connect_timeout=timeout_s,
                retry=Retry(NoBackoff(), 0),
            )
        except ValueError as error:
            raise SetupError(f"TAGGRAM_REDIS_URL is no address of a Redis: {error}") from error
        self._redis = Redis.from_pool(pool)
        self._ttl_s = ttl_s
        self._metrics = metrics

    async def get(self, key: TaggramKey) -> Taggram | None:
        """See `TaggramCache`."""
        try:
            data = await self._redis.get(_name(key))
            return unpack(key, data) if isinstance(data, bytes) else None
        except (RedisError, OSError, ValueError) as error:
            self._failed("get", error)
            return None

    async def put(self, taggram: Taggram) -> None:
        """See `TaggramCache`."""
        try:
            await self._redis.set(_name(taggram.key), pack(taggram), ex=self._ttl_s)
        except (RedisError, OSError) as error:
            self._failed("put", error)

    async def close(self) -> None:
        """See `TaggramCache`."""
        await self._redis.aclose()

    def _failed(self, operation: str, error: Exception) -> None:
        self._metrics.cache_failure(operation)
        log.warning("cache %s failed: %s", operation, type(error).__name__)


def _name(key: TaggramKey) -> str:
    return f"{FORMAT}:{key.model}:{key.track_id}"
