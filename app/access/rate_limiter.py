"""How often somebody may do something: a token bucket for each caller."""

import asyncio
from datetime import timedelta
from weakref import WeakValueDictionary

from throttled.asyncio import MemoryStore, RateLimiterType, Throttled, per_duration

from app.cache.breaker import Unavailable
from app.cache.redis import RedisStamps, Refused

MAX_CALLERS = 50_000
"""So many buckets are kept in memory, in some 20 MB; the one that was unused longest goes first."""

ROUNDING_S = 1.0

TRIES = 16
"""As many replicas may count a caller at the same moment."""


class RateLimiter:
    """Each caller's bucket holds so many, and one comes back every so often.

    Replicas share them through Redis; each counts by itself as well, and alone while that does not
    answer.
    """

    def __init__(
        self, name: str, burst: int, per: timedelta, limit: int, shared: RedisStamps | None
    ) -> None:
        """Make the buckets; all are full.

        Args:
            name: What is counted, in Redis.
            burst: What a bucket holds.
            per: In so much time, whole seconds of it, `limit` come back, evenly.
            limit: See `per`.
            shared: Where replicas count together.
        """
        # GCRA is the token bucket by another count: one time stamp a caller, of any fineness. The
        # library's own `token_bucket` goes by whole seconds of the wall clock, so that none fills
        # for a while after that was set back. Its Redis is not asked: that signs nothing.
        self._alone = Throttled(
            using=RateLimiterType.GCRA.value,
            quota=per_duration(per, limit, burst),
            store=MemoryStore(options={"MAX_SIZE": MAX_CALLERS}),
            key_prefix=f"taggram-{name}",
        )
        self._name = name
        self._shared = shared
        self._interval_s = per.total_seconds() / limit
        self._burst_s = (burst - 1) * self._interval_s
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def take(self, caller: str) -> float:
        """Take one out of a caller's bucket; 0.0, or the seconds until it holds one again.

        What this replica counted by itself holds whatever Redis says: who deletes the count there
        gets a caller no more than one bucket a replica.
        """
        result = await self._alone.limit(caller)
        if result.limited:
            return float(result.state.retry_after)
        if self._shared is None:
            return 0.0
        turn = self._turns.setdefault(caller, asyncio.Lock())
        try:
            async with turn:  # else our own calls would get in each other's way
                wait_s = await self._take_together(self._shared, caller)
        except (Unavailable, Refused):
            return 0.0
        # A Redis that is down or full, lies, or whose clock was set back costs exactness, and no
        # caller anything.
        return wait_s if wait_s <= self._interval_s + ROUNDING_S else 0.0

    async def _take_together(self, shared: RedisStamps, caller: str) -> float:
        """The same for all replicas: the stamp is when the bucket will be full again."""
        name = f"taggram-{self._name}:v2:{caller}"
        for _ in range(TRIES):
            stamp = await shared.read(name)
            full_s = max(stamp.now_s, stamp.value_s or 0.0)
            wait_s = full_s - self._burst_s - stamp.now_s
            if wait_s > 0:
                return wait_s
            if await shared.move(name, stamp, full_s + self._interval_s):
                break
        return 0.0
