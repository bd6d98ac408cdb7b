"""Draws pictures on demand: one at a time, in turns by client, with a bounded queue and a cache."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from app.errors import Kind, RequestError
from app.turns import Turns

MAX_WAITING = 64
MAX_WAITING_PER_CLIENT = 8
"""The most pictures that wait, of all clients and of one."""

CACHE_BYTES = 8 * 2**20
"""Enough for about a hundred pictures."""

FIRST_S = 0.5
"""The assumed time to draw a picture, before one was drawn."""


class Pictures:
    """Draws pictures, and caches those used last.

    One is drawn at a time: the interpreter lock prevents more, and each takes about 30 MB. The
    thread is a separate one, as uploads are written in the default threads.
    """

    def __init__(self) -> None:
        self._turns = Turns(1)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pictures")
        self._kept: dict[str, bytes] = {}
        self._drawing_s = FIRST_S

    async def picture(self, client: str, name: str, draw: Callable[[], bytes]) -> bytes:
        """Return a picture in PNG.

        A caller that leaves before its turn costs nothing.

        Args:
            client: The client that requests it.
            name: The cache key, which must depend on all that the picture shows.
            draw: Draws the picture, in a thread.

        Raises:
            RequestError: `overloaded`: too many pictures wait.
        """
        if name in self._kept:
            return self._take(name)
        self._check(client)
        with self._turns.turn(client) as turn:
            await turn.has_slot.wait()
            if name in self._kept:  # another caller has drawn it meanwhile
                return self._take(name)
            begun = time.monotonic()
            loop = asyncio.get_running_loop()
            self._kept[name] = await loop.run_in_executor(self._thread, draw)
            self._drawing_s = time.monotonic() - begun
            return self._take(name)

    async def close(self) -> None:
        """Stop the thread."""
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)

    def _check(self, client: str) -> None:
        of_client = self._turns.waiting(client)
        waiting = self._turns.waiting()
        if of_client >= MAX_WAITING_PER_CLIENT or waiting >= MAX_WAITING:
            before = min(waiting, of_client * self._turns.clients_waiting())
            raise RequestError(
                Kind.OVERLOADED,
                f"{of_client} of your pictures wait to be drawn, and {waiting} in all; at most "
                f"{MAX_WAITING_PER_CLIENT} and {MAX_WAITING} may wait. Try again later.",
                retry_after_s=self._drawing_s * (1 + before - of_client),
            )

    def _take(self, name: str) -> bytes:
        """Return a cached picture, and evict the least recently used ones."""
        picture = self._kept[name] = self._kept.pop(name)
        size = sum(map(len, self._kept.values()))
        while size > CACHE_BYTES:
            size -= len(self._kept.pop(next(iter(self._kept))))
        return picture
