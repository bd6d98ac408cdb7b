"""A circuit breaker: who asks a resource that is down is told at once, and does not wait for it.

The breakers that can be had let a caller's own request find out whether the resource is back; each
of those would pay the time-out. This one asks by itself.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

log = logging.getLogger(__name__)

PROBE_EVERY_S = 0.2
PROBE_TIMEOUT_S = 0.5
"""Longer than any caller waits, as nobody waits for a probe: a busy event loop must not look like a
dead resource for long."""


class Unavailable(Exception):  # noqa: N818 - the state, not a mistake
    """The resource is down: it was not asked, or did not answer."""


class Breaker:
    """Guards all that is asked of one resource.

    It opens at the first failure. From then on nobody but its own probe asks the resource, at once
    and then every `PROBE_EVERY_S`; when that is answered, it closes.
    """

    def __init__(
        self,
        name: str,
        probe: Callable[[], Awaitable[object]],
        refusals: type[Exception],
        timeout_s: float,
        on_change: Callable[[bool], None],
    ) -> None:
        """Start closed; nothing is asked before the first caller asks.

        Args:
            name: What the log calls the resource.
            probe: Asks it something cheap, on a connection as callers use.
            refusals: Errors that are answers, also where a client raises its own from them: who
                gives them is alive. All others are failures.
            timeout_s: The longest that a caller waits.
            on_change: Told whenever it opens (True) or closes (False).
        """
        self._name = name
        self._probe = probe
        self._refusals = refusals
        self._timeout_s = timeout_s
        self._on_change = on_change
        self._recovery: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether the resource is down."""
        return self._recovery is not None

    @asynccontextmanager
    async def guarded(self) -> AsyncIterator[None]:
        """Ask the resource in the body, and nothing else: any error in it is taken for its.

        Raises:
            Unavailable: It is down. Where that was known before, the body is not begun.
        """
        if self.is_open:
            raise Unavailable(self._name)
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except Exception as error:
            if self._is_refusal(error):
                raise
            # Whatever a client makes of a dead, slow or babbling server: it is of no use now.
            self._open(error)
            raise Unavailable(self._name) from error

    async def close(self) -> None:
        """Stop probing."""
        if self._recovery:
            self._recovery.cancel()
            with suppress(asyncio.CancelledError):
                await self._recovery

    def _open(self, error: Exception) -> None:
        if not self.is_open:  # else somebody else, who asked at the same time, was faster
            self._recovery = asyncio.create_task(self._recover(type(error).__name__))
            self._on_change(True)

    async def _recover(self, reason: str) -> None:
        """Probe until it answers; one that does so at once only stumbled, and is not logged."""
        is_logged = False
        while not await self._answers():
            if not is_logged:
                log.warning("%s is down (%s); going on without it", self._name, reason)
                is_logged = True
            await asyncio.sleep(PROBE_EVERY_S)
        if is_logged:
            log.warning("%s is back", self._name)
        self._recovery = None
        self._on_change(False)

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await self._probe()
        except Exception as error:  # noqa: BLE001 - as for callers
            return self._is_refusal(error)
        return True

    def _is_refusal(self, error: Exception) -> bool:
        return isinstance(error, self._refusals) or isinstance(error.__cause__, self._refusals)
