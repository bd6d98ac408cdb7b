"""Batches the windows of many tracks for inference: fair, bounded, each window scored once.

Each request has a queue. A batch takes one window from each queue in turn, so that a track of ten
minutes does not delay one of thirty seconds. When a request ends, its queue is removed, and the
windows that still wait in it are dropped.

Only the inference itself runs in a thread. The rest runs on the event loop, so it needs no locks.
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


MAX_BATCHES = 2
"""One batch that is being scored, and one that waits behind it or, if the engine overlaps batches,
uses the cores that the first leaves idle."""


@dataclass(frozen=True)
class BatchLimits:
    """Bounds on batches and queues.

    Attributes:
        max_batch_windows: Most windows in a batch; None: the engine's own batch size.
        max_wait_s: How long an idle device waits for a batch to fill, in seconds.
        max_queued_windows: Most windows that may wait in all queues together.
        batch_timeout_s: An inference that takes longer counts as stuck, in seconds. The time that
            a batch waits for the one before it does not count.
    """

    max_batch_windows: int | None
    max_wait_s: float
    max_queued_windows: int
    batch_timeout_s: float


@dataclass(frozen=True)
class BatchPart:
    """The windows of a batch that come from one queue.

    Attributes:
        request_queue: The queue.
        first: The index of the first window among all windows of the queue.
        windows: Consecutive windows, each (frames, bins).
    """

    request_queue: RequestQueue
    first: int
    windows: list[Frames]


class Batcher:
    """Runs engines off the event loop, one batch at a time, or two if they may overlap.

    Attributes:
        is_stuck: Whether an inference hangs. Its thread can't be ended, so the process must end.
    """

    def __init__(self, limits: BatchLimits, metrics: Metrics) -> None:
        self._limits = limits
        self._metrics = metrics
        self._request_queues: list[RequestQueue] = []
        self._batches: set[asyncio.Task[None]] = set()
        self._waiting_since = 0.0
        self._changed = asyncio.Event()
        self._left = asyncio.Event()
        self._threads = {  # by whether the engine overlaps batches
            False: ThreadPoolExecutor(1, "inference"),
            True: ThreadPoolExecutor(MAX_BATCHES, "inference"),
        }
        self._running: asyncio.Task[None] | None = None
        self._closed = False
        self.is_stuck = False

    @contextmanager
    def request_queue(self, clock: StageClock) -> Iterator[RequestQueue]:
        """Open a queue for the body; the windows that wait in it at the end are dropped.

        Raises:
            RequestError: `not_ready` if the service is stopping, `engine_failed` if an inference
                hangs.
        """
        if self.is_stuck:
            raise _engine_failed()
        if self._closed:
            raise _stopping()
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
        """Queue windows for models, as soon as there is room for them.

        Args:
            request_queue: The queue of the request.
            windows: (windows, frames, bins).
            engines: The models that score them.

        Raises:
            Exception: The error that the queue failed with.
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
        """Fail all waiting requests, and end after the batch that is being scored."""
        self._closed = True
        for request_queue in self._request_queues:
            request_queue.fail(_stopping())
        self._windows_left()
        tasks = [task for task in (self._running, *self._batches) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for threads in self._threads.values():
            await asyncio.to_thread(threads.shutdown, wait=not self.is_stuck)

    def _queued(self) -> int:
        return sum(request_queue.waiting for request_queue in self._request_queues)

    def _windows_left(self) -> None:
        self._metrics.windows_queued(self._queued())
        self._left.set()
        self._changed.set()

    async def _run(self) -> None:
        """Make batches until the service stops; a defect here fails only the waiting requests."""
        while True:
            try:
                await self._batch_due()
                inference = asyncio.create_task(self._infer(*self._next_batch()))
                self._batches.add(inference)
                inference.add_done_callback(self._batch_done)
            except Exception:
                # If this loop ended, no later request would get an answer.
                log.exception("a batch could not be made")
                for request_queue in self._request_queues:
                    request_queue.fail(_engine_failed())
            self._windows_left()

    async def _batch_due(self) -> None:
        """Wait until the next batch should start.

        A device that could begin it at once waits at most `max_wait_s` for it to fill. A full one
        may wait behind another, so that the device does not wait for the event loop between them.
        """
        while len(self._batches) == MAX_BATCHES or not self._fills_a_batch():
            timeout_s = None
            if self._queued() and (not self._batches or self._next_engine().overlaps):
                timeout_s = self._waiting_since + self._limits.max_wait_s - time.monotonic()
                if timeout_s <= 0:
                    return
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._changed.wait()

    def _batch_done(self, inference: asyncio.Task[None]) -> None:
        self._batches.discard(inference)
        self._windows_left()

    def _fills_a_batch(self) -> bool:
        if not self._queued():
            return False
        engine = self._next_engine()
        waiting = sum(each.waiting_for(engine) for each in self._request_queues)
        return waiting >= self._size(engine)

    def _next_engine(self) -> Engine:
        """Return the model with most windows in the first queue that has any."""
        return next(each for each in self._request_queues if each.waiting).next_engine()

    def _size(self, engine: Engine) -> int:
        return self._limits.max_batch_windows or engine.batch_windows

    def _next_batch(self) -> tuple[Engine, list[BatchPart]]:
        """Return the next batch and its model."""
        engine = self._next_engine()
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
        # Queues that had a turn go to the end.
        self._request_queues.sort(key=lambda request_queue: request_queue in shares)
        return engine, parts

    async def _infer(self, engine: Engine, parts: Sequence[BatchPart]) -> None:
        """Score a batch and deliver the scores; if that fails, score each part alone."""
        windows = [window for part in parts for window in part.windows]
        self._metrics.batch(len(windows))
        loop, begun = asyncio.get_running_loop(), asyncio.Event()

        def score() -> tuple[Scores, float]:
            """Score the batch, and report to the event loop that this has begun."""
            loop.call_soon_threadsafe(begun.set)
            return _score(engine, windows)

        timeout = asyncio.timeout(self._limits.batch_timeout_s)
        scoring = loop.run_in_executor(self._threads[engine.overlaps], score)
        try:
            await begun.wait()  # the batch before it has a timeout of its own
            async with timeout:
                scores, seconds = await scoring
            ends = np.cumsum([len(part.windows) for part in parts])
            for part, part_scores in zip(parts, np.split(scores, ends[:-1]), strict=True):
                _deliver(part, engine, part_scores, seconds)
        except Exception:
            # An engine may raise anything, and each request needs an answer.
            log.exception(
                "%s: inference failed on %d windows of %d tracks",
                engine.ref,
                len(windows),
                len(parts),
            )
            if timeout.expired():
                self._give_up()
                return
            if len(parts) == 1:
                parts[0].request_queue.fail(_engine_failed())
                return
            for part in parts:
                if part.request_queue in self._request_queues and not part.request_queue.failed:
                    await self._infer(engine, [part])
        finally:
            scoring.cancel()  # if it has not begun: the service is stopping

    def _give_up(self) -> None:
        self.is_stuck = True
        for request_queue in self._request_queues:
            request_queue.fail(_engine_failed())
        self._windows_left()


def _score(engine: Engine, windows: Sequence[Frames]) -> tuple[Scores, float]:
    """Return the scores, (windows, tags), and the seconds that they took."""
    begun = time.monotonic()
    scores = engine.score(np.stack(windows))
    return scores, time.monotonic() - begun


def _deliver(part: BatchPart, engine: Engine, scores: Scores, seconds: float) -> None:
    if len(scores) != len(part.windows) or not np.isfinite(scores).all():
        log.error("%s: the scores of a track have a wrong count or are not finite", engine.ref)
        part.request_queue.fail(_engine_failed())
    else:
        part.request_queue.receive(engine, part.first, scores, seconds)


def _shares(waiting: dict[RequestQueue, int], size: int) -> Counter[RequestQueue]:
    """Return the number of windows of a batch for each queue, dealt out one by one in turns."""
    shares: Counter[RequestQueue] = Counter()
    while shares.total() < size and (unserved := [n for n in waiting if shares[n] < waiting[n]]):
        shares.update(unserved[: size - shares.total()])
    return shares


def _engine_failed() -> RequestError:
    return RequestError(Kind.ENGINE_FAILED, "The model failed. Try again in a moment.")


def _stopping() -> RequestError:
    return RequestError(Kind.NOT_READY, "The service is being restarted. Try again soon.")
