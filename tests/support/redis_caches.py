"""Values of the tests of the Redis cache, and its metrics."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from app.cache.redis import RedisCache
from app.cache.signer import Signer
from app.domain import PEAK_FULL_SCALE, PEAK_PAIRS, ModelRef, Precision, Taggram, TaggramKey
from app.metrics import Metrics

BUSY_MACHINE_S = 10
"""Timeout if Redis should answer, so that a slow machine fails no test."""

HANGING_S = 0.05
"""Timeout if it should not."""

PATIENCE_S = 30
TTL_S = 1000
MAX_DURATION_S = 600
SIGNER = Signer(b"k" * 32)
PEAKS = np.full((PEAK_PAIRS, 2), [-PEAK_FULL_SCALE, PEAK_FULL_SCALE], np.int8)


def key(
    track: str = "a",
    model: str = "msd-musicnn",
    version: str = "1",
    precision: Precision = Precision.FLOAT32,
) -> TaggramKey:
    return TaggramKey(track * 64, ModelRef(model, version), precision)


def taggram(of: TaggramKey, score: float = 0.5, windows: int = 3, tags: int = 50) -> Taggram:
    return Taggram(of, 7.5, 3.0, 2.5, np.full((windows, tags), score, np.float32), PEAKS)


@asynccontextmanager
async def caching(
    url: str,
    metrics: Metrics | None = None,
    timeout_s: float = BUSY_MACHINE_S,
    signer: Signer = SIGNER,
) -> AsyncIterator[RedisCache]:
    cache = RedisCache(
        url,
        signer,
        metrics or Metrics(),
        timeout_s=timeout_s,
        ttl_s=TTL_S,
        max_duration_s=MAX_DURATION_S,
    )
    yield cache
    await cache.close()


async def score_of(cache: RedisCache, of: TaggramKey) -> float | None:
    found = (await cache.get([of])).get(of)
    return None if found is None else float(found.scores[0, 0])


async def until_it_works(cache: RedisCache, ours: Taggram) -> None:
    """Put and get until it is kept."""
    async with asyncio.timeout(PATIENCE_S):
        while not await cache.get([ours.key]):
            await cache.put(ours)
            await asyncio.sleep(0.01)


def failures(metrics: Metrics) -> dict[str, float]:
    """By operation."""
    return _samples(metrics, "taggram_cache_failures_total")


def is_down(metrics: Metrics) -> bool:
    """What the gauge says."""
    return bool(_samples(metrics, "taggram_cache_down")[""])


def _samples(metrics: Metrics, name: str) -> dict[str, float]:
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {
        "".join(sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
        if sample.name == name
    }
