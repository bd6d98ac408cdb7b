"""How long what waits will take: its audio, at the pace at which tracks were heard lately."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

FIRST_PACE = 200.0
"""Seconds of audio heard in a second before anything was: two models on two cores."""

MEMORY = 0.9
"""The weight of a track's pace when the next one is heard."""

LONGEST_PAUSE_S = 5.0
"""More time than this between two tracks says nothing about the pace: other things happened."""

SOON_S = 1.0
"""An upload that is not here after this time comes slowly: until it is here, it is no work. Without
this, many that arrive at once would all be accepted before the first of them waits."""


@dataclass(eq=False)
class Item:
    """An upload that waits, or soon will.

    Attributes:
        client: Whose.
        audio_s: How much audio it seems to hold.
        since: When it was announced.
        is_here: Whether all of it was received.
    """

    client: str
    audio_s: float
    since: float
    is_here: bool = False


class Backlog:
    """Uploads that wait to be heard, and the pace at which they are."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._items: set[Item] = set()
        self._audio_s = FIRST_PACE
        self._busy_s = 1.0
        self._busy_since = 0.0

    @property
    def seconds(self) -> float:
        """How long all that waits will take."""
        return self._seconds(self._items)

    def seconds_of(self, client: str) -> float:
        """How long what waits of one client would take alone."""
        return self._seconds(item for item in self._items if item.client == client)

    def announce(self, client: str, audio_s: float) -> Item:
        """An upload begins, and seems to hold so much audio."""
        item = Item(client, audio_s, self._clock())
        self._items.add(item)
        return item

    def arrived(self, item: Item, audio_s: float) -> None:
        """It waits from now on, and more is known about its length."""
        if not any(other.is_here for other in self._items):
            self._busy_since = self._clock()
        item.audio_s, item.is_here = audio_s, True

    def remove(self, item: Item) -> None:
        """It waits no more, for whichever reason."""
        self._items.remove(item)

    def drained(self, item: Item) -> None:
        """It was heard; call it before `remove`.

        Only time in which something waited counts. What came from the cache or could not be read is
        not told here: neither says how long a good track takes.
        """
        now = self._clock()
        pause_s = min(now - self._busy_since, LONGEST_PAUSE_S)
        self._busy_since = now
        self._audio_s = self._audio_s * MEMORY + item.audio_s
        self._busy_s = self._busy_s * MEMORY + pause_s

    def _seconds(self, items: Iterable[Item]) -> float:
        recent = self._clock() - SOON_S
        audio_s = sum(item.audio_s for item in items if item.is_here or item.since > recent)
        return audio_s * self._busy_s / self._audio_s
