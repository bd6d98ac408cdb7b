"""What a cache of taggrams is. One never fails a request: what it can't give is a miss."""

from typing import Protocol

from app.domain import Taggram, TaggramKey


class TaggramCache(Protocol):
    """Keeps taggrams by whose audio they are of and which version of which model heard it."""

    async def get(self, key: TaggramKey) -> Taggram | None:
        """The taggram, or None where there is none or the cache is out of order."""

    async def put(self, taggram: Taggram) -> None:
        """Keep a taggram, or count the failure and go on."""

    async def close(self) -> None:
        """Give back what the cache holds."""
