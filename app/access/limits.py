"""Rate limits of API keys and addresses, and the uses of upload tokens."""

import math
from datetime import timedelta

from app.access.addresses import identify_caller, is_this_machine
from app.access.rate_limiter import RateLimiter
from app.access.tokens import GET_ANOTHER
from app.cache.redis_stamps import RedisStamps
from app.errors import Kind, RequestError
from app.settings import Settings


class Limits:
    """Counts calls; replicas count together if there is a Redis."""

    def __init__(self, settings: Settings, shared: RedisStamps | None) -> None:
        """Create the rate limiters, with full buckets.

        Args:
            settings: The rates.
            shared: Where replicas count together; if it is None, each replica counts by itself.
        """
        self._keys = _Rate("key", settings.key_requests_per_minute, shared)
        self._addresses = _Rate("address", settings.address_requests_per_minute, shared)
        # The bucket refills after the token expires, so that it holds exactly the token's uses.
        life_s = math.ceil(settings.upload_token_minutes * 60) + 1
        self._tokens = RateLimiter(
            "token", settings.upload_token_uses, timedelta(seconds=life_s), 1, shared
        )

    async def count_key(self, name: str) -> None:
        """Count a call with an API key.

        Raises:
            RequestError: `rate_limited`.
        """
        await self._keys.count(name, "with this key")

    async def count_address(self, address: str, *, is_forwarded: bool) -> None:
        """Count a call without an API key; direct calls from this machine are not counted.

        Raises:
            RequestError: `rate_limited`.
        """
        if is_forwarded or not is_this_machine(address):
            await self._addresses.count(identify_caller(address), "from this address")

    async def use_token(self, token_id: str, call_id: str | None) -> None:
        """Count a use of an upload token.

        Args:
            token_id: The id of the token.
            call_id: The id of the use, by which a second attempt is recognised; see `RateLimiter`.

        Raises:
            RequestError: `forbidden`: the token has no uses left.
        """
        if await self._tokens.take(token_id, call_id):
            raise RequestError(Kind.FORBIDDEN, f"This upload token is used up. {GET_ANOTHER}")


class _Rate:
    """A limit of calls a minute; the calls of half a minute may come at once."""

    def __init__(self, name: str, per_minute: int, shared: RedisStamps | None) -> None:
        burst = max(1, per_minute // 2)
        self._per_minute = per_minute
        self._buckets = RateLimiter(name, burst, timedelta(minutes=1), per_minute, shared)

    async def count(self, caller: str, source: str) -> None:
        """Count a call.

        Args:
            caller: The caller that the call is counted for.
            source: The caller as the message names it.

        Raises:
            RequestError: `rate_limited`.
        """
        wait_s = await self._buckets.take(caller)
        if wait_s:
            raise RequestError(
                Kind.RATE_LIMITED,
                f"There were more than {self._per_minute} requests a minute {source}. "
                f"Try again in {math.ceil(wait_s)} s.",
                retry_after_s=wait_s,
            )
