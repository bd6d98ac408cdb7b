"""A cache of taggrams in the memory of this process, used without Redis."""

from collections.abc import Mapping, Sequence

from cachetools import TTLCache

from app.domain import Taggram, TaggramKey

OVERHEAD_BYTES = 1_000
"""Memory that a taggram takes in addition to its scores and peaks."""


class MemoryCache:
    """Keeps the most recently used taggrams, up to a time to live and a total size in bytes."""

    def __init__(self, max_bytes: int, ttl_s: float) -> None:
        self._taggrams: TTLCache[TaggramKey, Taggram] = TTLCache(max_bytes, ttl_s, getsizeof=_size)

    async def get(self, keys: Sequence[TaggramKey]) -> Mapping[TaggramKey, Taggram]:
        """See `TaggramCache`."""
        self._taggrams.expire()  # frees the memory of expired taggrams
        return {key: found for key in keys if (found := self._taggrams.get(key)) is not None}

    async def put(self, taggram: Taggram) -> None:
        """See `TaggramCache`; a taggram larger than the whole cache is not stored."""
        if _size(taggram) <= self._taggrams.maxsize:
            self._taggrams[taggram.key] = taggram

    async def close(self) -> None:
        """See `TaggramCache`."""
        self._taggrams.clear()


def _size(taggram: Taggram) -> int:
    embedding_bytes = 0 if taggram.embedding is None else taggram.embedding.nbytes
    return taggram.scores.nbytes + taggram.peaks.nbytes + embedding_bytes + OVERHEAD_BYTES
