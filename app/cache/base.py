"""The interface of taggram caches. A cache never fails a request: a failure is a miss."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from app.domain import Taggram, TaggramKey


class TaggramCache(Protocol):
    """Stores taggrams by track, model, version and precision."""

    async def get(self, keys: Sequence[TaggramKey]) -> Mapping[TaggramKey, Taggram]:
        """Return the taggrams that are cached, looked up together; none if the cache fails."""

    async def put(self, taggram: Taggram) -> None:
        """Store a taggram; a failure is counted and not raised."""

    async def close(self) -> None:
        """Release the cache's resources."""
