"""Runs short pieces of work in one thread, in turns by client, with a bounded queue."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from app.errors import Kind, RequestError
from app.turns import Turns

Result = TypeVar("Result")


@dataclass(frozen=True)
class QueueLimits:
    """How much work may wait.

    Attributes:
        waiting: The most pieces that wait, of all clients.
        of_client: The most that wait of one client.
        first_s: The assumed time of a piece before one was measured, in seconds.
    """

    waiting: int
    of_client: int
    first_s: float


class TurnThread:
    """A thread for work that would block the event loop for too long.

    It is a separate one, as uploads are written in the default threads. There is only one, as the
    interpreter lock would let several gain little.
    """

    def __init__(self, what: str, limits: QueueLimits) -> None:
        """Start without work.

        Args:
            what: What is made, in the plural, for the name of the thread and for messages.
            limits: How much work may wait.
        """
        self._what = what
        self._limits = limits
        self._turns = Turns(1)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=what)
        self._last_s = limits.first_s

    async def run(self, client: str, work: Callable[[], Result]) -> Result:
        """Return the result of work.

        A caller that leaves before its turn costs nothing.

        Args:
            client: The client that requests it.
            work: The work, which runs in the thread.

        Raises:
            RequestError: `overloaded`: too much work waits.
            Exception: The error of the work.
        """
        self._check(client)
        with self._turns.turn(client) as turn:
            await turn.has_slot.wait()
            begun = time.monotonic()
            result = await asyncio.get_running_loop().run_in_executor(self._thread, work)
            self._last_s = time.monotonic() - begun
            return result

    async def close(self) -> None:
        """Stop the thread."""
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)

    def _check(self, client: str) -> None:
        limits = self._limits
        of_client = self._turns.waiting(client)
        waiting = self._turns.waiting()
        if of_client >= limits.of_client or waiting >= limits.waiting:
            before = min(waiting, of_client * self._turns.clients_waiting())
            raise RequestError(
                Kind.OVERLOADED,
                f"{of_client} of your {self._what} wait, and {waiting} in all; at most "
                f"{limits.of_client} and {limits.waiting} may wait. Try again later.",
                retry_after_s=self._last_s * (1 + before - of_client),
            )
