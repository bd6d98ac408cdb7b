"""Admission control: an upload is accepted only if the backlog will be processed soon."""

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

CLIENT_SHARE = 0.5
"""The share of the permits and of the backlog that one client may use while other clients are
active. A client that is alone may use all."""

ACTIVE_S = 10.0
"""A client counts as active for this time after a request."""

MIN_WAITING = 4
"""Uploads that may wait however long they are: the first songs of an album are not an overload.
While several clients are active, as many clients may have uploads that wait."""


@dataclass(frozen=True)
class AdmissionLimits:
    """The limits of admission control.

    Attributes:
        max_in_flight: The most uploads that are received or answered at a time.
        max_backlog_s: The longest time that the backlog may take to be processed.
        max_duration_s: The longest duration that an upload is estimated at.
        min_free_bytes: The least memory that must be free under the limit of a container, for each
            channel that tracks are decoded to.
    """

    max_in_flight: int
    max_backlog_s: float
    max_duration_s: float
    min_free_bytes: int


class Permit:
    """Permission for one upload, with its entry in the backlog."""

    def __init__(self, backlog: Backlog, item: Item, max_duration_s: float) -> None:
        self._backlog = backlog
        self._item = item
        self._max_duration_s = max_duration_s

    def on_bytes(self, received: int) -> None:
        """Record the number of bytes received so far."""
        self._item.received_bytes = received

    def mark_received(self, audio_s: float) -> Work:
        """Record that the upload is complete, and its estimated duration.

        Returns:
            The work of this upload, which decoding and inference update.
        """
        self._backlog.mark_received(self._item, min(audio_s, self._max_duration_s))
        return self._item.work

    def mark_analysed(self) -> None:
        """Record that the track was analysed, not found in the cache, to measure the pace."""
        self._backlog.mark_analysed(self._item)

    @contextmanager
    def next_track(self) -> Iterator["Permit"]:
        """Hold a further entry in the backlog, for another track of the same upload.

        Yields:
            A permit for that track, which is released after the body.
        """
        item = self._backlog.add(self._item.client, 0.0, None)
        item.work.longest_s = self._max_duration_s
        try:
            yield Permit(self._backlog, item, self._max_duration_s)
        finally:
            self._backlog.remove(item)


