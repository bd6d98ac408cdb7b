"""Whoever else asks, leaves or fails: each caller gets its own answer, once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import Scores, Windows
from app.errors import Kind, RequestError
from app.inference.batcher import Batcher
from app.stages import StageClock
from tests.support.scripted_engine import (
    PATIENCE_S,
    ScriptedEngine,
    Window,
    batching,
    cancelled,
    infer,
    patiently,
    settled,
    start_inference,
    until,
    windows,
)

LATECOMER = 99
FAILED = Kind.ENGINE_FAILED


@dataclass(frozen=True)
class Caller:
    """What a caller does.

    Attributes:
        pieces: Windows that it puts in at a time.
        engines: The engines that it asks.
        fault: What its windows do to them: `raises`, `nan` or nothing.
        hasty: Whether it gives up after a moment.
    """

    pieces: list[int]
    engines: list[int]
    fault: str | None
    hasty: bool


CALLERS = st.lists(
    st.builds(
        Caller,
        pieces=st.lists(st.integers(1, 9), min_size=1, max_size=4),
        engines=st.sampled_from([[0], [1], [0, 1], [1, 0]]),
        fault=st.sampled_from([None, None, None, "raises", "nan"]),
        hasty=st.sampled_from([False, False, False, True]),
    ),
    min_size=1,
    max_size=6,
)

STEPS = st.lists(
    st.one_of(
        st.just(("joins", 0)),
        st.tuples(st.just("leaves"), st.integers(0, 5)),
        st.tuples(st.just("starts"), st.integers(0, 1)),
        st.tuples(st.just("turns"), st.integers(1, 8)),
    ),
    max_size=30,
)
"""Which caller joins or leaves, which engine is done with a batch, how long nothing happens."""


@given(
    callers=CALLERS,
    steps=STEPS,
    size=st.integers(1, 6),
    max_wait_s=st.sampled_from([0.0, 0.002]),
    max_queued_windows=st.sampled_from([1, 5, 1000]),
    closes=st.booleans(),
    overlaps=st.booleans(),
)
@patiently
async def test_each_caller_gets_its_own_answer_whatever_the_others_do(
    callers: list[Caller],
    steps: list[tuple[str, int]],
    size: int,
    max_wait_s: float,
    max_queued_windows: int,
    closes: bool,
    overlaps: bool,
) -> None:
    engines = engines_for(callers)
    for engine in engines:
        engine.overlaps = overlaps
    async with batching(size, max_wait_s, max_queued_windows) as batcher:
        scene = Scene(batcher, engines, callers)
        for step, value in steps:
            await getattr(scene, step)(value)
        outcomes = await scene.end(closes=closes)
        if not closes:
            await assert_nothing_is_left(batcher, engines)

    for number, (caller, outcome) in enumerate(zip(callers, outcomes, strict=True)):
        if isinstance(outcome, BaseException):
            left = number in scene.left
            assert reason(outcome) in due(caller, left=left, closes=closes)
        else:
            assert not caller.fault
            for scores, right in zip(outcome, due_scores(engines, caller, number), strict=True):
                np.testing.assert_array_equal(scores, right)
    for engine in engines:
        assert all(len(batch) <= size for batch in engine.scored)


class Scene:
    """Callers that arrive and leave.

    Attributes:
        left: Those that were cancelled.
    """

    def __init__(
        self, batcher: Batcher, engines: Sequence[ScriptedEngine], callers: Sequence[Caller]
    ) -> None:
        self.left: set[int] = set()
        self._batcher, self._engines, self._callers = batcher, engines, callers
        self._tasks: list[asyncio.Task[list[Scores]]] = []

    async def joins(self, _: int) -> None:
        """The next one comes."""
        if len(self._tasks) < len(self._callers):
            self._tasks.append(asyncio.create_task(self._act(len(self._tasks))))

    async def leaves(self, number: int) -> None:
        """One goes, if it is there."""
        if number < len(self._tasks):
            self._tasks[number].cancel()
            self.left.add(number)

    async def starts(self, number: int) -> None:
        """An engine is done with a batch."""
        self._engines[number].let()

    async def turns(self, count: int) -> None:
        """Time passes."""
        for _ in range(count):
            await asyncio.sleep(0)

    async def end(self, *, closes: bool) -> list[list[Scores] | BaseException]:
        """Start all remaining callers, release the engines; return the outcome of each caller."""
        for _ in self._callers:
            await self.joins(0)
        closing = [asyncio.create_task(self._batcher.close())] if closes else []
        for engine in self._engines:
            engine.go_on()
        outcomes = await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*closing)
        return outcomes

    async def _act(self, number: int) -> list[Scores]:
        caller = self._callers[number]
        async with asyncio.timeout(0.003 if caller.hasty else None):
            chosen = [self._engines[index] for index in caller.engines]
            return await infer(self._batcher, chosen, number, caller.pieces)


def engines_for(callers: Sequence[Caller]) -> list[ScriptedEngine]:
    """Two engines, held, and their errors."""
    engines = [ScriptedEngine(number) for number in (0, 1)]
    for engine in engines:
        engine.raises_on = {n for n, caller in enumerate(callers) if caller.fault == "raises"}
        engine.nan_on = {n for n, caller in enumerate(callers) if caller.fault == "nan"}
        engine.hold()
    return engines


def due_scores(engines: Sequence[ScriptedEngine], caller: Caller, number: int) -> list[Scores]:
    """The scores that a caller must get."""
    track = [(number, window) for window in range(sum(caller.pieces))]
    return [engines[index].scores_of(track) for index in caller.engines]


def due(caller: Caller, *, left: bool, closes: bool) -> set[object]:
    """The reasons for which a caller may get no scores."""
    reasons: dict[object, bool] = {
        Kind.ENGINE_FAILED: caller.fault is not None,
        TimeoutError: caller.hasty,
        asyncio.CancelledError: left,
        Kind.NOT_READY: closes,
    }
    return {reason for reason, may_be in reasons.items() if may_be}


def reason(error: BaseException) -> object:
    """What sort of problem it is, or else its type."""
    return error.kind if isinstance(error, RequestError) else type(error)


async def assert_nothing_is_left(batcher: Batcher, engines: Sequence[ScriptedEngine]) -> None:
    """A caller after all others is served; by then the queue is empty."""
    await infer(batcher, engines, LATECOMER, [1])
    before = [len(engine.scored) for engine in engines]
    await infer(batcher, engines, LATECOMER, [1])
    for engine, count in zip(engines, before, strict=True):
        assert engine.scored[count:] == [[(LATECOMER, 0)]]


def expected(engine: ScriptedEngine, caller: int, count: int) -> list[list[float]]:
    return engine.scores_of((caller, window) for window in range(count)).tolist()


def windows_of(caller: int, batches: Sequence[Sequence[Window]]) -> list[Window]:
    return [window for batch in batches for window in batch if window[0] == caller]


async def answer(task: asyncio.Task[list[Scores]]) -> list[list[float]]:
    [scores] = await task
    return scores.tolist()


@patiently
async def test_callers_share_batches_and_each_gets_its_own_scores() -> None:
    engine = ScriptedEngine()
    async with batching(max_batch_windows=6, max_wait_s=PATIENCE_S) as batcher:
        tasks = [start_inference(batcher, engine, caller, 2) for caller in range(3)]
        assert [await answer(task) for task in tasks] == [
            expected(engine, caller, 2) for caller in range(3)
        ]
    assert [len(batch) for batch in engine.scored] == [6]


@pytest.mark.parametrize("leaving", range(3))
@patiently
async def test_a_caller_that_leaves_during_its_batch_affects_no_other(leaving: int) -> None:
    engine = ScriptedEngine()
    engine.hold()
    async with batching(max_batch_windows=6, max_wait_s=PATIENCE_S) as batcher:
        tasks = [start_inference(batcher, engine, caller, 2) for caller in range(3)]
        await until(lambda: engine.scored)
        assert {caller for caller, _ in engine.scored[0]} == {0, 1, 2}
        await cancelled(tasks[leaving])
        engine.go_on()
        for caller in {0, 1, 2} - {leaving}:
            assert await answer(tasks[caller]) == expected(engine, caller, 2)


@patiently
async def test_windows_of_a_caller_that_left_are_not_inferred() -> None:
    engine = ScriptedEngine()
    engine.hold()
    async with batching(max_batch_windows=2) as batcher:
        leaving, staying = (
            start_inference(batcher, engine, 0, 7),
            start_inference(batcher, engine, 1, 3),
        )
        await until(lambda: engine.scored)
        await cancelled(leaving)
        engine.go_on()
        assert await answer(staying) == expected(engine, 1, 3)
    assert not windows_of(0, engine.scored[2:])  # the second batch was in line already


@patiently
async def test_windows_of_a_caller_that_left_are_not_retried_after_a_failure() -> None:
    engine = ScriptedEngine()
    engine.raises_on = {1}
    engine.hold()
    async with batching(max_batch_windows=3, max_wait_s=PATIENCE_S) as batcher:
        leaving, *others = [start_inference(batcher, engine, caller, 1) for caller in range(3)]
        await until(lambda: engine.scored)
        await cancelled(leaving)
        engine.go_on()
        await asyncio.wait(others)
    assert sum(window == (0, 0) for window in engine.scored_windows) == 1


@patiently
async def test_an_engine_that_fails_on_one_caller_fails_it_alone() -> None:
    engine = ScriptedEngine()
    engine.raises_on = {1}
    async with batching(max_batch_windows=6, max_wait_s=PATIENCE_S) as batcher:
        first, bad, last = [start_inference(batcher, engine, caller, 2) for caller in range(3)]
        with pytest.raises(RequestError, match=FAILED):
            await bad
        assert await answer(first) == expected(engine, 0, 2)
        assert await answer(last) == expected(engine, 2, 2)
    assert {caller for caller, _ in engine.scored[0]} == {0, 1, 2}


@patiently
async def test_scores_of_nan_fail_only_their_caller() -> None:
    engine = ScriptedEngine()
    engine.nan_on = {1}
    async with batching(max_batch_windows=4, max_wait_s=PATIENCE_S) as batcher:
        good, bad = start_inference(batcher, engine, 0, 2), start_inference(batcher, engine, 1, 2)
        with pytest.raises(RequestError, match=FAILED):
            await bad
        assert await answer(good) == expected(engine, 0, 2)


@pytest.mark.parametrize("fault", ["raises_on", "nan_on"])
@patiently
async def test_a_caller_whose_windows_failed_is_not_inferred_further(fault: str) -> None:
    engine = ScriptedEngine()
    setattr(engine, fault, {0})
    engine.hold()
    async with batching(max_batch_windows=2) as batcher:
        with batcher.request_queue(StageClock()) as request_queue:
            await batcher.put(request_queue, windows(0, 5), [engine])
            await until(lambda: engine.scored)
            engine.go_on()
            with pytest.raises(RequestError, match=FAILED):
                await request_queue.scores(engine)
            with pytest.raises(RequestError, match=FAILED):
                await batcher.put(request_queue, windows(0, 5, first=5), [engine])
            assert await answer(start_inference(batcher, engine, 1, 5)) == expected(engine, 1, 5)
    assert not windows_of(0, engine.scored[2:])


@patiently
async def test_a_short_track_does_not_wait_for_the_end_of_a_long_one() -> None:
    engine = ScriptedEngine()
    engine.hold()
    async with batching(max_batch_windows=4) as batcher:
        long = start_inference(batcher, engine, 0, 200)
        await until(lambda: engine.scored)
        short = start_inference(batcher, engine, 1, 10)
        await settled()
        engine.go_on()
        await answer(short)
        assert await answer(long) == expected(engine, 0, 200)
    in_line, in_turns = 2 * 4, 2 * 10
    assert engine.scored_windows.index((1, 9)) < in_line + in_turns + 4


@patiently
async def test_all_tracks_advance_at_the_same_rate() -> None:
    engine = ScriptedEngine()
    engine.hold()
    async with batching(max_batch_windows=4) as batcher:
        tasks = [start_inference(batcher, engine, caller, 12) for caller in range(6)]
        await until(lambda: engine.scored)
        engine.go_on()
        await asyncio.gather(*tasks)
    scored = [caller for caller, _ in engine.scored_windows]
    for count in range(len(scored)):
        advances = [scored[:count].count(caller) for caller in range(6)]
        assert max(advances) - min(advances) <= 4


@patiently
async def test_two_models_take_turns() -> None:
    engines = [ScriptedEngine(0), ScriptedEngine(1)]
    order: list[int] = []
    for number, engine in enumerate(engines):
        engine.scored = NotingList(order, number)
    async with batching(max_batch_windows=4) as batcher:
        await asyncio.gather(*(infer(batcher, engines, caller, [8]) for caller in range(3)))
    assert sorted(order) == 6 * [0] + 6 * [1]
    for count in range(len(order)):
        assert abs(order[:count].count(0) - order[:count].count(1)) <= 2


class NotingList(list[list[tuple[int, int]]]):
    """Notes in an order that several share when it gets longer."""

    def __init__(self, order: list[int], number: int) -> None:
        self._order, self._number = order, number

    def append(self, batch: list[tuple[int, int]]) -> None:
        self._order.append(self._number)
        super().append(batch)


@patiently
async def test_two_batches_are_scored_at_once_only_if_the_engine_overlaps_them() -> None:
    for overlaps, at_once in ((True, 2), (False, 1)):
        engine = ScriptedEngine()
        engine.overlaps = overlaps
        engine.hold()
        async with batching(max_batch_windows=4) as batcher:
            task = start_inference(batcher, engine, 0, 12)
            await until(lambda: len(engine.scored) >= at_once)  # noqa: B023
            await settled()
            assert len(engine.scored) == at_once
            engine.go_on()
            assert await answer(task) == expected(engine, 0, 12)


@patiently
async def test_an_idle_device_waits_until_a_batch_is_full() -> None:
    engine = ScriptedEngine()
    async with batching(max_batch_windows=4, max_wait_s=PATIENCE_S) as batcher:
        await start_inference(batcher, engine, 0, 4)
        first = start_inference(batcher, engine, 1, 3)
        await settled()
        assert len(engine.scored) == 1
        second = start_inference(batcher, engine, 2, 1)
        await asyncio.gather(first, second)
    assert [len(batch) for batch in engine.scored] == [4, 4]


@patiently
async def test_an_idle_device_does_not_wait_forever() -> None:
    engine = ScriptedEngine()
    async with batching(max_batch_windows=4, max_wait_s=0.01) as batcher:
        await start_inference(batcher, engine, 0, 4)
        await start_inference(batcher, engine, 1, 3)
    assert [len(batch) for batch in engine.scored] == [4, 3]


@patiently
async def test_windows_that_arrive_while_the_device_is_busy_share_a_batch() -> None:
    engine = ScriptedEngine()
    engine.hold()
    async with batching(max_batch_windows=4) as batcher:
        tasks = [start_inference(batcher, engine, 0, 1)]
        await until(lambda: engine.scored)
        tasks += [start_inference(batcher, engine, caller, 1) for caller in (1, 2, 3)]
        await settled()
        engine.go_on()
        await asyncio.gather(*tasks)
    assert engine.scored == [[(0, 0)], [(1, 0), (2, 0), (3, 0)]]


@patiently
async def test_the_last_windows_of_a_track_are_inferred_in_a_partial_batch() -> None:
    engine = ScriptedEngine()
    async with batching(max_batch_windows=4, max_wait_s=0.01) as batcher:
        assert await answer(start_inference(batcher, engine, 0, 9)) == expected(engine, 0, 9)
    assert [len(batch) for batch in engine.scored] == [4, 4, 1]


@patiently
async def test_windows_for_another_model_do_not_fill_a_batch() -> None:
    engines = [ScriptedEngine(0), ScriptedEngine(1)]
    async with batching(max_batch_windows=4, max_wait_s=PATIENCE_S) as batcher:
        await infer(batcher, engines, 0, [4])
        first = asyncio.create_task(infer(batcher, engines, 1, [2]))
        await asyncio.sleep(0.05)
        second = asyncio.create_task(infer(batcher, engines, 2, [2]))
        await asyncio.gather(first, second)
    assert [[len(batch) for batch in engine.scored] for engine in engines] == [[4, 4], [4, 4]]


@patiently
async def test_a_caller_that_leaves_during_the_wait_is_not_waited_for() -> None:
    engine = ScriptedEngine()
    async with batching(max_batch_windows=4, max_wait_s=PATIENCE_S) as batcher:
        await start_inference(batcher, engine, 0, 4)
        leaving = start_inference(batcher, engine, 1, 3)
        await settled()
        await cancelled(leaving)
        assert await answer(start_inference(batcher, engine, 2, 4)) == expected(engine, 2, 4)
    assert {caller for caller, _ in engine.scored_windows} == {0, 2}


@patiently
async def test_without_a_limit_batches_have_the_engine_s_preferred_size() -> None:
    engines = [ScriptedEngine(0, batch_windows=3), ScriptedEngine(1, batch_windows=5)]
    async with batching(max_batch_windows=None) as batcher:
        await infer(batcher, engines, 0, [15])
    assert [[len(batch) for batch in engine.scored] for engine in engines] == [[3] * 5, [5] * 3]


@patiently
async def test_callers_wait_when_the_queue_of_windows_is_full() -> None:
    engine = ScriptedEngine()
    engine.hold()
    put: list[int] = []

    async def put_in(batcher: Batcher, caller: int) -> None:
        with batcher.request_queue(StageClock()) as request_queue:
            for first in range(0, 20, 2):
                await batcher.put(request_queue, windows(caller, 2, first), [engine])
                put.append(2)
            scores = await request_queue.scores(engine)
        assert scores.tolist() == expected(engine, caller, 20)

    async with batching(max_batch_windows=2, max_queued_windows=8) as batcher:
        tasks = [asyncio.create_task(put_in(batcher, caller)) for caller in range(3)]
        await until(lambda: engine.scored)
        await settled()
        taken = 2 * 2  # by the running batch and the queued one
        assert 8 <= sum(put) <= 8 + 1 + taken
        engine.go_on()
        await asyncio.gather(*tasks)
    assert sum(put) == 3 * 20


@patiently
async def test_a_caller_waiting_for_the_queue_continues_when_another_leaves() -> None:
    engine = ScriptedEngine()
    engine.hold()
    async with batching(max_batch_windows=1, max_queued_windows=5) as batcher:
        in_the_way = start_inference(batcher, engine, 0, 9)
        await until(lambda: engine.scored)
        with batcher.request_queue(StageClock()) as request_queue:
            putting = asyncio.create_task(batcher.put(request_queue, windows(1, 3), [engine]))
            await settled()
            assert not putting.done()
            await cancelled(in_the_way)
            await putting
            engine.go_on()
            assert (await request_queue.scores(engine)).tolist() == expected(engine, 1, 3)


@patiently
async def test_a_caller_waiting_for_the_queue_gets_the_error_of_its_windows() -> None:
    engine = ScriptedEngine()
    engine.raises_on = {0}
    engine.hold()
    async with batching(max_batch_windows=1, max_queued_windows=1) as batcher:
        task = start_inference(batcher, engine, 0, 3, 3)
        await until(lambda: engine.scored)
        await settled()  # the second piece waits for room that its own first one takes
        engine.go_on()
        with pytest.raises(RequestError, match=FAILED):
            await task


@patiently
async def test_a_caller_waiting_behind_others_gets_the_error_of_its_windows() -> None:
    engine = ScriptedEngine()
    engine.raises_on = {0}
    engine.hold()
    async with batching(max_batch_windows=1, max_queued_windows=2) as batcher:
        failing = start_inference(batcher, engine, 0, 1, 1)
        other = start_inference(batcher, engine, 1, 6)
        await until(lambda: engine.scored)
        await settled()
        engine.let()
        with pytest.raises(RequestError, match=FAILED):
            await failing
        assert not other.done()
        engine.go_on()
        assert await answer(other) == expected(engine, 1, 6)


@patiently
async def test_a_caller_gets_the_first_error() -> None:
    engine = ScriptedEngine()
    engine.raises_on = {0}
    async with batching() as batcher:
        with batcher.request_queue(StageClock()) as request_queue:
            await batcher.put(request_queue, windows(0, 1), [engine])
            await until(lambda: request_queue.failed)
            await batcher.close()
            with pytest.raises(RequestError, match=FAILED):
                await request_queue.scores(engine)


@patiently
async def test_a_caller_waiting_for_the_queue_gets_an_error_at_shutdown() -> None:
    engine = ScriptedEngine()
    engine.hold()
    async with batching(max_batch_windows=1, max_queued_windows=1) as batcher:
        task = start_inference(batcher, engine, 0, 3, 3)
        await until(lambda: engine.scored)
        await settled()
        closing = asyncio.create_task(batcher.close())
        await settled()
        engine.go_on()
        with pytest.raises(RequestError) as error:
            await task
        assert error.value.kind is Kind.NOT_READY
        await closing


@patiently
async def test_waiting_callers_get_an_error_at_shutdown_and_nothing_more_is_inferred() -> None:
    engine = ScriptedEngine()
    engine.hold()
    async with batching(max_batch_windows=2) as batcher:
        tasks = [start_inference(batcher, engine, caller, 4) for caller in range(3)]
        await until(lambda: engine.scored)
        closing = asyncio.create_task(batcher.close())
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        await settled()
        engine.go_on()
        await closing
    assert [outcome.kind for outcome in outcomes] == 3 * [Kind.NOT_READY]
    assert len(engine.scored) == 1


@patiently
async def test_no_caller_is_accepted_after_shutdown() -> None:
    engine = ScriptedEngine()
    async with batching() as batcher:
        await start_inference(batcher, engine, 0, 1)
        await batcher.close()
        with pytest.raises(RequestError) as error:
            await start_inference(batcher, engine, 1, 1)
    assert error.value.kind is Kind.NOT_READY
    assert engine.scored_windows == [(0, 0)]


@patiently
async def test_an_unused_batcher_can_be_closed() -> None:
    async with batching():
        pass


class SilentEngine(ScriptedEngine):
    """Gives nothing for the windows of caller 0, which no engine may."""

    def score(self, windows: Windows) -> Scores:
        scores = super().score(windows)
        return None if (windows[:, 0, 0] == 0).any() else scores


@patiently
async def test_an_engine_that_returns_no_scores_fails_its_callers() -> None:
    engine = SilentEngine()
    async with batching(max_batch_windows=4, max_wait_s=PATIENCE_S) as batcher:
        silent, good = (
            start_inference(batcher, engine, 0, 2),
            start_inference(batcher, engine, 1, 2),
        )
        outcome, _ = await asyncio.gather(silent, good, return_exceptions=True)
        assert isinstance(outcome, Exception)
        assert await answer(good) == expected(engine, 1, 2)


class ShapelessEngine(ScriptedEngine):
    """Breaks the making of batches until it is mended."""

    broken = True

    @property
    def batch_windows(self) -> int:
        if self.broken:
            raise ZeroDivisionError
        return 4

    @batch_windows.setter
    def batch_windows(self, _: int) -> None:
        pass


@patiently
async def test_the_batcher_survives_its_own_defects() -> None:
    engine = ShapelessEngine()
    async with batching(max_batch_windows=None) as batcher:
        with pytest.raises(RequestError, match=FAILED):
            await start_inference(batcher, engine, 0, 2)
        engine.broken = False
        assert await answer(start_inference(batcher, engine, 1, 6)) == expected(engine, 1, 6)


class RecordedTimeout:
    """`asyncio.timeout` that keeps which ones were entered."""

    entered: ClassVar[list[float]] = []
    real = staticmethod(asyncio.timeout)

    def __init__(self, delay: float) -> None:
        self._delay, self._timeout = delay, self.real(delay)

    async def __aenter__(self) -> asyncio.Timeout:
        self.entered.append(self._delay)
        return await self._timeout.__aenter__()

    async def __aexit__(self, *error: Any) -> bool | None:
        return await self._timeout.__aexit__(*error)

    def expired(self) -> bool:
        return self._timeout.expired()


@patiently
async def test_the_time_of_a_queued_batch_starts_with_its_inference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batch_timeout_s = PATIENCE_S + 1.5  # of no other timeout
    engine = ScriptedEngine()
    engine.hold()
    monkeypatch.setattr(asyncio, "timeout", RecordedTimeout)
    async with batching(max_batch_windows=2, batch_timeout_s=batch_timeout_s) as batcher:
        answers = [start_inference(batcher, engine, caller, 2) for caller in range(2)]
        await until(lambda: len(engine.scored) == 1)
        await settled()
        assert RecordedTimeout.entered.count(batch_timeout_s) == 1
        engine.let()
        engine.go_on()
        await asyncio.gather(*answers)
    assert RecordedTimeout.entered.count(batch_timeout_s) == 2


@patiently
async def test_a_hanging_model_fails_all_waiting_callers_and_accepts_no_more() -> None:
    engine = ScriptedEngine()
    engine.hold()
    async with batching(max_batch_windows=2, batch_timeout_s=0.2) as batcher:
        waiting = [start_inference(batcher, engine, caller, 5) for caller in range(3)]
        for task in waiting:
            with pytest.raises(RequestError, match=FAILED):
                await task
        assert batcher.is_stuck
        with pytest.raises(RequestError, match=FAILED):
            await infer(batcher, [engine], 4, [1])
        engine.go_on()
