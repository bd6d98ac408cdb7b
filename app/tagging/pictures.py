"""Draws pictures on demand: one at a time, in turns by client, with a bounded queue and a cache."""

from collections.abc import Callable

from app.tagging.turn_thread import QueueLimits, TurnThread

MAX_WAITING = 64
MAX_WAITING_PER_CLIENT = 8
"""The most pictures that wait, of all clients and of one."""

CACHE_BYTES = 8 * 2**20
"""Enough for about a hundred pictures."""

FIRST_S = 0.5
"""The assumed time to draw a picture, before one was drawn."""


class Pictures:
    """Draws pictures, and caches those used last.

    One is drawn at a time: the interpreter lock prevents more, and each takes about 30 MB.
    """

    def __init__(self) -> None:
        limits = QueueLimits(MAX_WAITING, MAX_WAITING_PER_CLIENT, FIRST_S)
        self._thread = TurnThread("pictures", limits)
        self._kept: dict[str, bytes] = {}

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

        def draw_if_new() -> bytes:
            """Return the picture that another caller has drawn meanwhile, or draw it."""
            return self._kept.get(name) or draw()

        if name not in self._kept:
            drawn = await self._thread.run(client, draw_if_new)
            self._kept[name] = drawn
        return self._take(name)

    async def close(self) -> None:
        """Stop the thread."""
        await self._thread.close()

    def _take(self, name: str) -> bytes:
        """Return a cached picture, and evict the least recently used ones."""
        picture = self._kept[name] = self._kept.pop(name)
        size = sum(map(len, self._kept.values()))
        while size > CACHE_BYTES:
            size -= len(self._kept.pop(next(iter(self._kept))))
        return picture
