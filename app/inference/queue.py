"""One track at a time on the device, the others in line.

A single thread feeds the device: TensorFlow itself uses all cores, so two tracks at once would only
slow each other down. How many wait is bounded where uploads are accepted.
"""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from app.domain import Scores, Waveform
from app.inference.engine import Engine
from app.stages import Stage, StageClock


class InferenceQueue:
    """Runs engines off the event loop, in the order of arrival."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="inference")

    async def scores(self, engine: Engine, waveform: Waveform, clock: StageClock) -> Scores:
        """Wait for the device and score a track, (windows, tags).

        A caller that leaves while it waits is dropped before the model hears its track.
        """
        enqueued = time.monotonic()

        def run() -> Scores:
            clock.add(Stage.QUEUE, time.monotonic() - enqueued)
            with clock.stage(Stage.INFER):
                return engine.scores(waveform)

        return await asyncio.wrap_future(self._thread.submit(run))

    def close(self) -> None:
        """End the thread after the track that it is at."""
        self._thread.shutdown(cancel_futures=True)
