"""Windows of many tracks, heard together: in turns, in bounded numbers, each answered once.

Every caller has a lane. Batches are filled by going round the lanes, a window from each at a time,
so that a track of ten minutes does not hold up one of thirty seconds. A caller that leaves takes
its lane along: what still waits there is never heard.

All of it lives on the event loop but the scoring itself, which has a thread: no locks.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import numpy as np

from app.domain import Frames, Scores, Windows
from app.errors import Kind, RequestError
from app.inference.engine import Engine
from app.inference.request_queue import RequestQueue
from app.metrics import Metrics
from app.stages import StageClock

log = logging.getLogger(__name__)


AT_ONCE = 2
"""A batch that is being heard, and one in line."""


@dataclass(frozen=True)
class BatchLimits:
    """How batches are made.

    Attributes:
        max_batch_windows: Windows heard at a time; none: what suits the engine.
        max_wait_s: How long an idle device waits for a batch to fill.
        max_queued_windows: Windows that may wait, of all lanes.
        patience_s: A batch whose scoring takes longer hangs; its wait for others does not count.
    """

    max_batch_windows: int | None
    max_wait_s: float
    max_queued_windows: int
    patience_s: float


@dataclass(frozen=True)
class BatchPart:
    """What a batch holds of one lane.

    Attributes:
        request_queue: Whose.
        first: The number of the first window among those of the lane.
        windows: In their order, each (frames, bins).
    """

    request_queue: RequestQueue
    first: int
    windows: list[Frames]


class Batcher:
    """Runs engines off the event loop, one batch at a time.

    Attributes:
        is_stuck: Whether a model hangs. Nobody can end its thread: only a new process helps.
    """

    def __init__(self, limits: BatchLimits, metrics: Metrics) -> None:
        self._limits = limits
        self._metrics = metrics
        self._request_queues: list[RequestQueue] = []
        self._batches: set[asyncio.Task[None]] = set()
        self._waiting_since = 0.0
        self._changed = asyncio.Event()
        self._left = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="inference")
        self._running: asyncio.Task[None] | None = None
        self._closed = False
        self.is_stuck = False

    @contextmanager
    def request_queue(self, clock: StageClock) -> Iterator[RequestQueue]:
        """Lend out a lane; what waits in it when the body ends is dropped.

        Raises:
            RequestError: `not_ready` where the service is about to end, `engine_failed` where a
                model hangs.
        """
        if self.is_stuck:
            raise _failing()
        if self._closed:
            raise _ending()
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        request_queue = RequestQueue(clock)
        self._request_queues.append(request_queue)
        try:
            yield request_queue
        finally:
            self._request_queues.remove(request_queue)
            self._windows_left()

    async def put(
        self, request_queue: RequestQueue, windows: Windows, engines: Sequence[Engine]
    ) -> None:
        """Have windows heard by models, once there is room for them.

        Raises:
            Exception: What the lane failed with.
        """
        while not request_queue.failed and self._queued() >= self._limits.max_queued_windows:
            self._left.clear()
            await self._left.wait()
        if not self._queued():
            self._waiting_since = time.monotonic()
        for engine in engines:
            request_queue.add(windows, engine)
        self._metrics.windows_queued(self._queued())
        self._changed.set()

    async def close(self) -> None:
        """Refuse who waits, and end after the batch that is being heard."""
        self._closed = True
        for request_queue in self._request_queues:
            request_queue.fail(_ending())
        self._windows_left()
        tasks = [task for task in (self._running, *self._batches) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self._thread.shutdown, wait=not self.is_stuck)

    def _queued(self) -> int:
        return sum(request_queue.waiting for request_queue in self._request_queues)

    def _windows_left(self) -> None:
        self._metrics.windows_queued(self._queued())
        self._left.set()
        self._changed.set()

    async def _run(self) -> None:
        """Make batches for ever; a defect here fails those who wait, and no others."""
        while True:
            try:
                await self._batch_due()
                hearing = asyncio.create_task(self._infer(*self._next_batch()))
                self._batches.add(hearing)
                hearing.add_done_callback(self._batch_done)
            except Exception:
                # Whatever it is: were this loop to end, every later caller would wait for ever.
                log.exception("no batch could be made")
                for request_queue in self._request_queues:
                    request_queue.fail(_failing())
            self._windows_left()

    async def _batch_due(self) -> None:
        """Wait for a full batch where one is being heard, and for a moment where none is.

        One full batch may be in line behind the one that is being heard, so that the device does
        not wait for the event loop in between.
        """
        while len(self._batches) == AT_ONCE or not self._fills_a_batch():
            patience_s = None
            if self._queued() and not self._batches:
                patience_s = self._waiting_since + self._limits.max_wait_s - time.monotonic()
                if patience_s <= 0:
                    return
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._changed.wait()

    def _batch_done(self, hearing: asyncio.Task[None]) -> None:
        self._batches.discard(hearing)
        self._windows_left()

    def _fills_a_batch(self) -> bool:
        if not self._queued():
            return False
        engine = self._next_request_queue().next_engine()
        return sum(
            request_queue.waiting_for(engine) for request_queue in self._request_queues
        ) >= self._size(engine)

    def _next_request_queue(self) -> RequestQueue:
        return next(
            request_queue for request_queue in self._request_queues if request_queue.waiting
        )

    def _size(self, engine: Engine) -> int:
        return self._limits.max_batch_windows or engine.batch_windows

    def _next_batch(self) -> tuple[Engine, list[BatchPart]]:
        """A batch for the model that the lane in front waits for most, filled from lane to lane."""
        engine = self._next_request_queue().next_engine()
        waiting = {
            request_queue: count
            for request_queue in self._request_queues
            if (count := request_queue.waiting_for(engine))
        }
        shares = _shares(waiting, self._size(engine))
        parts = [
            BatchPart(request_queue, *request_queue.take(engine, count))
            for request_queue, count in shares.items()
        ]
        self._request_queues.sort(
            key=lambda request_queue: request_queue in shares
        )  # who had a turn goes behind
        return engine, parts

    async def _infer(self, engine: Engine, parts: Sequence[BatchPart]) -> None:
        """Score a batch and hand out the scores; where that fails, score each part alone."""
        windows = [window for part in parts for window in part.windows]
        self._metrics.batch(len(windows))
        loop, begun = asyncio.get_running_loop(), asyncio.Event()

        def score() -> tuple[Scores, float]:
            loop.call_soon_threadsafe(begun.set)
            return _score(engine, windows)

        patience = asyncio.timeout(self._limits.patience_s)
        scoring = loop.run_in_executor(self._thread, score)
        try:
            await begun.wait()  # the batch before it has a patience of its own
            async with patience:
                scores, seconds = await scoring
            ends = np.cumsum([len(part.windows) for part in parts])
            for part, part_scores in zip(parts, np.split(scores, ends[:-1]), strict=True):
                _answer(part, engine, part_scores, seconds)
        except Exception:
            # An engine may fail with anything, and each caller is owed an answer.
            log.exception(
                "%s failed on %d windows of %d tracks", engine.ref, len(windows), len(parts)
            )
            if patience.expired():
                self._give_up()
                return
            if len(parts) == 1:
                parts[0].request_queue.fail(_failing())
                return
            for part in parts:
                if part.request_queue in self._request_queues and not part.request_queue.failed:
                    await self._infer(engine, [part])
        finally:
            scoring.cancel()  # where it has not begun: the service ends

    def _give_up(self) -> None:
        self.is_stuck = True
        for request_queue in self._request_queues:
            request_queue.fail(_failing())
        self._windows_left()


def _score(engine: Engine, windows: Sequence[Frames]) -> tuple[Scores, float]:
    """Scores, and in how many seconds."""
    begun = time.monotonic()
    scores = engine.score(np.stack(windows))
    return scores, time.monotonic() - begun


def _answer(part: BatchPart, engine: Engine, scores: Scores, seconds: float) -> None:
    if len(scores) != len(part.windows) or not np.isfinite(scores).all():
        log.error("%s gives no scores for a track", engine.ref)
        part.request_queue.fail(_failing())
    else:
        part.request_queue.receive(engine, part.first, scores, seconds)


def _shares(waiting: dict[RequestQueue, int], size: int) -> Counter[RequestQueue]:
    """How many windows of a batch each lane gets, given out one by one in turns."""
    shares: Counter[RequestQueue] = Counter()
    while shares.total() < size and (hungry := [n for n in waiting if shares[n] < waiting[n]]):
        shares.update(hungry[: size - shares.total()])
    return shares


def _failing() -> RequestError:
    return RequestError(Kind.ENGINE_FAILED, "The model failed. Try again in a moment.")


def _ending() -> RequestError:
    return RequestError(Kind.NOT_READY, "The service is being restarted. Try again soon.")
