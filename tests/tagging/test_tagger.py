"""What the tagger counts of analyses that fail."""

import asyncio
import io
from types import SimpleNamespace
from typing import Any

import pytest

from app.audio.worker.progress import BrokenDecoderError, SlowDecoderError
from app.cache.memory import MemoryCache
from app.domain import Backend, Precision
from app.errors import RequestError
from app.inference.pool import EngineSpec
from app.metrics import Metrics
from app.stages import StageClock
from app.tagging.tagger import Tagger, Track
from tests.support.exposition import values
from tests.tagging.samples import model

MODEL = model("msd-musicnn", ["rock"])


class FailingPipeline:
    """Raises an error for each file."""

    def __init__(self, error: RequestError) -> None:
        self._error = error

    async def run(self, *_: object) -> None:
        raise self._error


class Pool:
    """A pool with an engine that needs no backbone."""

    def __init__(self) -> None:
        self.choices = {MODEL.ref: EngineSpec(Backend.OPENVINO, Precision.FLOAT32)}

    async def engine(self, _: object) -> Any:
        return SimpleNamespace(backbone=None)


class UnnamedTrack(Track):
    """A track whose file is in memory."""

    def reopened(self) -> io.BytesIO:
        return io.BytesIO()


@pytest.mark.parametrize(
    ("error", "reason"), [(BrokenDecoderError(), "died"), (SlowDecoderError(), "timeout")]
)
def test_failed_decoders_are_counted_by_reason(error: RequestError, reason: str) -> None:
    metrics = Metrics()
    tagger = Tagger(FailingPipeline(error), Pool(), MemoryCache(1, 1), metrics)

    with pytest.raises(type(error)):
        asyncio.run(tagger.infer(UnnamedTrack(io.BytesIO(), "ab" * 32), [MODEL], StageClock()))

    failures = values(metrics, "taggram_decoder_failures_total")
    assert {labels for labels, count in failures.items() if count} == {(reason,)}
