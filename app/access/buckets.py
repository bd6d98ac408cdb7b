"""How often somebody may do something: a token bucket for each caller."""

from datetime import timedelta

from throttled.asyncio import MemoryStore, RateLimiterType, Throttled, per_duration
from throttled.asyncio.store import BaseStore
from throttled.exceptions import StoreUnavailableError

from app.access.shared import SharedStore
from app.cache.breaker import Unavailable

MAX_CALLERS = 50_000
"""So many buckets are kept in memory, in some 20 MB; the one that was unused longest goes first."""

ROUNDING_S = 1.0


class Buckets:
    """Each caller's bucket holds so many, and one comes back every so often.

    Replicas share them through Redis; each counts by itself as well, and alone while that does not
    answer.
    """

    def __init__(
        self, name: str, burst: int, per: timedelta, limit: int, shared: SharedStore | None
    ) -> None:
        """Make the buckets; all are full.

        Args:
            name: What is counted, in Redis.
            burst: What a bucket holds.
            per: In so much time, whole seconds of it, `limit` come back, evenly.
            limit: See `per`.
            shared: Where replicas count together.
        """

        def buckets(store: BaseStore) -> Throttled:
            # GCRA is the token bucket by another count: one time stamp a caller, of any fineness.
            # The library's own `token_bucket` goes by whole seconds of the wall clock, so that none
            # fills for a while after that was set back.
            return Throttled(
                using=RateLimiterType.GCRA.value,
                quota=per_duration(per, limit, burst),
                store=store,
                key_prefix=f"taggram-{name}",
            )

        self._alone = buckets(MemoryStore(options={"MAX_SIZE": MAX_CALLERS}))
        self._together = buckets(shared) if shared else None
        self._breaker = shared.breaker if shared else None
        self._longest_wait_s = per.total_seconds() / limit + ROUNDING_S

    async def take(self, caller: str) -> float:
        """Take one out of a caller's bucket; 0.0, or the seconds until it holds one again.

        What this replica counted by itself holds whatever Redis says: who deletes the count there
        gets a caller no more than one bucket a replica.
        """
        wait_s = await _take(self._alone, caller)
        if wait_s or not (self._together and self._breaker):
            return wait_s
        try:
            async with self._breaker.guarded():
                wait_s = await _take(self._together, caller)
        except (Unavailable, StoreUnavailableError):
            return 0.0
        # A Redis that is down or full, lies, or whose clock was set back costs exactness, and no
        # caller anything.
        return wait_s if wait_s <= self._longest_wait_s else 0.0


async def _take(buckets: Throttled, caller: str) -> float:
    result = await buckets.limit(caller)
    return float(result.state.retry_after) if result.limited else 0.0
