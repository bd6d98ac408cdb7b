"""Stops a process for a while, from outside: it can't refuse."""

import os
import signal
from contextlib import suppress
from types import TracebackType
from typing import Self


class PausableProcess:
    """A process that can be stopped and continued during the body, if it is still there.

    It is named by a descriptor: its number may soon be that of another process.
    """

    def __init__(self, pid: int | None) -> None:
        self._descriptor = None
        with suppress(ProcessLookupError):
            self._descriptor = None if pid is None else os.pidfd_open(pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Forget the process; one that is stopped stays so."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None

    def pause(self) -> None:
        """Stop it."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """Continue it."""
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        if self._descriptor is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, number)
