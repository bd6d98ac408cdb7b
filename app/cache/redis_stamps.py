"""Signed time stamps that replicas share in Redis, which is not trusted."""

import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.cache.breaker import Breaker
from app.cache.signer import SIGNATURE_BYTES, BadSignature, Signer

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
        """Use the connections of another object, which closes them.

        Args:
            redis: The connections.
            breaker: Guards all calls to this Redis.
            signer: Signs the time stamps.
        """
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
