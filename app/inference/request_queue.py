"""The windows of one request that wait for inference, and the scores of the finished ones."""

import asyncio
import time
from collections import Counter, deque

import numpy as np

from app.domain import Frames, Scores, Windows
from app.inference.engine import Engine
from app.stages import Stage, StageClock


class RequestQueue:
    """Filled by the request, emptied by the batcher; ends with all scores or with one error."""

    def __init__(self, clock: StageClock) -> None:
        self._clock = clock
        self._waiting: dict[Engine, deque[Frames]] = {}
        self._expected: Counter[Engine] = Counter()
        self._taken: Counter[Engine] = Counter()
        self._scores: dict[Engine, dict[int, Scores]] = {}
        self._error: BaseException | None = None
        self._changed = asyncio.Event()
        self._idle_since = time.monotonic()

    async def scores(self, engine: Engine) -> Scores:
        """Wait until a model has scored all its windows, and return the scores.

        Returns:
            (windows, tags) float32.

        Raises:
            Exception: The error that `fail` was called with.
        """
        while self._error is None and self._expected[engine] > self._scored(engine):
            self._changed.clear()
            await self._changed.wait()
        self.check()
        scored = self._scores[engine]
        return np.concatenate([scored[first] for first in sorted(scored)])

    def add(self, windows: Windows, engine: Engine) -> None:
        """Queue windows, (windows, frames, bins), for a model.

        Raises:
            Exception: The error that the queue failed with.
        """
        self.check()
        if not self.waiting:
            self._idle_since = time.monotonic()
        self._waiting.setdefault(engine, deque()).extend(windows)
        self._expected[engine] += len(windows)

    @property
    def waiting(self) -> int:
        """Return the number of windows that wait for any model."""
        return sum(map(len, self._waiting.values()))

    def scored_share(self) -> float:
        """Return the share of the queued windows that have been scored."""
        expected = self._expected.total()
        scored = sum(self._scored(engine) for engine in self._scores)
        return scored / expected if expected else 1.0

    def waiting_for(self, engine: Engine) -> int:
        """Return the number of windows that wait for a model."""
        return len(self._waiting.get(engine, ()))

    def check(self) -> None:
        """Raise the error of a failed queue.

        Raises:
            Exception: The error that the queue failed with.
        """
        if self._error is not None:
            raise self._error

    @property
    def failed(self) -> bool:
        """Return whether `fail` was called."""
        return self._error is not None

    def next_engine(self) -> Engine:
        """Return the model with the most waiting windows."""
        return max(self._waiting, key=self.waiting_for)

    def take(self, engine: Engine, count: int) -> tuple[int, list[Frames]]:
        """Remove the next `count` windows from the queue.

        Returns:
            The index of the first one, and the windows, each (frames, bins).
        """
        now = time.monotonic()
        self._clock.add(Stage.QUEUE, now - self._idle_since)
        self._idle_since = now
        first = self._taken[engine]
        self._taken[engine] += count
        return first, [self._waiting[engine].popleft() for _ in range(count)]

    def receive(self, engine: Engine, first: int, scores: Scores, seconds: float) -> None:
        """Store the scores of windows that `take` returned.

        Args:
            engine: The model.
            first: The index of the first window.
            scores: (windows, tags).
            seconds: The time that the inference of their batch took.
        """
        now = time.monotonic()
        self._clock.add(Stage.QUEUE, max(0.0, now - self._idle_since - seconds))
        self._clock.add(Stage.INFER, seconds)
        self._idle_since = now
        self._scores.setdefault(engine, {})[first] = scores
        self._changed.set()

    def fail(self, error: BaseException) -> None:
        """Drop all waiting windows. The first error is the one that `check` raises."""
        self._waiting.clear()
        self._error = self._error or error
        self._changed.set()

    def _scored(self, engine: Engine) -> int:
        return sum(map(len, self._scores.get(engine, {}).values()))
