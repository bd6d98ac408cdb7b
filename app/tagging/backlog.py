"""Estimates how long waiting uploads will take: their audio, at the recently measured pace."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.audio.worker.work import Work

FIRST_PACE = 200.0
"""The initial pace, in seconds of audio analysed a second: two models on two cores."""

DECAY = 0.9
"""The factor by which the weight of earlier tracks decreases with each track."""

LONGEST_PAUSE_S = 30.0
"""The default decode timeout. More time than this between two tracks has other causes, and does not
count towards the pace."""

OVERHEAD_S = 8.0
"""The fixed cost of a track in seconds of audio: a process, a request, a few more windows. Without
it, many short tracks would increase the estimates of long ones."""

MAX_CLIENTS = 1_000
"""The number of clients whose announced and actual durations are kept."""

JUST_BEGUN_S = 0.1
SOON_S = 1.0
"""An upload counts as work if it has just begun, or will be complete soon at its rate so far. If
such uploads did not count, many that arrive together would all be accepted. If every upload that
has begun counted, an attacker could block the service by only beginning uploads."""


@dataclass(eq=False)
class Item:
    """An upload in the backlog.

    Attributes:
        work: Its client, and its cost as far as it is known.
        size: Its size in bytes; None if it is unknown.
        since: When it began, or when it was complete, in seconds of the clock.
        received_bytes: The bytes received so far.
        is_received: Whether it is complete.
        is_counted: Whether it counted towards the pace.
    """

    work: Work
    size: int | None
    since: float
    received_bytes: int = 0
    is_received: bool = False
    is_counted: bool = False

    @property
    def client(self) -> str:
        """Return the client that sends it."""
        return self.work.client

    @property
    def left_s(self) -> float:
        """Return its remaining cost, in seconds of audio."""
        return self.work.left_s + OVERHEAD_S

    def is_work(self, now: float) -> bool:
        """Return whether it waits to be analysed, or soon will."""
        elapsed_s = now - self.since
        if self.is_received or elapsed_s < JUST_BEGUN_S:
            return True
        missing = self.size - self.received_bytes if self.size else 0
        return self.received_bytes > 0 and missing * elapsed_s < SOON_S * self.received_bytes


class Backlog:
    """Uploads that wait to be analysed, and the measured pace of the analysis."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._items: set[Item] = set()
        self._audio_s = FIRST_PACE
        self._busy_s = 1.0
        self._busy_since = 0.0
        self._excess: dict[str, tuple[float, float]] = {}

    def seconds(self, client: str | None = None) -> float:
        """Return the seconds that all waiting uploads, or those of one client, will take."""
        work_s = sum(item.left_s * self._excess_factor(item.client) for item in self._work(client))
        return work_s * self._busy_s / self._audio_s

    def capped_seconds(self, each_s: float) -> float:
        """Return the seconds of all waiting uploads, counting at most `each_s` of each client."""
        return sum(min(each_s, self.seconds(client)) for client in self._clients())

    def shared_seconds(self, client: str, own_s: float) -> float:
        """Return the seconds until `own_s` of a client's work is done, as clients take turns."""
        others = self._clients() - {client}
        return own_s + sum(min(own_s, self.seconds(other)) for other in others)

    def count(self, client: str | None = None) -> int:
        """Return the number of waiting uploads: of all clients, or of one."""
        return sum(1 for _ in self._work(client))

    def count_clients(self) -> int:
        """Return the number of clients with waiting uploads."""
        return len({item.client for item in self._work(None)})

    def add(self, client: str, audio_s: float, size: int | None) -> Item:
        """Add an upload that begins, and return it.

        Args:
            client: The client that sends it.
            audio_s: Its estimated duration in seconds.
            size: Its size in bytes; None if it is unknown.
        """
        item = Item(Work(client, audio_s), size, self._clock())
        self._items.add(item)
        return item

    def mark_received(self, item: Item, audio_s: float) -> None:
        """Record that an upload is complete, and a better estimate of its duration."""
        if not any(other.is_received for other in self._items):
            self._busy_since = self._clock()
        item.work.audio_s, item.is_received, item.since = audio_s, True, self._clock()

    def remove(self, item: Item) -> None:
        """Remove an upload from the backlog.

        If a part of it was decoded before it failed or was abandoned, that part counts towards the
        pace.
        """
        if item.work.done_s and not item.is_counted:
            self._count(item, item.work.done_s)
        self._items.remove(item)

    def mark_analysed(self, item: Item) -> None:
        """Record that an upload was analysed; call this before `remove`.

        Do not call it for tracks from the cache or files that could not be read: they say nothing
        about the time that an analysis takes.
        """
        self._count(item, max(item.work.announced_s, item.work.done_s))

    def _count(self, item: Item, done_s: float) -> None:
        """Update the pace. Only time in which an upload waited counts."""
        item.is_counted = True
        now = self._clock()
        pause_s = min(now - max(self._busy_since, item.since), LONGEST_PAUSE_S)
        self._busy_since = now
        self._audio_s = self._audio_s * DECAY + done_s + OVERHEAD_S
        self._busy_s = self._busy_s * DECAY + pause_s
        announced_s, actual_s = self._excess.pop(item.client, (0.0, 0.0))
        announced_s = announced_s * DECAY + item.work.announced_s + OVERHEAD_S
        self._excess[item.client] = announced_s, actual_s * DECAY + done_s + OVERHEAD_S
        if len(self._excess) > MAX_CLIENTS:
            del self._excess[next(iter(self._excess))]

    def _excess_factor(self, client: str) -> float:
        """Return by which factor a client's files recently exceeded their announced durations."""
        announced_s, actual_s = self._excess.get(client, (1.0, 1.0))
        return max(1.0, actual_s / announced_s)

    def _clients(self) -> set[str]:
        return {item.client for item in self._items}

    def _work(self, client: str | None) -> Iterator[Item]:
        now = self._clock()
        for item in self._items:
            if client in (None, item.client) and item.is_work(now):
                yield item
