"""What a cache of taggrams is. One never fails a request: what it can't give is a miss."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from app.domain import Taggram, TaggramKey


class TaggramCache(Protocol):
    """Keeps taggrams by whose audio they are of and which version of which model heard it."""

    async def get(self, keys: Sequence[TaggramKey]) -> Mapping[TaggramKey, Taggram]:
        """Those that are known, looked up together; none where the cache is out of order."""

    async def put(self, taggram: Taggram) -> None:
        """Keep a taggram, or count the failure and go on."""

    async def close(self) -> None:
        """Give back what the cache holds."""
