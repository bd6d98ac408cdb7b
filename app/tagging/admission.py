"""A place before work: an upload is accepted only where what waits will be heard soon."""

import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.audio.duration_estimate import estimate_upload_s
from app.audio.worker.work import Work
from app.errors import Kind, RequestError
from app.headroom import Headroom
from app.metrics import Metrics
from app.tagging.backlog import Backlog, Item

ONE_CLIENTS_SHARE = 0.5
"""Of the places and of the backlog, where others want some too: who fills his leaves them the rest.
Who is alone may have all."""

LATELY_S = 10.0
"""Others are there who asked within this time."""

FEW = 4
"""So many may wait however long they are: an album's first songs are no overload. Where others
call, so many clients may have something that waits."""


@dataclass(frozen=True)
class AdmissionLimits:
    """How much is accepted.

    Attributes:
        max_in_flight: Uploads being received or answered.
        max_backlog_s: How long what waits may take to be heard.
        max_duration_s: No track is taken to be longer.
        min_free_bytes: Memory that must be left under the limit of a container.
    """

    max_in_flight: int
    max_backlog_s: float
    max_duration_s: float
    min_free_bytes: int


class Permit:
    """What an accepted upload holds."""

    def __init__(self, backlog: Backlog, item: Item, max_duration_s: float) -> None:
        self._backlog = backlog
        self._item = item
        self._max_duration_s = max_duration_s

    def arriving(self, arrived: int) -> None:
        """So many bytes are here by now."""
        self._item.arrived = arrived

    def received(self, audio_s: float) -> Work:
        """All of the upload is here: from now on about so much audio waits to be heard.

        Returns:
            Where to note what more is known about it, and how far it got.
        """
        self._backlog.arrived(self._item, min(audio_s, self._max_duration_s))
        return self._item.work

    def heard(self) -> None:
        """It was heard, not just found in the cache: so fast does the backlog drain."""
        self._backlog.drained(self._item)


class Admission:
    """Hands out places by estimated seconds of work, and counts them."""

    def __init__(self, limits: AdmissionLimits, headroom: Headroom, metrics: Metrics) -> None:
        self._limits = limits
        self._headroom = headroom
        self._metrics = metrics
        self._backlog = Backlog()
        self._in_flight: Counter[str] = Counter()
        self._asked = _Asked()
        self._closed = False

    @property
    def in_flight(self) -> int:
        """Places that are held."""
        return self._in_flight.total()

    @property
    def is_closed(self) -> bool:
        """Whether nothing more is accepted."""
        return self._closed

    def close(self) -> None:
        """Accept nothing more: the service is about to end."""
        self._closed = True

    @contextmanager
    def permit(self, client: str, size: int | None) -> Iterator[Permit]:
        """Hold a place for an upload, or refuse before any of it is read.

        Args:
            client: Whose it is.
            size: Its bytes; None where nobody said.

        Raises:
            RequestError: `overloaded`, `rate_limited` where this client alone has its share, or
                `not_ready` where the service is about to end.
        """
        self._asked.note(client)
        self._check(client)
        item = self._backlog.announce(client, estimate_upload_s(size), size)
        item.work.longest_s = self._limits.max_duration_s
        self._in_flight[client] += 1
        self._metrics.upload_began()
        try:
            yield Permit(self._backlog, item, self._limits.max_duration_s)
        finally:
            self._backlog.remove(item)
            self._in_flight[client] -= 1
            self._in_flight += Counter()  # forgets clients without a place
            self._metrics.upload_ended()
            self._metrics.backlog(self._backlog.seconds())

    def _check(self, client: str) -> None:
        limits, share_s = self._limits, ONE_CLIENTS_SHARE * self._limits.max_backlog_s
        if self._closed:
            raise RequestError(
                Kind.NOT_READY, "The service is being restarted. Try again in a moment."
            )
        has_others = self._asked.others(client)
        # What one brought beyond his share is no reason to refuse the others.
        if self._is_full(client, share_s) or self._held(client) >= limits.max_in_flight:
            raise RequestError(
                Kind.OVERLOADED,
                "Too many tracks wait to be heard.",
                retry_after_s=self._until_room_s(has_others),
            )
        free_bytes = self._headroom.free_bytes()
        if free_bytes is not None and free_bytes < limits.min_free_bytes:
            raise RequestError(Kind.OVERLOADED, "Memory is short. Try again in a moment.")
        if has_others and self._has_its_share(client, share_s):
            raise RequestError(
                Kind.RATE_LIMITED,
                "Too many of your tracks wait to be heard. Send one after the other.",
                retry_after_s=self._until_share_s(client, share_s),
            )

    def _is_full(self, client: str, share_s: float) -> bool:
        backlog, longest_s = self._backlog, self._limits.max_backlog_s
        if self._asked.others(client):
            return backlog.capped_seconds(share_s) >= longest_s and backlog.count_clients() >= FEW
        return backlog.seconds() >= longest_s and backlog.count() >= FEW

    def _held(self, client: str) -> float:
        """Places that are held; where others call, those beyond a client's share do not count.

        So a client that came first and took all of them shuts no other out.
        """
        if not self._asked.others(client):
            return self.in_flight
        return sum(min(held, self._places()) for held in self._in_flight.values())

    def _until_room_s(self, has_others: bool) -> float:
        """When enough of what waits is heard: the backlog's excess, or until a place is free."""
        seconds, limits = self._backlog.seconds(), self._limits
        one_s = seconds / max(1, self._backlog.count())
        is_held = self.in_flight >= limits.max_in_flight
        excess_s = seconds - limits.max_backlog_s
        if not has_others:
            excess_s = min(excess_s, seconds - (FEW - 1) * one_s)
        return max(excess_s, one_s if is_held else 0.0)

    def _until_share_s(self, client: str, share_s: float) -> float:
        """The same for one client, whose tracks are heard in turns with those of others."""
        own_s = self._backlog.seconds(client)
        a_place_s = own_s / max(1, self._backlog.count(client))
        is_held = self._in_flight[client] >= self._places()
        own_s = max(own_s - share_s, a_place_s if is_held else 0.0)
        alone_s = max(self._asked.alone_in_s(client), self._until_room_s(has_others=False))
        return min(self._backlog.shared_seconds(client, own_s), alone_s)

    def _has_its_share(self, client: str, share_s: float) -> bool:
        waits_long = self._backlog.seconds(client) >= share_s and self._backlog.count(client) > 0
        return waits_long or self._in_flight[client] >= self._places()

    def _places(self) -> float:
        return ONE_CLIENTS_SHARE * self._limits.max_in_flight


class _Asked:
    """Who asked lately; to tell whether there are others, the last two different ones will do."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}

    def note(self, client: str) -> None:
        self._last.pop(client, None)
        self._last[client] = time.monotonic()
        self._last = dict(list(self._last.items())[-2:])

    def others(self, client: str) -> bool:
        return self.alone_in_s(client) > 0

    def alone_in_s(self, client: str) -> float:
        """When there are no others, if none asks until then."""
        last = max((at for other, at in self._last.items() if other != client), default=-math.inf)
        return max(0.0, last + LATELY_S - time.monotonic())
