"""The pipeline: a file is decoded, cut into windows and heard, all three at the same time."""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO

from app.audio.processes import Decoder
from app.domain import Scores, Windows
from app.inference.batcher import Batcher
from app.inference.engine import Engine
from app.inference.lane import Lane
from app.inference.melgrams import MelgramStream
from app.stages import StageClock


@dataclass(frozen=True)
class Heard:
    """What models heard in a track.

    Attributes:
        duration_s: Its length.
        scores: For each model its (windows, tags).
    """

    duration_s: float
    scores: tuple[Scores, ...]


class Listener:
    """Brings a track's windows before models while the rest of it is being decoded."""

    def __init__(self, decoder: Decoder, batcher: Batcher) -> None:
        self._decoder = decoder
        self._batcher = batcher
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="melgram")

    async def listen(self, file: BinaryIO, engines: Sequence[Engine], clock: StageClock) -> Heard:
        """Have models hear a file; they all hear the same melgrams.

        Raises:
            RequestError: The file can't be decoded, or the service ends.
        """
        with self._batcher.lane(clock) as lane:
            samples = await self._decode(file, engines, lane, clock)
            scores = [await lane.scores(engine) for engine in engines]
        return Heard(samples / self._decoder.limits.sample_rate, tuple(scores))

    async def close(self) -> None:
        """Refuse who waits, and give the threads back."""
        await self._batcher.close()
        await asyncio.to_thread(self._thread.shutdown)

    async def _decode(
        self, file: BinaryIO, engines: Sequence[Engine], lane: Lane, clock: StageClock
    ) -> int:
        """Queue all windows of a file; how many samples it has."""
        stream = MelgramStream(engines[0].melgrams)
        async with self._decoder.decoding(file, clock) as decoding:
            async for track in decoding.progress():
                pieces = stream.pieces(track, complete=decoding.complete)
                await self._queue(pieces, lane, engines)
        return len(track)

    async def _queue(
        self, pieces: Iterator[Windows], lane: Lane, engines: Sequence[Engine]
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            lane.check()  # a service that ends has failed it, and has no thread any more
            windows = await loop.run_in_executor(self._thread, next, pieces, None)
            if windows is None:
                return
            await self._batcher.put(lane, windows, engines)
