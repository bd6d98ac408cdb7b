"""A circuit breaker: calls to a resource that is down fail at once, without a timeout.

Available libraries use a caller's request to find out whether the resource works again, and each
such request waits for the timeout. This breaker sends its own probes.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

log = logging.getLogger(__name__)

PROBE_EVERY_S = 0.2
PROBE_TIMEOUT_S = 0.5
"""Longer than the timeout of callers, as no caller waits for a probe: a busy event loop must not
look like a failed resource for long."""


class Unavailable(Exception):  # noqa: N818 - the state, not a mistake
    """The resource is down: it was not called, or did not answer."""


class Breaker:
    """Guards all calls to one resource.

    It opens at the first failure. From then on only its probe calls the resource, at once and then
    every `PROBE_EVERY_S`. When a probe is answered, it closes.
    """

    def __init__(
        self,
        name: str,
        probe: Callable[[], Awaitable[object]],
        refusals: type[Exception],
        timeout_s: float,
        on_change: Callable[[bool], None],
    ) -> None:
        """Start closed; the resource is not called before the first caller does.

        Args:
            name: The name of the resource in the log.
            probe: Makes a cheap call, on a connection like those of callers.
            refusals: Errors that prove that the resource works, also as the cause of another
                error. All other errors are failures.
            timeout_s: The longest that a call may take.
            on_change: Is called with True when it opens, and with False when it closes.
        """
        self._name = name
        self._probe = probe
        self._refusals = refusals
        self._timeout_s = timeout_s
        self._on_change = on_change
        self._recovery: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        """Return whether the resource is down."""
        return self._recovery is not None

    @asynccontextmanager
    async def guarded(self) -> AsyncIterator[None]:
        """Call the resource in the body, and only that: any error counts as the resource's.

        Raises:
            Unavailable: The resource is down. If that was known before, the body does not run.
        """
        if self.is_open:
            raise Unavailable(self._name)
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except Exception as error:
            if self._is_refusal(error):
                raise
            # A client library may raise anything for a dead, slow or misbehaving server.
            self._open(error)
            raise Unavailable(self._name) from error

    async def close(self) -> None:
        """Stop probing."""
        if self._recovery:
            self._recovery.cancel()
            with suppress(asyncio.CancelledError):
                await self._recovery

    def _open(self, error: Exception) -> None:
        if not self.is_open:  # a concurrent call may have opened it already
            self._recovery = asyncio.create_task(self._recover(type(error).__name__))
            self._on_change(True)

    async def _recover(self, reason: str) -> None:
        """Probe until the resource answers; if the first probe succeeds, nothing is logged."""
        is_logged = False
        while not await self._answers():
            if not is_logged:
                log.warning("%s is down (%s); continuing without it", self._name, reason)
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
