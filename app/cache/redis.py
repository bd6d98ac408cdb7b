"""Taggrams and time stamps that replicas share in Redis; the only import of `redis`.

Redis is not trusted. Calls have a short timeout, and are skipped while Redis is known to be down.
Values that are too long are not read, and values without a valid signature are ignored. Without
Redis, scores are computed again, and the failure is counted.
"""

import logging
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from app.cache.breaker import Breaker, Unavailable
from app.cache.codec import pack, unpack
from app.cache.signer import SIGNATURE_BYTES, BadSignature, Signer
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

FORMAT = "taggram:4"
"""Part of each key. A new format gets a new name, so that old values are not read."""


STAMP = struct.Struct("<d")
STAMP_BYTES = SIGNATURE_BYTES + STAMP.size

MOVE = f"""
if redis.call("GETRANGE", KEYS[1], 0, {STAMP_BYTES}) ~= ARGV[1] then
    return 0
end
redis.call("SET", KEYS[1], ARGV[2], "EX", ARGV[3])
return 1
"""
"""Compares and sets in one step, so that only one of several concurrent moves succeeds."""


class Refused(Exception):  # noqa: N818 - the answer, not a mistake
    """Redis answered, but refused the command."""


@dataclass(frozen=True)
class Stamp:
    """A time stamp as it was read from Redis.

    Attributes:
        now_s: The current time of Redis, which is the same for all replicas.
        value_s: The time stamp; None if there is none with a valid signature.
        data: The stored bytes.
    """

    now_s: float
    value_s: float | None
    data: bytes


class RedisStamps:
    """Signed time stamps that replicas update together."""

    def __init__(self, redis: Redis, breaker: Breaker, signer: Signer) -> None:
        self._redis = redis
        self._breaker = breaker
        self._signer = signer

    async def read(self, name: str) -> Stamp:
        """Return the stamp of a name, and the current time.

        Raises:
            Unavailable: Redis is down.
            Refused: The value has another type, or Redis denies access.
        """
        with _refusals():
            async with self._breaker.guarded(), self._redis.pipeline(transaction=False) as pipeline:
                pipeline.getrange(name, 0, STAMP_BYTES)
                pipeline.time()
                data, (seconds, microseconds) = await pipeline.execute()
        return Stamp(seconds + microseconds / 1e6, self._verified(name, data), data)

    async def move(self, name: str, old: Stamp, value_s: float) -> bool:
        """Replace a stamp that was read; return False if it has changed since.

        Args:
            name: The name of the stamp.
            old: The stamp as it was read.
            value_s: The new value.

        Raises:
            Unavailable: Redis is down.
            Refused: Redis is full, or denies access.
        """
        data = self._signer.sign(name, STAMP.pack(value_s))
        lasts_s = max(1, math.ceil(value_s - old.now_s))
        with _refusals():
            async with self._breaker.guarded():
                return bool(await self._redis.eval(MOVE, 1, name, old.data, data, lasts_s))

    def _verified(self, name: str, data: bytes) -> float | None:
        if len(data) != STAMP_BYTES:
            return None
        try:
            value_s: float = STAMP.unpack(self._signer.verify(name, data))[0]
        except BadSignature:
            return None
        return value_s


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        raise Refused from error


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
