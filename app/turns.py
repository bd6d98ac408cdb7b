"""Slots of work, shared out between clients by the time for which they held them.

A client with one short piece of work waits neither for all that another client brought, nor for one
long piece of it: while others wait, a client has one slot, and work that can be paused gives its
slot back after a moment. Cost needs not be known for that: it is measured.

All of it lives on the event loop: no locks.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol, Self

MOMENT_S = 0.25
"""Work that is paused has run for so long since it began, or went on."""

PAUSED_A_SLOT = 4
"""Paused pieces of work for each slot, at most: they hold memory."""


class Pausable(Protocol):
    """Work that can be stopped and continued at any moment."""

    def pause(self) -> None:
        """Stop it."""

    def resume(self) -> None:
        """Continue it."""


class Turn:
    """A piece of work that waits for a slot, or has one.

    Attributes:
        client: Whose it is.
        has_slot: Set while it may run.
        work: What is paused and continued; none: it keeps its slot until it is done.
    """

    def __init__(self, client: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to wait."""
        self.client = client
        self.has_slot = asyncio.Event()
        self.work: Pausable | None = None
        self.began = 0.0
        self._clock = clock
        self._ran_s = 0.0

    @classmethod
    def unshared(cls) -> Self:
        """A turn that has its slot all the time."""
        turn = cls()
        turn.run()
        return turn

    @property
    def ran_s(self) -> float:
        """For how long it has had a slot."""
        return self._ran_s + (self._clock() - self.began if self.has_slot.is_set() else 0.0)

    async def begins_within(self, patience_s: float) -> bool:
        """Wait for its slot; whether it came within so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self.has_slot.wait()
        return self.has_slot.is_set()

    def run(self) -> None:
        """Take a slot."""
        self.began = self._clock()
        self.has_slot.set()
        if self.work:
            self.work.resume()

    def stop(self) -> None:
        """Give the slot back."""
        self._ran_s = self.ran_s
        self.has_slot.clear()
        if self.work:
            self.work.pause()


class Turns:
    """Hands out slots."""

    def __init__(self, slots: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with all slots free.

        Args:
            slots: How many turns run at a time.
            clock: Tells seconds.
        """
        self._slots = slots
        self._clock = clock
        self._settled = clock()
        self._waiting: list[Turn] = []
        self._running: list[Turn] = []
        self._had_s: dict[str, float] = {}
        self._order: dict[str, int] = {}
        self._given = 0
        self._timer: asyncio.TimerHandle | None = None

    def waiting(self, client: str | None = None) -> int:
        """How many turns wait: all of them, or one client's."""
        return sum(1 for turn in self._waiting if client in (None, turn.client))

    def clients_waiting(self) -> int:
        """How many clients wait."""
        return len({turn.client for turn in self._waiting})

    @contextmanager
    def turn(self, client: str) -> Iterator[Turn]:
        """Be in line for a slot, and hold it from then on, until the body ends."""
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
        """Give slots to those who wait, and take some from clients that had more.

        Runs by itself whenever that may change something.
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
            self._given += 1
            self._order[turn.client] = self._given
            turn.run()
        self._set_timer()

    def _join(self, client: str) -> None:
        """Begin to count a client's time: who comes has had as much as whoever had least.

        So nobody saves up for later, and who was away for a moment goes on where he was.
        """
        self._settle()
        present = {turn.client for turn in (*self._waiting, *self._running)}
        least_s = min((self._had_s[each] for each in present), default=0.0)
        self._had_s = {
            each: seconds
            for each, seconds in self._had_s.items()
            if present and (each in present or seconds > least_s)
        }
        self._had_s[client] = max(self._had_s.get(client, 0.0), least_s)
        self._order = {each: self._order.get(each, 0) for each in self._had_s}

    def _settle(self) -> None:
        """Count the time since this was done last."""
        now = self._clock()
        for turn in self._running:
            self._had_s[turn.client] += now - self._settled
        self._settled = now

    def _next(self) -> Turn | None:
        """The turn of those that wait that comes first."""
        waiting = self._waiting
        paused = [turn for turn in waiting if turn.work]
        if len(paused) >= PAUSED_A_SLOT * self._slots:
            waiting = paused
        held = self._held()
        return min(
            waiting,
            key=lambda turn: (
                held[turn.client],
                self._had_s[turn.client],
                self._order[turn.client],
                turn.work is None,  # what was paused goes on before another begins
            ),  # and else the one that came first, as `min` keeps their order
            default=None,
        )

    def _to_pause(self, turn: Turn) -> Turn | None:
        """The turn that gives its slot to this one, if one has to."""
        held, now = self._held(), self._clock()
        other = max(
            (
                other
                for other in self._running
                if other.work and other.client != turn.client and now - other.began >= MOMENT_S
            ),
            key=lambda other: (held[other.client], self._had_s[other.client]),
            default=None,
        )
        if other is None:
            return None
        mine = held[turn.client], self._had_s[turn.client]
        theirs = held[other.client] - 1, self._had_s[other.client]
        return other if mine < theirs else None

    def _held(self) -> Counter[str]:
        return Counter(turn.client for turn in self._running)

    def _set_timer(self) -> None:
        """Look again once a turn has run for a moment, if others wait by then."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            since = [self._clock() - turn.began for turn in self._running]
            rest_s = min((MOMENT_S - each for each in since if each < MOMENT_S), default=MOMENT_S)
            self._timer = asyncio.get_running_loop().call_later(rest_s, self.share_out)
