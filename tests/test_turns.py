"""Slots go round the clients, by the time for which each had them."""

import asyncio

import pytest

from app.turns import MAX_PAUSED_PER_SLOT, TIME_SLICE_S, Turn, Turns
from testing.waiting import wait_for_async

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """As the service runs."""
    return "asyncio"


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Decoding:
    """Work of a client that runs until the test ends it, and can be paused.

    Attributes:
        is_paused: Whether it was stopped.
        turn: Its turn, once it has one.
    """

    def __init__(self, turns: Turns, client: str, *, can_pause: bool = True) -> None:
        self.is_paused = False
        self.turn: Turn | None = None
        self._can_pause = can_pause
        self._end = asyncio.Event()
        self._task = asyncio.create_task(self._run(turns, client))

    async def _run(self, turns: Turns, client: str) -> None:
        with turns.turn(client) as self.turn:
            await self.turn.has_slot.wait()
            self.turn.work = self if self._can_pause else None
            await self._end.wait()

    @property
    def runs(self) -> bool:
        return self.turn is not None and self.turn.has_slot.is_set() and not self._task.done()

    def pause(self) -> None:
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False

    async def end(self) -> None:
        self._end.set()
        await self._task
        await settled()

    async def leave(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        await settled()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def begun(turns: Turns, clients: str, *, can_pause: bool = True) -> list[Decoding]:
    """Decodings of clients with names of one letter, in this order."""
    made = []
    for client in clients:
        made.append(Decoding(turns, client, can_pause=can_pause))
        await settled()
    return made


def running(decodings: list[Decoding]) -> list[int]:
    return [number for number, decoding in enumerate(decodings) if decoding.runs]


async def pass_time(turns: Turns, clock: Clock, seconds: float) -> None:
    """Let time pass, and have the turns looked at as by their own timer."""
    clock.now += seconds
    turns.share_out()
    await settled()


async def test_clients_take_turns_whatever_their_number_of_pieces() -> None:
    turns = Turns(1, Clock())
    decodings = await begun(turns, "aaab", can_pause=False)
    order = []
    for _ in decodings:
        [number] = running(decodings)
        order.append(number)
        await decodings[number].end()
    assert order == [0, 3, 1, 2]


async def test_a_client_that_is_alone_has_all_slots_and_is_never_paused() -> None:
    clock = Clock()
    turns = Turns(2, clock)
    decodings = await begun(turns, "aaa")
    await pass_time(turns, clock, 100 * TIME_SLICE_S)
    assert running(decodings) == [0, 1]
    for decoding in decodings:
        await decoding.end()


async def test_while_others_wait_a_client_has_one_slot() -> None:
    clock = Clock()
    turns = Turns(2, clock)
    decodings = await begun(turns, "aaab")
    assert running(decodings) == [0, 1], "for a moment they keep what they have"
    await pass_time(turns, clock, TIME_SLICE_S)
    assert 3 in running(decodings)
    assert sum(decoding.is_paused for decoding in decodings) == 1
    await decodings[3].end()
    assert running(decodings) == [0, 1], "what was paused goes on before anything else begins"
    assert not any(decoding.is_paused for decoding in decodings)
    for decoding in decodings:
        await decoding.end()


async def test_the_client_with_the_least_time_runs_next() -> None:
    clock = Clock()
    turns = Turns(1, clock)
    decodings = await begun(turns, "ab")
    await pass_time(turns, clock, 4 * TIME_SLICE_S)
    assert running(decodings) == [1]
    await pass_time(turns, clock, 2 * TIME_SLICE_S)
    assert running(decodings) == [1], "it had half as much by now"
    await pass_time(turns, clock, 3 * TIME_SLICE_S)
    assert running(decodings) == [0]
    for decoding in decodings:
        await decoding.end()


async def test_a_client_without_a_slot_runs_first() -> None:
    turns = Turns(2, Clock())
    decodings = await begun(turns, "baba", can_pause=False)
    await decodings[1].end()
    assert running(decodings) == [0, 3]
    for decoding in decodings:
        await decoding.end()


async def test_short_pieces_catch_up_with_a_long_one() -> None:
    clock = Clock()
    turns = Turns(1, clock)
    decodings = await begun(turns, "aabbb", can_pause=False)
    order = []
    for seconds in (2.5, 1.0, 1.0, 1.0, 1.0):
        [number] = running(decodings)
        order.append(number)
        await pass_time(turns, clock, seconds)
        await decodings[number].end()
    assert order == [0, 2, 3, 4, 1]


async def test_many_long_pieces_of_one_client_delay_another_only_briefly() -> None:
    clock = Clock()
    turns = Turns(1, clock)
    long = await begun(turns, "a" * 10)
    for _ in range(5):
        await pass_time(turns, clock, 20 * TIME_SLICE_S)
        [short] = await begun(turns, "b")
        await pass_time(turns, clock, TIME_SLICE_S)
        assert short.runs
        await short.end()
    for decoding in long:
        await decoding.end()


async def test_a_new_client_has_no_saved_time() -> None:
    clock = Clock()
    turns = Turns(1, clock)
    [first] = await begun(turns, "a")
    await pass_time(turns, clock, 100 * TIME_SLICE_S)
    [second] = await begun(turns, "b")
    await pass_time(turns, clock, 2 * TIME_SLICE_S)
    assert second.runs
    await pass_time(turns, clock, 3 * TIME_SLICE_S)
    assert first.runs
    await first.end()
    await second.end()


async def test_work_that_cannot_be_paused_keeps_its_slot() -> None:
    clock = Clock()
    turns = Turns(1, clock)
    decodings = await begun(turns, "ab", can_pause=False)
    await pass_time(turns, clock, 100 * TIME_SLICE_S)
    assert running(decodings) == [0]
    for decoding in decodings:
        await decoding.end()


async def test_paused_time_is_not_counted() -> None:
    clock = Clock()
    turns = Turns(1, clock)
    first, second = await begun(turns, "ab")
    await pass_time(turns, clock, 3 * TIME_SLICE_S)
    assert first.is_paused
    await pass_time(turns, clock, 2 * TIME_SLICE_S)
    assert first.turn is not None
    assert second.turn is not None
    assert first.turn.ran_s == pytest.approx(3 * TIME_SLICE_S)
    assert second.turn.ran_s == pytest.approx(2 * TIME_SLICE_S)
    await second.end()
    await first.end()


async def test_work_that_begins_late_is_paused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.turns.TIME_SLICE_S", 0.001)
    turns = Turns(1)
    first, second = await begun(turns, "ab", can_pause=False)
    await asyncio.sleep(0.01)  # the turns have looked, and found nothing to pause
    assert first.turn is not None
    first.turn.work = first
    await wait_for_async(lambda: second.runs, "the second one's turn")
    assert first.is_paused
    await second.end()
    await first.end()


async def test_the_number_of_paused_pieces_is_bounded() -> None:
    clock = Clock()
    turns = Turns(1, clock)
    decodings = []
    for number in range(3 * MAX_PAUSED_PER_SLOT):
        decodings += await begun(turns, chr(ord("a") + number))
        await pass_time(turns, clock, TIME_SLICE_S)
    assert sum(decoding.is_paused for decoding in decodings) == MAX_PAUSED_PER_SLOT
    for decoding in decodings:
        await decoding.end()


@pytest.mark.parametrize("leaving", [0, 1, 2])
async def test_leaving_frees_the_slot_of_running_waiting_or_paused_work(leaving: int) -> None:
    clock = Clock()
    turns = Turns(1, clock)
    decodings = await begun(turns, "ab")
    await pass_time(turns, clock, 2 * TIME_SLICE_S)  # the first is paused, the second runs
    decodings += await begun(turns, "a")
    await decodings.pop(leaving).leave()
    for decoding in decodings:
        await decoding.end()
    with turns.turn("c") as turn:
        assert turn.has_slot.is_set()
    assert not turns.waiting()
