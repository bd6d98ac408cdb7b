"""An engine for the tests of batching: its scores identify the caller of a window."""

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager

import numpy as np

from app.domain import Backend, ModelRef, Precision, Scores, Windows
from app.front_ends import FrontEnd, WindowSpec
from app.inference.batcher import MAX_BATCHES, Batcher, BatchLimits
from app.inference.engine import Engine
from app.metrics import Metrics
from app.stages import StageClock

PATIENCE_S = 120
"""What is not done by then hangs."""

WINDOW_SPEC = WindowSpec(FrontEnd(16_000), window_frames=2, hop_frames=2)

Window = tuple[int, int]
"""Whose it is, and its number in their track."""


class BadWindowError(Exception):
    """The error of an engine, with the callers whose windows cause it."""


class ScriptedEngine(Engine):
    """Scores a window by its caller, its number and the engine.

    Attributes:
        scored: Batch after batch, its windows.
        raises_on: Callers whose windows make it fail.
        nan_on: Callers whose windows score NaN.
    """

    backend = Backend.TENSORFLOW

    def __init__(self, number: int = 0, batch_windows: int = 4) -> None:
        ref = ModelRef("scripted", str(number))
        super().__init__(ref, Precision.FLOAT32, batch_windows, WINDOW_SPEC, None)
        self.scored: list[list[Window]] = []
        self.raises_on: set[int] = set()
        self.nan_on: set[int] = set()
        self._number = number
        self._permits = threading.Semaphore(0)
        self._held = False

    def score(self, windows: Windows) -> Scores:
        batch = [(int(caller), int(number)) for caller, number in windows[:, 0]]
        self.scored.append(batch)
        if self._held:
            assert self._permits.acquire(timeout=PATIENCE_S)
        if culprits := self.raises_on & {caller for caller, _ in batch}:
            raise BadWindowError(*culprits)
        scores = self.scores_of(batch)
        scores[[caller in self.nan_on for caller, _ in batch], 0] = np.nan
        return scores

    def scores_of(self, windows: Iterable[Window]) -> Scores:
        """What it gives for these windows, however they come."""
        return np.array([(*window, self._number) for window in windows], np.float32)

    def hold(self) -> None:
        """Be done with no batch from now on before `let`."""
        self._held = True

    def let(self) -> None:
        """Be done with one more batch, this one or the next."""
        self._permits.release()

    def go_on(self) -> None:
        """Be held no longer."""
        self._held = False
        self._permits.release(MAX_BATCHES)

    @property
    def scored_windows(self) -> list[Window]:
        """All scored windows, in order."""
        return [window for batch in self.scored for window in batch]


def patiently(test: Callable[..., Coroutine[None, None, None]]) -> Callable[..., None]:
    """Run a test on an event loop; one that hangs fails."""

    async def guarded(*args: object, **kwargs: object) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await test(*args, **kwargs)

    @functools.wraps(test)
    def run(*args: object, **kwargs: object) -> None:
        asyncio.run(guarded(*args, **kwargs))

    return run


@asynccontextmanager
async def batching(
    max_batch_windows: int | None = 4,
    max_wait_s: float = 0.0,
    max_queued_windows: int = 1000,
    batch_timeout_s: float = PATIENCE_S,
) -> AsyncIterator[Batcher]:
    """A batcher with these limits, closed in the end."""
    limits = BatchLimits(max_batch_windows, max_wait_s, max_queued_windows, batch_timeout_s)
    batcher = Batcher(limits, Metrics())
    yield batcher
    await batcher.close()


def windows(caller: int, count: int, first: int = 0) -> Windows:
    """Windows of a caller, each (1, 2), from the one with number `first` on."""
    numbers = np.arange(first, first + count, dtype=np.float32)
    return np.stack([np.full(count, caller, np.float32), numbers], axis=1)[:, np.newaxis]


async def infer(
    batcher: Batcher,
    engines: Sequence[Engine],
    caller: int,
    pieces: Sequence[int],
    clock: StageClock | None = None,
) -> list[Scores]:
    """Put in this number of windows, piece after piece, and wait for the scores of each engine."""
    with batcher.request_queue(clock or StageClock()) as request_queue:
        for index, count in enumerate(pieces):
            await batcher.put(request_queue, windows(caller, count, sum(pieces[:index])), engines)
            await asyncio.sleep(0)  # as the next piece has to be made first
        return [await request_queue.scores(engine) for engine in engines]


def start_inference(
    batcher: Batcher, engine: Engine, caller: int, *pieces: int
) -> asyncio.Task[list[Scores]]:
    """`ask` one engine, in a task of its own."""
    return asyncio.create_task(infer(batcher, [engine], caller, pieces))


async def until(condition: Callable[[], object]) -> None:
    """Wait until the condition holds, which changes in the engines' thread."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.001)


async def settled() -> None:
    """Wait until nothing runs but held engines."""
    for _ in range(50):
        await asyncio.sleep(0)


async def cancelled(task: asyncio.Task[list[Scores]]) -> None:
    """Have a caller leave, and see it gone."""
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
