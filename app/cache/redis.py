"""Taggrams that replicas share in Redis; with `redis_stamps`, the only import of `redis`.

Redis is not trusted. Calls have a short timeout, and are skipped while Redis is known to be down.
Values that are too long are not read, and values without a valid signature are ignored. Without
Redis, scores are computed again, and the failure is counted.
"""

import logging
from collections.abc import Mapping, Sequence

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from app.cache.breaker import Breaker, Unavailable
from app.cache.codec import pack, unpack
from app.cache.redis_stamps import RedisStamps
from app.cache.signer import Signer
from app.domain import Taggram, TaggramKey
from app.errors import SetupError
from app.masking import remember
from app.metrics import Metrics

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 32

MAX_BYTES_PER_S = 2_000
"""The most bytes of a taggram a second: 500 scores, ten times those of the published models."""

MAX_EXTRA_BYTES = 12_000
"""Bytes of the signature, the header, the peaks, and the windows of the shortest track."""

FORMAT = "taggram:5"
"""Part of each key. A new format gets a new name, so that old values are not read."""


class NoTaggram(ValueError):  # noqa: N818 - the name appears in the log
    """The value is too long for a taggram, or has another type."""


class RedisCache:
    """Stores taggrams in Redis, with a time to live.

    Attributes:
        breaker: Guards all calls to this Redis.
    """

    def __init__(
        self,
        url: str,
        signer: Signer,
        metrics: Metrics,
        *,
        timeout_s: float,
        ttl_s: int,
        max_duration_s: float,
    ) -> None:
        """Prepare the connections, which are opened on first use.

        Args:
            url: The address, as `redis://host:6379/0`.
            signer: Signs the stored values.
            metrics: Where failures are counted.
            timeout_s: The longest wait for a connection and an answer together.
            ttl_s: How long a taggram is stored, in seconds.
            max_duration_s: The duration of the longest accepted track.

        Raises:
            SetupError: The URL is not a valid address of a Redis.
        """
        remember(url)
        try:
            # The breaker limits every wait, so that the client neither retries nor has a timeout:
            # its default of 5 s can hide the breaker's on Python 3.11. With protocol 3 the client
            # reads push messages, and does not notice that an idle connection was closed.
            pool = BlockingConnectionPool.from_url(
                url,
                max_connections=MAX_CONNECTIONS,
                retry=Retry(NoBackoff(), 0),
                protocol=2,
                socket_timeout=None,
            )
        except ValueError as error:  # which may hold a part of the password
            raise SetupError(
                "TAGGRAM_REDIS_URL is not a valid address of a Redis; write it as "
                "redis://host:6379/0 or redis://user:password@host:6379/0, with the password "
                "percent-encoded"
            ) from error
        self._redis = Redis.from_pool(pool)
        self.breaker = Breaker("Redis", self._probe, ResponseError, timeout_s, metrics.cache_down)
        self._signer = signer
        self._metrics = metrics
        self._ttl_s = ttl_s
        self._max_bytes = MAX_EXTRA_BYTES + round(max_duration_s * MAX_BYTES_PER_S)

    def stamps(self, signer: Signer) -> RedisStamps:
        """Return time stamps on the same connections, signed with another key."""
        return RedisStamps(self._redis, self.breaker, signer)

    async def get(self, keys: Sequence[TaggramKey]) -> Mapping[TaggramKey, Taggram]:
        """See `TaggramCache`; one round trip."""
        try:
            values = await self._read([_name(key) for key in keys])
        except (Unavailable, RedisError) as error:
            self._count_failure("get", error)
            return {}
        found = {key: self._decoded(key, value) for key, value in zip(keys, values, strict=True)}
        return {key: taggram for key, taggram in found.items() if taggram is not None}

    async def put(self, taggram: Taggram) -> None:
        """See `TaggramCache`."""
        name = _name(taggram.key)
        try:
            data = self._checked(self._signer.sign(name, pack(taggram)))
            async with self.breaker.guarded():
                await self._redis.set(name, data, ex=self._ttl_s)
        except (Unavailable, RedisError, NoTaggram) as error:
            self._count_failure("put", error)

    async def close(self) -> None:
        """See `TaggramCache`."""
        await self.breaker.close()
        await self._redis.aclose()

    async def _read(self, names: Sequence[str]) -> Sequence[object]:
        """Return a value or an error for each name; the value of a missing name is empty.

        At most one byte more than allowed is read of each value.

        Raises:
            Unavailable: Redis is down.
            RedisError: Redis denies access.
        """
        async with self.breaker.guarded(), self._redis.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.getrange(name, 0, self._max_bytes)
            return await pipeline.execute(raise_on_error=False)

    async def _probe(self) -> None:
        await self._redis.getrange(FORMAT, 0, 0)

    def _decoded(self, key: TaggramKey, value: object) -> Taggram | None:
        if value == b"":
            return None
        try:
            return unpack(key, self._signer.verify(_name(key), self._checked(value)))
        except (ResponseError, ValueError) as error:
            self._count_failure("get", error)
            return None

    def _checked(self, data: object) -> bytes:
        if isinstance(data, ResponseError):
            raise data
        if not isinstance(data, bytes) or len(data) > self._max_bytes:
            raise NoTaggram
        return data

    def _count_failure(self, operation: str, error: Exception) -> None:
        self._metrics.cache_failure(operation)
        if not isinstance(error, Unavailable):  # which the breaker logs once
            log.warning("cache %s failed: %s", operation, type(error).__name__)


def _name(key: TaggramKey) -> str:
    return f"{FORMAT}:{key.model}:{key.precision}:{key.track_id}"
