"""Computes concurrent identical requests once (single flight)."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key")
Result = TypeVar("Result")


@dataclass(eq=False)
class _Computation(Generic[Key, Result]):
    """A computation of the results of some keys, and the number of callers that wait for it."""

    task: asyncio.Task[Mapping[Key, Result]]
    waiting: int = 0


class SingleFlight(Generic[Key, Result]):
    """Computations in progress.

    A computation belongs to all callers that wait for it. If one of them is cancelled, the others
    still get the result. When the last one is cancelled, so is the computation.
    """

    def __init__(self) -> None:
        self._computations: dict[Key, _Computation[Key, Result]] = {}

    def __contains__(self, key: Key) -> bool:
        """Return whether the result of a key is being computed."""
        return key in self._computations

    async def get(
        self,
        keys: Sequence[Key],
        compute: Callable[[list[Key]], Coroutine[None, None, Mapping[Key, Result]]],
    ) -> dict[Key, Result]:
        """Return the results of all keys.

        The task of `compute` takes its first step before a caller can be cancelled.

        Args:
            keys: The keys.
            compute: Computes the results of those keys that are not being computed yet.

        Raises:
            Exception: The error of a computation.
        """
        new = [key for key in keys if key not in self]
        if new:
            self._start(new, _Computation(asyncio.create_task(compute(new))))
        computations = {self._computations[key] for key in keys}
        self._join(computations)
        found: dict[Key, Result] = {}
        waiting = list(computations)
        try:
            # No variable may refer to a computation: its error refers to this frame, which would
            # make a reference cycle.
            while waiting:
                found |= await asyncio.shield(waiting.pop().task)
        finally:
            while computations:
                self._leave(computations.pop())
        return {key: found[key] for key in keys}

    def _start(self, keys: Sequence[Key], computation: _Computation[Key, Result]) -> None:
        self._computations |= dict.fromkeys(keys, computation)
        computation.task.add_done_callback(lambda _: self._remove(computation))

    def _join(self, computations: Iterable[_Computation[Key, Result]]) -> None:
        for computation in computations:
            computation.waiting += 1

    def _leave(self, computation: _Computation[Key, Result]) -> None:
        computation.waiting -= 1
        if not computation.waiting:
            computation.task.cancel()  # has no effect on a task that is done
            self._remove(computation)

    def _remove(self, computation: _Computation[Key, Result]) -> None:
        self._computations = {
            key: other for key, other in self._computations.items() if other is not computation
        }
        if computation.task.done() and not computation.task.cancelled():
            computation.task.exception()  # marks it as retrieved, also if no caller waits any more
