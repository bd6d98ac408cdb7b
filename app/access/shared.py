"""Where replicas count together: Redis, as the library of rate limits asks it."""

from typing import Any

from throttled.asyncio import RedisStore

from app.cache.breaker import Breaker

MAX_CONNECTIONS = 32


class SharedStore(RedisStore):
    """Counts in Redis, which is to be asked inside its breaker only.

    Attributes:
        breaker: The one that guards all that is asked of this Redis.
    """

    def __init__(self, url: str, breaker: Breaker) -> None:
        """Connect at the first use.

        Args:
            url: As `redis://host:6379/0`.
            breaker: It bounds every wait; and a client on a pool made so retries nothing. A
                time-out of its own, 5 s by default, can swallow the breaker's on Python 3.11, and
                with protocol 3 it would not notice that an idle connection was closed.
        """
        super().__init__(
            url,
            {
                "CONNECTION_POOL_CLASS": "redis.asyncio.BlockingConnectionPool",
                "CONNECTION_POOL_KWARGS": {
                    "max_connections": MAX_CONNECTIONS,
                    "protocol": 2,
                    "socket_timeout": None,
                },
            },
        )
        self.breaker = breaker

    async def close(self) -> None:
        """Give back the connections."""
        client: Any = self._backend.get_client()  # its declared type lacks the method
        await client.aclose(close_connection_pool=True)
