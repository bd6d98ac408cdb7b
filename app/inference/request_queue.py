"""One caller's windows, waiting to be heard, and the scores of those that were."""

import asyncio
import time
from collections import Counter, deque

import numpy as np

from app.domain import Frames, Scores, Windows
from app.inference.engine import Engine
from app.stages import Stage, StageClock


class RequestQueue:
    """Filled by its caller, emptied by the batcher; ends with all scores or with one error."""

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
        """Wait until all windows that were given to a model are heard: (windows, tags).

        Raises:
            Exception: What the model failed with, or `fail` was told.
        """
        while self._error is None and self._expected[engine] > self._heard(engine):
            self._changed.clear()
            await self._changed.wait()
        self.check()
        scored = self._scores[engine]
        return np.concatenate([scored[first] for first in sorted(scored)])

    def add(self, windows: Windows, engine: Engine) -> None:
        """Have windows wait for a model.

        Raises:
            Exception: What the lane failed with.
        """
        self.check()
        if not self.waiting:
            self._idle_since = time.monotonic()
        self._waiting.setdefault(engine, deque()).extend(windows)
        self._expected[engine] += len(windows)

    @property
    def waiting(self) -> int:
        """Windows that wait, for whichever model."""
        return sum(map(len, self._waiting.values()))

    def scored_share(self) -> float:
        """How much of what was given to models by now has its scores."""
        expected = self._expected.total()
        heard = sum(self._heard(engine) for engine in self._scores)
        return heard / expected if expected else 1.0

    def waiting_for(self, engine: Engine) -> int:
        """Windows that wait for a model."""
        return len(self._waiting.get(engine, ()))

    def check(self) -> None:
        """Go on only where the lane did not fail.

        Raises:
            Exception: What it failed with.
        """
        if self._error is not None:
            raise self._error

    @property
    def failed(self) -> bool:
        """Whether nothing more is heard of it."""
        return self._error is not None

    def next_engine(self) -> Engine:
        """The model that the most windows wait for."""
        return max(self._waiting, key=self.waiting_for)

    def take(self, engine: Engine, count: int) -> tuple[int, list[Frames]]:
        """Hand out the next windows to be heard, each (frames, bins), and the first's number."""
        now = time.monotonic()
        self._clock.add(Stage.QUEUE, now - self._idle_since)
        self._idle_since = now
        first = self._taken[engine]
        self._taken[engine] += count
        return first, [self._waiting[engine].popleft() for _ in range(count)]

    def receive(self, engine: Engine, first: int, scores: Scores, seconds: float) -> None:
        """Take the scores of windows that were handed out, heard in so many seconds."""
        now = time.monotonic()
        self._clock.add(Stage.QUEUE, max(0.0, now - self._idle_since - seconds))
        self._clock.add(Stage.INFER, seconds)
        self._idle_since = now
        self._scores.setdefault(engine, {})[first] = scores
        self._changed.set()

    def fail(self, error: BaseException) -> None:
        """Give up: nothing more is heard. The first error is the one that counts."""
        self._waiting.clear()
        self._error = self._error or error
        self._changed.set()

    def _heard(self, engine: Engine) -> int:
        return sum(map(len, self._scores.get(engine, {}).values()))
