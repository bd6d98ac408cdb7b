"""In the place of the tagger: scores depend on the file, and each inference is recorded."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from app.audio.worker.progress import BrokenDecoderError, SlowDecoderError
from app.catalogue.entries import Listing
from app.catalogue.run import Describer, TaggingRun
from app.catalogue.sources import list_entries
from app.catalogue.storage import open_storage
from app.catalogue.summary import Summary
from app.domain import Precision, Taggram, TaggramKey
from app.errors import Kind, RequestError
from app.stages import StageClock
from app.store.manifest.manifest import Manifest
from app.tagging.tagger import Track
from tests.support.peaks import SILENT
from tests.tagging.samples import model

MODEL = model("first", ["rock", "techno", "ambient"])
OTHER = model("second", ["jazz", "rock"])


class Killed(BaseException):
    """The end of the process."""


class StubAnalyser:
    """Scores a file by its SHA-256.

    A file that says `silent` is refused, one that says `broken` ends its decoder, `recovers` does
    so once. While `is_busy`, the models fail on `busy`, and the decoder of `slow` times out.

    Attributes:
        inferred: The number of inferences of each file, by content.
        is_busy: Whether some files fail for a reason that passes.
        embedding: The width of the embedding; 0 without.
        takes_s: The time that an inference takes, in which other tracks get further.
        killed_after: The number of inferences after which the process ends; None for never.
    """

    def __init__(self) -> None:
        self.inferred: Counter[str] = Counter()
        self.is_busy = False
        self.killed_after: int | None = None
        self.takes_s = 0.0
        self.embedding = 0

    async def infer(
        self, track: Track, models: Sequence[Manifest], clock: StageClock
    ) -> tuple[list[Taggram], bool]:
        if self.inferred.total() == self.killed_after:
            raise Killed
        await asyncio.sleep(self.takes_s)
        track.file.seek(0)
        content = track.file.read().decode(errors="replace")  # sounds too
        self.inferred[content] += 1
        if "silent" in content:
            raise RequestError(Kind.SILENT_AUDIO, "The audio is silent.")
        if "broken" in content or ("recovers" in content and self.inferred[content] == 1):
            raise BrokenDecoderError
        if "busy" in content and self.is_busy:
            raise RequestError(Kind.ENGINE_FAILED, "The model failed.")
        if "slow" in content and self.is_busy:
            raise SlowDecoderError
        return [_taggram(track.track_id, each, self.embedding) for each in models], False


def _taggram(track_id: str, of: Manifest, width: int) -> Taggram:
    """Two windows, and an embedding that begins with a number too large for half precision."""
    scores = np.random.RandomState(int(track_id[:8], 16)).uniform(0, 1, (2, len(of.tags.names)))
    key = TaggramKey(track_id, of.ref, Precision.FLOAT32)
    embedding = np.linspace(1e6, 1, width, dtype=np.float32) if width else None
    return Taggram(key, 6.0, 3.0, 3.0, scores.astype(np.float32), SILENT, embedding=embedding)


def tag(
    source: Path | Listing,
    out: Path | str,
    analyser: StubAnalyser | None = None,
    models: Sequence[Manifest] = (MODEL,),
    workers: int = 3,
    embedding: int = 0,
    describer: Describer | None = None,
) -> Summary:
    """Run over a source."""
    listing = source if isinstance(source, Listing) else list_entries(str(source))
    run = TaggingRun(
        analyser or StubAnalyser(),
        models,
        open_storage(out),
        workers=workers,
        max_failed_share=0.05,
        on_progress=lambda _: None,
        embeddings={each.ref: embedding for each in models},
        describer=describer,
    )
    return asyncio.run(run.run(listing))
