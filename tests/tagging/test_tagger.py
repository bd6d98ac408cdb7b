"""Cached taggrams of several tracks."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from app.cache.memory import MemoryCache
from app.domain import ModelRef, Precision, Taggram, TaggramKey
from app.metrics import Metrics
from app.tagging.tagger import Tagger

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """As the service runs."""
    return "asyncio"


def model(name: str) -> Any:
    """What the tagger uses of a manifest."""
    tags = SimpleNamespace(names=("a", "b"))
    return SimpleNamespace(ref=ModelRef(name, "1"), tags=tags, backbone=None)


def taggram(track_id: str, of: Any) -> Taggram:
    key = TaggramKey(track_id, of.ref, Precision.FLOAT32)
    scores, peaks = np.zeros((1, 2), np.float32), np.zeros((1000, 2), np.int8)
    return Taggram(key, 3.0, 3.0, 3.0, scores, peaks)


async def test_tracks_are_found_if_the_cache_has_the_taggrams_of_all_models() -> None:
    one, other = model("one"), model("other")
    pool: Any = SimpleNamespace(
        choices={each.ref: SimpleNamespace(precision=Precision.FLOAT32) for each in (one, other)}
    )
    cache, pipeline = MemoryCache(10_000_000, 60), SimpleNamespace()
    tagger = Tagger(pipeline, pool, cache, Metrics())  # type: ignore[arg-type]
    for track_id, of in (("t1", other), ("t1", one), ("t2", one)):
        await cache.put(taggram(track_id, of))

    found = await tagger.find(["t3", "t2", "t1"], [one, other])

    assert list(found) == ["t1"]
    assert [each.key.model.name for each in found["t1"]] == ["one", "other"]
    assert list(await tagger.find(["t3", "t2", "t1"], [one])) == ["t2", "t1"]
