"""A fair scheduler: shares slots of work between clients by the slot time that each has used.

A client with one short job waits neither for all jobs of another client, nor for one long job.
While others wait, a client has one slot, and jobs that can be paused release their slot after a
time slice. Costs are measured, and need not be known before.

Everything runs on the event loop, so that no locks are needed.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol, Self

TIME_SLICE_S = 0.25
"""The least time that a job runs before it is paused."""

MAX_PAUSED_PER_SLOT = 4
"""The most paused jobs for each slot, as they hold memory."""


class Pausable(Protocol):
    """A job that can be paused and resumed at any time."""

    def pause(self) -> None:
        """Pause the job."""

    def resume(self) -> None:
        """Resume the job."""


class Turn:
    """A job that waits for a slot, or has one.

    Attributes:
        client: The client of the job.
        has_slot: Is set while the job may run.
        work: The job to pause and resume; None if it keeps its slot until it is done.
    """

    def __init__(self, client: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        """Create a turn without a slot."""
        self.client = client
        self.has_slot = asyncio.Event()
        self.work: Pausable | None = None
        self.began = 0.0
        self._clock = clock
        self._ran_s = 0.0

    @classmethod
    def unshared(cls) -> Self:
        """Return a turn that always has a slot."""
        turn = cls()
        turn.run()
        return turn

    @property
    def ran_s(self) -> float:
        """Return the time for which it has had a slot."""
        return self._ran_s + (self._clock() - self.began if self.has_slot.is_set() else 0.0)

    async def wait_for_slot(self, timeout_s: float) -> bool:
        """Wait for a slot; return whether it was available before the timeout."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self.has_slot.wait()
        return self.has_slot.is_set()

    def run(self) -> None:
        """Take a slot, and resume the job."""
        self.began = self._clock()
        self.has_slot.set()
        if self.work:
            self.work.resume()

    def stop(self) -> None:
        """Release the slot, and pause the job."""
        self._ran_s = self.ran_s
        self.has_slot.clear()
        if self.work:
            self.work.pause()


class Turns:
    """Assigns slots to turns."""

    def __init__(self, slots: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with all slots free.

        Args:
            slots: The number of turns that run at a time.
            clock: Returns the time in seconds.
        """
        self._slots = slots
        self._clock = clock
        self._settled = clock()
        self._waiting: list[Turn] = []
        self._running: list[Turn] = []
        self._used_s: dict[str, float] = {}
        self._order: dict[str, int] = {}
        self._assigned = 0
        self._timer: asyncio.TimerHandle | None = None

    def waiting(self, client: str | None = None) -> int:
        """Return the number of waiting turns: of all clients, or of one."""
        return sum(1 for turn in self._waiting if client in (None, turn.client))

    def clients_waiting(self) -> int:
        """Return the number of clients with waiting turns."""
        return len({turn.client for turn in self._waiting})

    @contextmanager
    def turn(self, client: str) -> Iterator[Turn]:
        """Yield a turn, which waits for a slot and holds it until the body ends."""
        turn = Turn(client, self._clock)
        self._join(client)
        self._waiting.append(turn)
        self.share_out()
        try:
            yield turn
        finally:
            self._settle()
            (self._running if turn in self._running else self._waiting).remove(turn)
            self.share_out()

    def share_out(self) -> None:
        """Assign slots to waiting turns, and pause turns of clients that used more time.

        This runs automatically whenever the assignment may change.
        """
        self._settle()
        while turn := self._next():
            if len(self._running) >= self._slots:
                other = self._to_pause(turn)
                if other is None:
                    break
                other.stop()
                self._running.remove(other)
                self._waiting.append(other)
            self._waiting.remove(turn)
            self._running.append(turn)
            self._assigned += 1
            self._order[turn.client] = self._assigned
            turn.run()
        self._set_timer()

    def _join(self, client: str) -> None:
        """Start to count a client's time, with at least the lowest time of the present clients.

        Therefore a client gains nothing by being idle, and loses nothing by a short absence. The
        completely fair scheduler of Linux treats processes that wake up in the same way.
        """
        self._settle()
        present = {turn.client for turn in (*self._waiting, *self._running)}
        least_s = min((self._used_s[each] for each in present), default=0.0)
        self._used_s = {
            each: seconds
            for each, seconds in self._used_s.items()
            if present and (each in present or seconds > least_s)
        }
        self._used_s[client] = max(self._used_s.get(client, 0.0), least_s)
        self._order = {each: self._order.get(each, 0) for each in self._used_s}

    def _settle(self) -> None:
        """Add the time since the last call to the clients of running turns."""
        now = self._clock()
        for turn in self._running:
            self._used_s[turn.client] += now - self._settled
        self._settled = now

    def _next(self) -> Turn | None:
        """Return the waiting turn that gets a slot first."""
        waiting = self._waiting
        paused = [turn for turn in waiting if turn.work]
        if len(paused) >= MAX_PAUSED_PER_SLOT * self._slots:
            waiting = paused
        held = self._held()
        return min(
            waiting,
            key=lambda turn: (
                held[turn.client],
                self._used_s[turn.client],
                self._order[turn.client],
                turn.work is None,  # paused jobs resume before new ones begin
            ),  # otherwise the first in the list
            default=None,
        )

    def _to_pause(self, turn: Turn) -> Turn | None:
        """Return the running turn that must release its slot for this one, if any."""
        held, now = self._held(), self._clock()
        other = max(
            (
                other
                for other in self._running
                if other.work and other.client != turn.client and now - other.began >= TIME_SLICE_S
            ),
            key=lambda other: (held[other.client], self._used_s[other.client]),
            default=None,
        )
        if other is None:
            return None
        waiting = held[turn.client], self._used_s[turn.client]
        running = held[other.client] - 1, self._used_s[other.client]
        return other if waiting < running else None

    def _held(self) -> Counter[str]:
        return Counter(turn.client for turn in self._running)

    def _set_timer(self) -> None:
        """Assign slots again once a running turn has used its time slice, if others wait."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            since = [self._clock() - turn.began for turn in self._running]
            rest_s = min(
                (TIME_SLICE_S - each for each in since if each < TIME_SLICE_S), default=TIME_SLICE_S
            )
            self._timer = asyncio.get_running_loop().call_later(rest_s, self.share_out)
