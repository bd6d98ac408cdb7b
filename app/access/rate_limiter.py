"""Limits the rate of calls with a token bucket for each caller."""

import asyncio
from datetime import timedelta
from weakref import WeakValueDictionary

from throttled.asyncio import MemoryStore, RateLimiterType, Throttled, per_duration

from app.cache.breaker import Unavailable
from app.cache.redis_stamps import RedisStamps, Refused

MAX_CALLERS = 50_000
"""The most buckets in memory, about 20 MB; the least recently used one is evicted first."""

ROUNDING_S = 1.0

TRIES = 16
"""The most replicas that may count the same caller at the same moment."""

SECOND_ATTEMPT_S = 120.0
"""How long the second attempt at a call is recognised: longer than a proxy waits for an answer."""


class RateLimiter:
    """A token bucket for each caller, which refills at a constant rate.

    Replicas share the buckets through Redis. Each replica also counts by itself, and only so while
    Redis does not answer.
    """

    def __init__(
        self, name: str, burst: int, per: timedelta, limit: int, shared: RedisStamps | None
    ) -> None:
        """Create the limiter; all buckets are full.

        Args:
            name: The name of what is counted, for Redis.
            burst: The capacity of a bucket.
            per: The period in which `limit` tokens are refilled, evenly; whole seconds.
            limit: The number of tokens refilled in each period.
            shared: Where replicas count together.
        """
        # GCRA (generic cell rate algorithm) is equivalent to a token bucket, and stores one time
        # stamp a caller. The library's `token_bucket` uses whole seconds of the wall clock, so that
        # no bucket refills for a while after the clock is set back. The library's Redis store is
        # not used, as it signs nothing.
        self._local = Throttled(
            using=RateLimiterType.GCRA.value,
            quota=per_duration(per, limit, burst),
            store=MemoryStore(options={"MAX_SIZE": MAX_CALLERS}),
            key_prefix=f"taggram-{name}",
        )
        self._name = name
        self._shared = shared
        self._interval_s = per.total_seconds() / limit
        self._burst_s = (burst - 1) * self._interval_s
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def take(self, caller: str, call_id: str | None = None) -> float:
        """Take one token of a caller's bucket.

        The count of this replica applies whatever Redis answers: deleting the count in Redis gives
        a caller at most one bucket a replica.

        Args:
            caller: The caller.
            call_id: The id of a call that a proxy sends to another replica if this one does not
                answer: then the second attempt takes no token of the common bucket. A third one
                does, so that a client that can choose the id has at most twice the calls.

        Returns:
            0.0, or the seconds until the bucket holds a token again.
        """
        result = await self._local.limit(caller)
        if result.limited:
            return float(result.state.retry_after)
        if self._shared is None:
            return 0.0
        lock = self._locks.setdefault(caller, asyncio.Lock())
        try:
            async with lock:  # otherwise calls of this process would conflict with each other
                wait_s = await self._take_shared(self._shared, caller, call_id)
        except (Unavailable, Refused):
            return 0.0
        # If Redis is down or full, returns wrong values, or its clock was set back, the count is
        # less exact, but no caller is refused.
        return wait_s if wait_s <= self._interval_s + ROUNDING_S else 0.0

    async def _take_shared(self, shared: RedisStamps, caller: str, call_id: str | None) -> float:
        """Take a token of the replicas' common bucket, unless this is a second attempt."""
        name = f"taggram-{self._name}:v2:{caller}"
        if call_id is None:
            return await self._take_token(shared, name)
        call = f"{name}:{call_id}"
        if await self._flip(shared, call):
            return 0.0
        wait_s = await self._take_token(shared, name)
        if wait_s:
            await self._flip(shared, call)  # an attempt that is refused has no second one
        return wait_s

    async def _take_token(self, shared: RedisStamps, name: str) -> float:
        """Take a token: the stamp is when the bucket will be full again."""
        for _ in range(TRIES):
            stamp = await shared.read(name)
            full_s = max(stamp.now_s, stamp.value_s or 0.0)
            wait_s = full_s - self._burst_s - stamp.now_s
            if wait_s > 0:
                return wait_s
            if await shared.move(name, stamp, full_s + self._interval_s):
                break
        return 0.0

    async def _flip(self, shared: RedisStamps, call: str) -> bool:
        """Expect a second attempt at a call, or end that; return whether it was expected.

        The stamp is the time until which it is expected. It is set before the token is taken: a
        replica that dies in between costs no token.
        """
        for _ in range(TRIES):
            stamp = await shared.read(call)
            was_expected = stamp.now_s < (stamp.value_s or 0.0)
            until_s = stamp.now_s + (0.0 if was_expected else SECOND_ATTEMPT_S)
            if await shared.move(call, stamp, until_s):
                return was_expected
        return False
