"""What is being computed is not computed twice: identical questions in flight share one answer."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")


@dataclass(eq=False)
class _Flight(Generic[Question, Answer]):
    """A computation that answers some questions, and how many wait for it."""

    task: asyncio.Task[Mapping[Question, Answer]]
    waiting: int = 0


class SingleFlight(Generic[Question, Answer]):
    """Computations under way.

    One belongs to all who wait for it: that the first of them leaves harms no other, and when the
    last one leaves it is cancelled.
    """

    def __init__(self) -> None:
        self._single_flight: dict[Question, _Flight[Question, Answer]] = {}

    def __contains__(self, question: Question) -> bool:
        """Whether its answer is being computed."""
        return question in self._single_flight

    async def answers(
        self,
        questions: Sequence[Question],
        compute: Callable[[list[Question]], Coroutine[None, None, Mapping[Question, Answer]]],
    ) -> dict[Question, Answer]:
        """Wait for all answers; `compute` is asked for those that nobody computes yet.

        The task around it takes its first step before whoever asked can leave.

        Raises:
            Exception: What one of the computations failed with.
        """
        fresh = [question for question in questions if question not in self]
        if fresh:
            self._depart(fresh, _Flight(asyncio.create_task(compute(fresh))))
        single_flight = {self._single_flight[question] for question in questions}
        self._board(single_flight)
        found: dict[Question, Answer] = {}
        waiting = list(single_flight)
        try:
            # Nothing here may name a flight: it holds its error, which holds this very frame.
            while waiting:
                found |= await asyncio.shield(waiting.pop().task)
        finally:
            while single_flight:
                self._leave(single_flight.pop())
        return {question: found[question] for question in questions}

    def _depart(self, questions: Sequence[Question], flight: _Flight[Question, Answer]) -> None:
        self._single_flight |= dict.fromkeys(questions, flight)
        flight.task.add_done_callback(lambda _: self._land(flight))

    def _board(self, single_flight: Iterable[_Flight[Question, Answer]]) -> None:
        for flight in single_flight:
            flight.waiting += 1

    def _leave(self, flight: _Flight[Question, Answer]) -> None:
        flight.waiting -= 1
        if not flight.waiting:
            flight.task.cancel()  # which does nothing where it is done
            self._land(flight)

    def _land(self, flight: _Flight[Question, Answer]) -> None:
        self._single_flight = {
            q: other for q, other in self._single_flight.items() if other is not flight
        }
        if flight.task.done() and not flight.task.cancelled():
            flight.task.exception()  # seen, also where everybody left before
