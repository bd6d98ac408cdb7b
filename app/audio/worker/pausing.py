"""Pauses a process with signals that it can't ignore."""

import os
import signal
from contextlib import suppress
from types import TracebackType
from typing import Self


class PausableProcess:
    """A process that can be paused and resumed during the body, if it still runs.

    It is identified by a descriptor, as its id may soon belong to another process.
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
        """Close the descriptor; a paused process stays paused."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None

    def pause(self) -> None:
        """Pause the process."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """Resume the process."""
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        if self._descriptor is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, number)
