"""How long what waits will take: its audio, at the pace at which tracks were heard lately."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.audio.worker.work import Work

FIRST_PACE = 200.0
"""Seconds of audio heard in a second before anything was: two models on two cores."""

MEMORY = 0.9
"""The weight of a track's pace when the next one is heard."""

LONGEST_PAUSE_S = 30.0
"""As long as a file may decode. More time than this between two tracks says nothing about the pace:
other things happened."""

OVERHEAD_S = 8.0
"""What each track costs beside its length, in seconds of audio: a process, a request, a few windows
more. Without it many short ones would seem to slow the service down for the long ones."""

MAX_CLIENTS = 1_000
"""So many are remembered by how far their files were longer than they announced."""

AT_ONCE_S = 0.1
SOON_S = 1.0
"""An upload counts as work where it began just now, or will be here soon at its rate so far. If it
did not, many that arrive together would all be accepted before the first of them waits; if all did
that ever began, it would cost next to nothing to shut everybody out by beginning."""


@dataclass(eq=False)
class Item:
    """An upload that waits, or may soon.

    Attributes:
        work: Whose it is, and what it costs, as far as that is known.
        size: Its bytes; None where nobody said.
        since: When it began.
        arrived: Bytes that are here.
        is_here: Whether all of it is.
        is_done: Whether it counted towards the pace.
    """

    work: Work
    size: int | None
    since: float
    arrived: int = 0
    is_here: bool = False
    is_done: bool = False

    @property
    def client(self) -> str:
        """Whose it is."""
        return self.work.client

    @property
    def left_s(self) -> float:
        """What it will still cost, in seconds of audio."""
        return self.work.left_s + OVERHEAD_S

    def is_work(self, now: float) -> bool:
        """Whether it waits, or soon will."""
        elapsed_s = now - self.since
        if self.is_here or elapsed_s < AT_ONCE_S:
            return True
        missing = self.size - self.arrived if self.size else 0
        return self.arrived > 0 and missing * elapsed_s < SOON_S * self.arrived


class Backlog:
    """Uploads that wait to be heard, and the pace at which they are."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._items: set[Item] = set()
        self._audio_s = FIRST_PACE
        self._busy_s = 1.0
        self._busy_since = 0.0
        self._excess: dict[str, tuple[float, float]] = {}

    def seconds(self, client: str | None = None) -> float:
        """How long what waits will take: all of it, or what is one client's."""
        work_s = sum(item.left_s * self._doubt(item.client) for item in self._work(client))
        return work_s * self._busy_s / self._audio_s

    def capped_seconds(self, each_s: float) -> float:
        """The same for all, where nobody's counts for more than `each_s`."""
        return sum(min(each_s, self.seconds(client)) for client in self._clients())

    def shared_seconds(self, client: str, own_s: float) -> float:
        """How long it takes until so much of a client's work is done, as all go in turns."""
        others = self._clients() - {client}
        return own_s + sum(min(own_s, self.seconds(other)) for other in others)

    def count(self, client: str | None = None) -> int:
        """How many uploads wait: all of them, or one client's."""
        return sum(1 for _ in self._work(client))

    def count_clients(self) -> int:
        """How many clients have uploads that wait."""
        return len({item.client for item in self._work(None)})

    def announce(self, client: str, audio_s: float, size: int | None) -> Item:
        """An upload of so many bytes begins, and seems to hold so much audio."""
        item = Item(Work(client, audio_s), size, self._clock())
        self._items.add(item)
        return item

    def arrived(self, item: Item, audio_s: float) -> None:
        """It waits from now on, and more is known about its length."""
        if not any(other.is_here for other in self._items):
            self._busy_since = self._clock()
        item.work.audio_s, item.is_here, item.since = audio_s, True, self._clock()

    def remove(self, item: Item) -> None:
        """It waits no more, for whichever reason.

        What was decoded of it before it was refused or left counts like a track of that length.
        """
        if item.work.done_s and not item.is_done:
            self._count(item, item.work.done_s)
        self._items.remove(item)

    def drained(self, item: Item) -> None:
        """It was heard; call it before `remove`.

        What came from the cache or could not be read at all is not told here: neither says how long
        a good track takes.
        """
        self._count(item, max(item.work.announced_s, item.work.done_s))

    def _count(self, item: Item, done_s: float) -> None:
        """Learn the pace. Only time in which something waited counts, this one among it."""
        item.is_done = True
        now = self._clock()
        pause_s = min(now - max(self._busy_since, item.since), LONGEST_PAUSE_S)
        self._busy_since = now
        self._audio_s = self._audio_s * MEMORY + done_s + OVERHEAD_S
        self._busy_s = self._busy_s * MEMORY + pause_s
        said_s, was_s = self._excess.pop(item.client, (0.0, 0.0))
        said_s = said_s * MEMORY + item.work.announced_s + OVERHEAD_S
        self._excess[item.client] = said_s, was_s * MEMORY + done_s + OVERHEAD_S
        if len(self._excess) > MAX_CLIENTS:
            del self._excess[next(iter(self._excess))]

    def _doubt(self, client: str) -> float:
        """By how much more than announced a client's files cost lately; those of some lie."""
        said_s, was_s = self._excess.get(client, (1.0, 1.0))
        return max(1.0, was_s / said_s)

    def _clients(self) -> set[str]:
        return {item.client for item in self._items}

    def _work(self, client: str | None) -> Iterator[Item]:
        now = self._clock()
        for item in self._items:
            if client in (None, item.client) and item.is_work(now):
                yield item