class Admission:
    """Grants permits by the estimated seconds of work, and counts them.

    Attributes:
        channels: The most channels that a track is decoded to: 2 if a model takes stereo.
    """

    def __init__(self, limits: AdmissionLimits, headroom: Headroom, metrics: Metrics) -> None:
        self._limits = limits
        self._headroom = headroom
        self._metrics = metrics
        metrics.limits(in_flight=limits.max_in_flight, backlog_s=limits.max_backlog_s)
        self._backlog = Backlog()
        self._in_flight: Counter[str] = Counter()
        self._clients = _ActiveClients()
        self._closed = False
        self.channels = 1

    @property
    def in_flight(self) -> int:
        """Return the number of permits that are held."""
        return self._in_flight.total()

    @property
    def is_closed(self) -> bool:
        """Return whether all further uploads are refused."""
        return self._closed

    def close(self) -> None:
        """Refuse all further uploads, before a shutdown."""
        self._closed = True

    @contextmanager
    def permit(self, client: str, size: int | None) -> Iterator[Permit]:
        """Hold a permit for an upload, or refuse the upload before its body is read.

        Args:
            client: The client that sends the upload.
            size: The size of the body in bytes; None if it is unknown.

        Yields:
            The permit, which is released after the body.

        Raises:
            RequestError: `overloaded`; `rate_limited` if only this client's share is used up;
                `not_ready` if the service is shutting down.
        """
        self._clients.note(client)
        self._check(client)
        item = self._backlog.add(client, estimate_upload_s(size), size)
        item.work.longest_s = self._limits.max_duration_s
        self._in_flight[client] += 1
        self._metrics.upload_began()
        try:
            yield Permit(self._backlog, item, self._limits.max_duration_s)
        finally:
            self._backlog.remove(item)
            self._in_flight[client] -= 1
            self._in_flight += Counter()  # drops clients without a permit
            self._metrics.upload_ended()
            self._metrics.backlog(self._backlog.seconds())

    def _check(self, client: str) -> None:
        limits, share_s = self._limits, CLIENT_SHARE * self._limits.max_backlog_s
        if self._closed:
            raise RequestError(
                Kind.NOT_READY, "The service is being restarted. Try again in a moment."
            )
        has_others = self._clients.has_others(client)
        # Uploads of one client beyond its share do not cause other clients to be refused.
        if self._is_full(client, share_s) or self._held(client) >= limits.max_in_flight:
            raise RequestError(
                Kind.OVERLOADED,
                "Too many tracks wait to be analysed. Try again later.",
                retry_after_s=self._until_room_s(has_others),
            )
        free_bytes = self._headroom.free_bytes()
        if free_bytes is not None and free_bytes < limits.min_free_bytes * self.channels:
            raise RequestError(Kind.OVERLOADED, "Memory is short. Try again in a moment.")
        if has_others and self._has_its_share(client, share_s):
            raise RequestError(
                Kind.RATE_LIMITED,
                "Too many of your tracks wait to be analysed. Send one after the other.",
                retry_after_s=self._until_share_s(client, share_s),
            )

    def _is_full(self, client: str, share_s: float) -> bool:
        backlog, longest_s = self._backlog, self._limits.max_backlog_s
        if self._clients.has_others(client):
            is_long = backlog.capped_seconds(share_s) >= longest_s
            return is_long and backlog.count_clients() >= MIN_WAITING
        return backlog.seconds() >= longest_s and backlog.count() >= MIN_WAITING

    def _held(self, client: str) -> float:
        """Return the permits that are held; with other clients, each counts up to its share.

        A client that took all permits while it was alone does not lock others out.
        """
        if not self._clients.has_others(client):
            return self.in_flight
        return sum(min(held, self._client_permits()) for held in self._in_flight.values())

    def _until_room_s(self, has_others: bool) -> float:
        """Return the seconds until the backlog is short enough and a permit is free."""
        seconds, limits = self._backlog.seconds(), self._limits
        one_s = seconds / max(1, self._backlog.count())
        is_held = self.in_flight >= limits.max_in_flight
        excess_s = seconds - limits.max_backlog_s
        if not has_others:
            excess_s = min(excess_s, seconds - (MIN_WAITING - 1) * one_s)
        return max(excess_s, one_s if is_held else 0.0)

    def _until_share_s(self, client: str, share_s: float) -> float:
        """Return the same for one client, whose tracks take turns with those of other clients."""
        own_s = self._backlog.seconds(client)
        permit_s = own_s / max(1, self._backlog.count(client))
        is_held = self._in_flight[client] >= self._client_permits()
        own_s = max(own_s - share_s, permit_s if is_held else 0.0)
        alone_s = max(self._clients.alone_in_s(client), self._until_room_s(has_others=False))
        return min(self._backlog.shared_seconds(client, own_s), alone_s)

    def _has_its_share(self, client: str, share_s: float) -> bool:
        waits_long = self._backlog.seconds(client) >= share_s and self._backlog.count(client) > 0
        return waits_long or self._in_flight[client] >= self._client_permits()

    def _client_permits(self) -> float:
        return CLIENT_SHARE * self._limits.max_in_flight


class _ActiveClients:
    """The two clients that sent a request last: enough to know whether a client is alone."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}

    def note(self, client: str) -> None:
        """Record a request of a client."""
        self._last.pop(client, None)
        self._last[client] = time.monotonic()
        self._last = dict(list(self._last.items())[-2:])

    def has_others(self, client: str) -> bool:
        """Return whether another client is active."""
        return self.alone_in_s(client) > 0

    def alone_in_s(self, client: str) -> float:
        """Return the seconds until no other client is active, if none of them sends a request."""
        last = max((at for other, at in self._last.items() if other != client), default=-math.inf)
        return max(0.0, last + ACTIVE_S - time.monotonic())
