"""Taggrams in this process: the embedded default."""

from cachetools import LRUCache

from app.domain import Taggram, TaggramKey

OVERHEAD_BYTES = 1_000
"""What a taggram takes beside its scores."""


class MemoryCache:
    """Keeps the most recently used taggrams within a bound of bytes."""

    def __init__(self, max_bytes: int) -> None:
        self._taggrams: LRUCache[TaggramKey, Taggram] = LRUCache(max_bytes, getsizeof=_size)

    async def get(self, key: TaggramKey) -> Taggram | None:
        """See `TaggramCache`."""
        return self._taggrams.get(key)

    async def put(self, taggram: Taggram) -> None:
        """See `TaggramCache`; a taggram larger than the whole cache is not kept."""
        if _size(taggram) <= self._taggrams.maxsize:
            self._taggrams[taggram.key] = taggram

    async def close(self) -> None:
        """See `TaggramCache`."""
        self._taggrams.clear()


def _size(taggram: Taggram) -> int:
    return taggram.scores.nbytes + OVERHEAD_BYTES
