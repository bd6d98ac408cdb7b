import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from app.domain import Scores, Waveform
from app.inference.queue import InferenceQueue
from app.stages import Stage, StageClock

TRACK = Waveform(np.zeros(16_000, np.float32), 16_000)
PATIENCE_S = 30


class SlowEngine:
    """Notes each track that it hears, and is not done with it before it is told."""

    def __init__(self) -> None:
        self.heard: list[Waveform] = []
        self.at_work = threading.Event()
        self.go_on = threading.Event()

    def scores(self, waveform: Waveform) -> Scores:
        self.heard.append(waveform)
        self.at_work.set()
        assert self.go_on.wait(PATIENCE_S)
        return np.full((1, 1), len(self.heard), np.float32)


class BrokenEngine:
    def scores(self, waveform: Waveform) -> Scores:
        raise FloatingPointError("the device is on fire")


@asynccontextmanager
async def busy(
    queue: InferenceQueue, engine: SlowEngine, clock: StageClock | None = None
) -> AsyncIterator[asyncio.Task[Scores]]:
    """The queue is at a first track in the body, and done with it after."""
    first = asyncio.create_task(queue.scores(engine, TRACK, clock or StageClock()))
    assert await asyncio.to_thread(engine.at_work.wait, PATIENCE_S)
    try:
        yield first
    finally:
        engine.go_on.set()
        await asyncio.wait({first})
        await asyncio.to_thread(queue.close)


async def enqueued(queue: InferenceQueue, engine: SlowEngine, track: Waveform) -> asyncio.Task:
    task = asyncio.create_task(queue.scores(engine, track, StageClock()))
    await asyncio.sleep(0)  # it is in the line now
    return task


async def left(task: asyncio.Task[Scores]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def tracks(count: int) -> list[Waveform]:
    return [Waveform(np.full(16_000, i, np.float32), 16_000) for i in range(count)]


def test_a_caller_who_leaves_the_line_is_never_heard_and_the_others_are_in_order():
    async def scenario() -> None:
        queue, engine = InferenceQueue(), SlowEngine()
        waiting = tracks(4)
        async with busy(queue, engine):
            tasks = [await enqueued(queue, engine, track) for track in waiting]
            await left(tasks.pop(1))
            engine.go_on.set()
            scores = await asyncio.gather(*tasks)
        assert engine.heard == [TRACK, waiting[0], waiting[2], waiting[3]]
        assert [float(score[0, 0]) for score in scores] == [2, 3, 4]

    asyncio.run(scenario())


def test_a_caller_who_leaves_in_the_middle_does_not_hold_up_the_next():
    async def scenario() -> None:
        queue, engine = InferenceQueue(), SlowEngine()
        async with busy(queue, engine) as first:
            second = await enqueued(queue, engine, TRACK)
            await left(first)
            engine.go_on.set()
            assert (await second).shape == (1, 1)

    asyncio.run(scenario())


def test_one_track_at_a_time_is_heard():
    async def scenario() -> None:
        queue, engine = InferenceQueue(), SlowEngine()
        async with busy(queue, engine):
            second = await enqueued(queue, engine, TRACK)
            await asyncio.wait({second}, timeout=0.2)
            assert len(engine.heard) == 1
            engine.go_on.set()
            await second
        assert len(engine.heard) == 2

    asyncio.run(scenario())


def test_an_engine_that_fails_fails_its_own_caller_alone():
    async def scenario() -> None:
        queue, engine = InferenceQueue(), SlowEngine()
        async with busy(queue, engine):
            failing = asyncio.create_task(queue.scores(BrokenEngine(), TRACK, StageClock()))
            await asyncio.sleep(0)
            next_one = await enqueued(queue, engine, TRACK)
            engine.go_on.set()
            with pytest.raises(FloatingPointError, match="on fire"):
                await failing
            assert (await next_one).shape == (1, 1)

    asyncio.run(scenario())


def test_waiting_and_hearing_are_timed_apart():
    async def scenario() -> None:
        queue, engine = InferenceQueue(), SlowEngine()
        first, second = StageClock(), StageClock()
        async with busy(queue, engine, first):
            start = time.monotonic()
            waiting = asyncio.create_task(queue.scores(engine, TRACK, second))
            await asyncio.sleep(0.1)
            assert not second.seconds
            engine.go_on.set()
            await waiting
            passed = time.monotonic() - start
        assert first.seconds.keys() == second.seconds.keys() == {Stage.QUEUE, Stage.INFER}
        assert first.seconds[Stage.INFER] > 0.09
        assert second.seconds[Stage.QUEUE] > 0.09
        assert sum(second.seconds.values()) <= passed

    asyncio.run(scenario())


def test_a_failed_hearing_is_timed_too():
    clock = StageClock()

    async def scenario() -> None:
        queue = InferenceQueue()
        with pytest.raises(FloatingPointError):
            await queue.scores(BrokenEngine(), TRACK, clock)
        queue.close()

    asyncio.run(scenario())
    assert clock.seconds.keys() == {Stage.QUEUE, Stage.INFER}


def test_a_closed_queue_finishes_its_track_and_drops_the_line():
    async def scenario() -> None:
        queue, engine = InferenceQueue(), SlowEngine()
        async with busy(queue, engine) as first:
            second = await enqueued(queue, engine, TRACK)
            closing = asyncio.create_task(asyncio.to_thread(queue.close))
            with pytest.raises(asyncio.CancelledError):
                await second
            engine.go_on.set()
            assert (await first).shape == (1, 1)
            await closing
        assert len(engine.heard) == 1

    asyncio.run(scenario())
