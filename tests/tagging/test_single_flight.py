"""Identical requests share one computation; a caller that leaves affects no other."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.tagging.single_flight import SingleFlight
from tests.support.scripted_engine import patiently, settled

Answers = dict[str, str]


class Oracle:
    """Answers questions on request of the test.

    Attributes:
        requests: The questions of each computation.
        cancelled: The number of cancelled computations.
        now: The number of running ones.
    """

    def __init__(self) -> None:
        self.requests: list[list[str]] = []
        self.cancelled = 0
        self.now: Counter[str] = Counter()
        self._finished: list[asyncio.Future[None]] = []

    async def compute(self, questions: Sequence[str]) -> Answers:
        number = len(self.requests)
        self.requests.append(list(questions))
        future = asyncio.get_running_loop().create_future()
        self._finished.append(future)
        self.now.update(questions)
        try:
            await future
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.now.subtract(questions)
        return {question: f"{question}{number}" for question in questions}

    def answer(self, number: int = 0) -> None:
        """Have a computation end well."""
        if not self._finished[number].done():
            self._finished[number].set_result(None)

    def fail(self, number: int = 0) -> None:
        """Have a computation end badly."""
        if not self._finished[number].done():
            self._finished[number].set_exception(OSError(number))

    def answer_all(self) -> None:
        for number in range(len(self._finished)):
            self.answer(number)


def start(
    single_flight: SingleFlight[str, str], oracle: Oracle, questions: str
) -> asyncio.Task[Answers]:
    """Ask some questions, a letter each, in a task of its own."""
    return asyncio.create_task(single_flight.get(list(questions), oracle.compute))


@patiently
async def test_an_identical_request_is_not_computed_twice() -> None:
    single_flight, oracle = SingleFlight[str, str](), Oracle()
    tasks = [start(single_flight, oracle, "A") for _ in range(4)]
    await settled()
    oracle.answer()
    assert await asyncio.gather(*tasks) == 4 * [{"A": "A0"}]
    assert oracle.requests == [["A"]]


@patiently
async def test_a_running_computation_is_reported() -> None:
    single_flight, oracle = SingleFlight[str, str](), Oracle()
    task = start(single_flight, oracle, "A")
    await settled()
    assert "A" in single_flight
    assert "B" not in single_flight
    oracle.answer()
    await task
    assert "A" not in single_flight


@pytest.mark.parametrize("leaving", range(3))
@patiently
async def test_a_caller_that_leaves_affects_no_other(leaving: int) -> None:
    single_flight, oracle = SingleFlight[str, str](), Oracle()
    tasks = [start(single_flight, oracle, "A") for _ in range(3)]
    await settled()
    left = tasks.pop(leaving)
    left.cancel()
    await settled()
    oracle.answer()
    assert await asyncio.gather(*tasks) == 2 * [{"A": "A0"}]
    assert left.cancelled()
    assert (oracle.requests, oracle.cancelled) == ([["A"]], 0)


@patiently
async def test_when_the_last_caller_leaves_the_computation_is_cancelled() -> None:
    single_flight, oracle = SingleFlight[str, str](), Oracle()
    tasks = [start(single_flight, oracle, "A") for _ in range(3)]
    await settled()
    for task in tasks:
        assert oracle.cancelled == 0
        task.cancel()
        await settled()
    assert oracle.cancelled == 1
    assert "A" not in single_flight


@patiently
async def test_a_request_after_a_cancellation_is_computed_again() -> None:
    single_flight, oracle = SingleFlight[str, str](), Oracle()
    left = start(single_flight, oracle, "A")
    await settled()
    left.cancel()
    await asyncio.wait({left})
    task = start(single_flight, oracle, "A")
    await settled()
    oracle.answer(1)
    assert await task == {"A": "A1"}
    assert oracle.requests == [["A"], ["A"]]


@patiently
async def test_a_request_after_an_answer_is_computed_again() -> None:
    single_flight, oracle = SingleFlight[str, str](), Oracle()
    for number in range(2):
        task = start(single_flight, oracle, "A")
        await settled()
        oracle.answer(number)
        assert await task == {"A": f"A{number}"}


@patiently
async def test_of_several_requests_only_the_new_ones_are_computed() -> None:
    single_flight, oracle = SingleFlight[str, str](), Oracle()
    tasks = [start(single_flight, oracle, questions) for questions in ("A", "AB", "BCA", "C")]
    await settled()
    assert oracle.requests == [["A"], ["B"], ["C"]]
    oracle.answer_all()
    assert await asyncio.gather(*tasks) == [
        {"A": "A0"},
        {"A": "A0", "B": "B1"},
        {"B": "B1", "C": "C2", "A": "A0"},
        {"C": "C2"},
    ]


@patiently
async def test_a_caller_that_shares_a_part_and_leaves_cancels_only_its_own_part() -> None:
    single_flight, oracle = SingleFlight[str, str](), Oracle()
    staying, leaving = start(single_flight, oracle, "A"), start(single_flight, oracle, "AB")
    await settled()
    leaving.cancel()
    await settled()
    assert ("A" in single_flight, "B" in single_flight) == (True, False)
    assert oracle.cancelled == 1
    oracle.answer()
    assert await staying == {"A": "A0"}


@patiently
async def test_an_error_reaches_exactly_its_waiting_callers() -> None:
    single_flight, oracle = SingleFlight[str, str](), Oracle()
    tasks = [start(single_flight, oracle, questions) for questions in ("A", "A", "AB", "B")]
    await settled()
    oracle.fail()
    await settled()
    oracle.answer_all()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [OSError, OSError, OSError, dict]
    assert "A" not in single_flight


@patiently
async def test_a_request_after_an_error_is_computed_again() -> None:
    single_flight, oracle = SingleFlight[str, str](), Oracle()
    failing = start(single_flight, oracle, "A")
    await settled()
    oracle.fail()
    await asyncio.wait({failing})
    task = start(single_flight, oracle, "A")
    await settled()
    oracle.answer(1)
    assert await task == {"A": "A1"}
    with pytest.raises(OSError, match="0"):
        await failing


@patiently
async def test_a_computation_starts_even_if_its_caller_leaves_at_once() -> None:
    """By then it has the resources of its caller, such as an open file."""
    single_flight, oracle = SingleFlight[str, str](), Oracle()
    first, second = start(single_flight, oracle, "A"), start(single_flight, oracle, "A")
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    assert oracle.requests == [["A"]]
    oracle.answer()
    assert await second == {"A": "A0"}


QUESTIONS = st.sets(st.sampled_from("ABC"), min_size=1).map(sorted).map("".join)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("request"), QUESTIONS),
        st.tuples(st.sampled_from(["leaves", "answers", "fails"]), st.integers(0, 9)),
        st.tuples(st.just("turns"), st.integers(1, 5)),
    ),
    max_size=40,
)


@given(steps=STEPS)
@patiently
async def test_all_callers_that_stay_are_answered(
    steps: list[tuple[str, str | int]],
) -> None:
    scene = Scene()
    for step, value in steps:
        await getattr(scene, step)(value)
    outcomes = await scene.end()

    for number, (questions, outcome) in enumerate(zip(scene.requests, outcomes, strict=True)):
        if isinstance(outcome, dict):
            assert "".join(outcome) == questions
            assert all(answer[0] == question for question, answer in outcome.items())
        elif isinstance(outcome, OSError):
            assert set(scene.oracle.requests[outcome.args[0]]) & set(questions)
        else:
            assert isinstance(outcome, asyncio.CancelledError)
            assert number in scene.left
    assert not any(question in scene.single_flight for question in "ABC")
    assert scene.oracle.now.total() == 0


class Scene:
    """Callers that arrive and leave, and an oracle that answers or fails.

    Attributes:
        single_flight: The one under test.
        oracle: Computes the answers.
        requests: What each caller requests.
        left: The callers that were cancelled.
    """

    def __init__(self) -> None:
        self.single_flight, self.oracle = SingleFlight[str, str](), Oracle()
        self.requests: list[str] = []
        self.left: set[int] = set()
        self._tasks: list[asyncio.Task[Answers]] = []

    async def request(self, questions: str) -> None:
        """Start a caller."""
        self.requests.append(questions)
        self._tasks.append(start(self.single_flight, self.oracle, questions))

    async def leaves(self, number: int) -> None:
        """Cancel a caller, if it exists."""
        if number < len(self._tasks):
            self._tasks[number].cancel()
            self.left.add(number)

    async def answers(self, number: int) -> None:
        """Finish a computation, if it was begun."""
        if number < len(self.oracle.requests):
            self.oracle.answer(number)

    async def fails(self, number: int) -> None:
        """Fail a computation, if it was begun."""
        if number < len(self.oracle.requests):
            self.oracle.fail(number)

    async def turns(self, count: int) -> None:
        """Time passes."""
        for _ in range(count):
            await asyncio.sleep(0)

    async def end(self) -> list[Answers | BaseException]:
        """Answer everything; return the outcome of each caller."""
        await settled()
        assert all(count <= 1 for count in self.oracle.now.values())
        self.oracle.answer_all()
        outcomes = await asyncio.gather(*self._tasks, return_exceptions=True)
        await settled()
        return outcomes
