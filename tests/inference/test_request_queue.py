"""A request queue times waiting and inference separately, and neither twice."""

import asyncio
import time

import pytest

from app.stages import Stage, StageClock
from tests.support.scripted_engine import (
    ScriptedEngine,
    batching,
    infer,
    patiently,
    settled,
    until,
)

HELD_S = 0.05


@patiently
async def test_queueing_and_inference_are_timed_separately() -> None:
    engine = ScriptedEngine()
    engine.hold()
    scored, waited = StageClock(), StageClock()
    async with batching() as batcher:
        first = asyncio.create_task(infer(batcher, [engine], 0, [4], scored))
        await until(lambda: engine.scored)
        begun = time.monotonic()
        second = asyncio.create_task(infer(batcher, [engine], 1, [4], waited))
        await settled()
        await asyncio.sleep(HELD_S)
        engine.go_on()
        await asyncio.gather(first, second)
        passed = time.monotonic() - begun
    assert scored.seconds.keys() == waited.seconds.keys() == {Stage.QUEUE, Stage.INFER}
    assert scored.seconds[Stage.INFER] >= HELD_S
    assert waited.seconds[Stage.QUEUE] >= HELD_S
    assert sum(waited.seconds.values()) <= passed


@pytest.mark.parametrize("pieces", [[1], [9], [1, 1, 1], [5, 2, 7]])
@patiently
async def test_neither_time_exceeds_the_total(pieces: list[int]) -> None:
    engines = [ScriptedEngine(0), ScriptedEngine(1)]
    clocks = [StageClock() for _ in range(3)]
    async with batching() as batcher:
        begun = time.monotonic()
        await asyncio.gather(
            *(infer(batcher, engines, caller, pieces, clock) for caller, clock in enumerate(clocks))
        )
        passed = time.monotonic() - begun
    for clock in clocks:
        assert all(0 <= seconds <= passed for seconds in clock.seconds.values())
