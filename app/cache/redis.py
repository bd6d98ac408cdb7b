"""What replicas share in Redis, taggrams and time stamps: the only import of `redis`.

Nothing that Redis does or says is trusted: who waits for it waits briefly and only until one found
it down, what is too long is not read, what is not signed is not believed. Without Redis an answer
is computed anew, and counted.
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
"""A taggram's longest second: 500 scores, ten times those of the published models."""

MAX_EXTRA_BYTES = 12_000
"""Signature, header, peaks, and the windows that even the shortest track has."""

FORMAT = "taggram:4"
"""Part of each key: a new format of the values finds none of the old."""


STAMP = struct.Struct("<d")
STAMP_BYTES = SIGNATURE_BYTES + STAMP.size

MOVE = f"""
if redis.call("GETRANGE", KEYS[1], 0, {STAMP_BYTES}) ~= ARGV[1] then
    return 0
end
redis.call("SET", KEYS[1], ARGV[2], "EX", ARGV[3])
return 1
"""
"""In one step, so that of several who move a stamp at once only one does."""


class Refused(Exception):  # noqa: N818 - the answer, not a mistake
    """Redis answers, but does not do it."""


@dataclass(frozen=True)
class Stamp:
    """A point in time under a name, as it was read.

    Attributes:
        now_s: The time at Redis, which replicas have in common.
        value_s: The point in time; None where there is none that this service signed.
        data: What is there.
    """

    now_s: float
    value_s: float | None
    data: bytes


class RedisStamps:
    """Points in time that replicas move on together, signed."""

    def __init__(self, redis: Redis, breaker: Breaker, signer: Signer) -> None:
        self._redis = redis
        self._breaker = breaker
        self._signer = signer

    async def read(self, name: str) -> Stamp:
        """What is under a name, and what time it is.

        Raises:
            Unavailable: Redis is down.
            Refused: It is of another type, or Redis does not let us in.
        """
        with _refusals():
            async with self._breaker.guarded(), self._redis.pipeline(transaction=False) as asked:
                asked.getrange(name, 0, STAMP_BYTES)
                asked.time()
                data, (seconds, microseconds) = await asked.execute()
        return Stamp(seconds + microseconds / 1e6, self._opened(name, data), data)

    async def move(self, name: str, old: Stamp, value_s: float) -> bool:
        """Put another value in the place of what was read; False where that is there no more.

        Raises:
            Unavailable: Redis is down.
            Refused: It is full, or does not let us in.
        """
        data = self._signer.sign(name, STAMP.pack(value_s))
        lasts_s = max(1, math.ceil(value_s - old.now_s))
        with _refusals():
            async with self._breaker.guarded():
                return bool(await self._redis.eval(MOVE, 1, name, old.data, data, lasts_s))

    def _opened(self, name: str, data: bytes) -> float | None:
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


class NoTaggram(ValueError):  # noqa: N818 - what is wrong, in the log's words
    """None is that long, or of that type."""


class RedisCache:
    """Keeps taggrams in Redis for a time.

    Attributes:
        breaker: Guards all that is asked of this Redis, by whomever.
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
        """Connect at the first use.

        Args:
            url: As `redis://host:6379/0`.
            signer: Signs what is kept.
            metrics: Where failures are counted.
            timeout_s: The longest wait for a connection and an answer, both together.
            ttl_s: How long a taggram is kept.
            max_duration_s: The longest track that there can be.

        Raises:
            SetupError: That is no address of a Redis.
        """
        remember(url)
        try:
            # The breaker bounds every wait; a retry would only spend its time, and a time-out of
            # the client's own, 5 s by default, can swallow the breaker's on Python 3.11. With
            # protocol 3 the client listens for notices, and does not notice that an idle
            # connection was closed.
            pool = BlockingConnectionPool.from_url(
                url,
                max_connections=MAX_CONNECTIONS,
                retry=Retry(NoBackoff(), 0),
                protocol=2,
                socket_timeout=None,
            )
        except ValueError as error:  # which may hold a part of the password
            raise SetupError(
                "TAGGRAM_REDIS_URL is no address of a Redis, as redis://host:6379/0 or "
                "redis://user:password@host:6379/0, the password percent-encoded"
            ) from error
        self._redis = Redis.from_pool(pool)
        self.breaker = Breaker("Redis", self._probe, ResponseError, timeout_s, metrics.cache_down)
        self._signer = signer
        self._metrics = metrics
        self._ttl_s = ttl_s
        self._max_bytes = MAX_EXTRA_BYTES + round(max_duration_s * MAX_BYTES_PER_S)

    def stamps(self, signer: Signer) -> RedisStamps:
        """Points in time on the same connections, signed by another key."""
        return RedisStamps(self._redis, self.breaker, signer)

    async def get(self, keys: Sequence[TaggramKey]) -> Mapping[TaggramKey, Taggram]:
        """See `TaggramCache`; one round trip."""
        try:
            answers = await self._read([_name(key) for key in keys])
        except (Unavailable, RedisError) as error:
            self._failed("get", error)
            return {}
        found = {key: self._opened(key, data) for key, data in zip(keys, answers, strict=True)}
        return {key: taggram for key, taggram in found.items() if taggram is not None}

    async def put(self, taggram: Taggram) -> None:
        """See `TaggramCache`."""
        name = _name(taggram.key)
        try:
            data = self._checked(self._signer.sign(name, pack(taggram)))
            async with self.breaker.guarded():
                await self._redis.set(name, data, ex=self._ttl_s)
        except (Unavailable, RedisError, NoTaggram) as error:
            self._failed("put", error)

    async def close(self) -> None:
        """See `TaggramCache`."""
        await self.breaker.close()
        await self._redis.aclose()

    async def _read(self, names: Sequence[str]) -> Sequence[object]:
        """Values, empty where there is none, or errors; of each a byte more than allowed at most.

        Raises:
            Unavailable: Redis is down.
            RedisError: It does not let us in.
        """
        async with self.breaker.guarded(), self._redis.pipeline(transaction=False) as questions:
            for name in names:
                questions.getrange(name, 0, self._max_bytes)
            return await questions.execute(raise_on_error=False)

    async def _probe(self) -> None:
        await self._redis.getrange(FORMAT, 0, 0)

    def _opened(self, key: TaggramKey, answer: object) -> Taggram | None:
        if answer == b"":
            return None
        try:
            return unpack(key, self._signer.verify(_name(key), self._checked(answer)))
        except (ResponseError, ValueError) as error:
            self._failed("get", error)
            return None

    def _checked(self, data: object) -> bytes:
        if isinstance(data, ResponseError):
            raise data
        if not isinstance(data, bytes) or len(data) > self._max_bytes:
            raise NoTaggram
        return data

    def _failed(self, operation: str, error: Exception) -> None:
        self._metrics.cache_failure(operation)
        if not isinstance(error, Unavailable):  # of that the breaker says once what is to be said
            log.warning("cache %s failed: %s", operation, type(error).__name__)


def _name(key: TaggramKey) -> str:
    return f"{FORMAT}:{key.model}:{key.precision}:{key.track_id}"
