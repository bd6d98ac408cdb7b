"""The service's log: lines of JSON, written by a separate thread."""

import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from traceback import format_exception
from types import TracebackType

from pythonjsonlogger.core import RESERVED_ATTRS, LogData
from pythonjsonlogger.json import JsonFormatter

from app.masking import mask
from app.text import printable, printable_lines

ExceptionInfo = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)

QUEUE_LINES = 1024
"""The most lines that wait to be written; further lines are dropped."""

WRITE_INTERVAL_S = 0.05
"""The time between two writes."""

FLUSH_S = 2
"""The longest wait at exit until all lines are written."""


class JsonLine(JsonFormatter):
    """Formats a record as one line of JSON: `time` (UTC), `level`, `logger`, `message`, its extras.

    An exception is in `exception`, with its traceback, in the same line. All but printable ASCII is
    escaped, so that no value can begin a line or move a terminal's cursor.
    """

    def __init__(self) -> None:
        super().__init__(
            ("asctime", "levelname", "name", "message"),
            rename_fields={
                "asctime": "time",
                "levelname": "level",
                "name": "logger",
                "exc_info": "exception",
            },
            reserved_attrs=[*RESERVED_ATTRS, "color_message"],  # uvicorn's, for terminals
        )

    def process_log_record(self, log_data: LogData) -> LogData:
        """Mask the secrets of URLs, in tracebacks too."""
        return {
            key: mask(value) if isinstance(value, str) else value for key, value in log_data.items()
        }

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """Return the time as ISO 8601 in UTC."""
        del datefmt
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


class PlainLine(logging.Formatter):
    """Formats a record as a line for terminals, without secrets and control characters."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Return the message in one line, without a traceback."""
        return printable(mask(super().formatMessage(record)))

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802
        """Return the traceback."""
        return printable_lines(mask(super().formatException(ei)))


class LineWriter(logging.Handler):
    """Writes lines to a descriptor, without blocking the threads that log.

    A pipe that is not read blocks its writer. Here this is a separate thread, in front of which
    lines are queued, and dropped when the queue is full.

    Attributes:
        on_drop: Is called for each dropped line, from any thread.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.on_drop: Callable[[], None] = lambda: None
        self._descriptor = descriptor
        # A queue that wakes its reader would switch threads for each line, which costs a busy event
        # loop more than the rest of a refusal. And a signal handler may log at any time.
        self._lines: deque[str] = deque()
        self._ended = threading.Event()
        # A daemon thread: if it is blocked, it must not keep the process alive.
        self._thread = threading.Thread(target=self._write_lines, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a line."""
        if len(self._lines) >= QUEUE_LINES:
            self.on_drop()
            return
        try:
            self._lines.append(self.format(record) + "\n")
        except Exception:  # noqa: BLE001 - a wrong log call must not fail a request
            self.on_drop()

    def close(self) -> None:
        """Wait for queued lines, `FLUSH_S` at most."""
        self._ended.set()
        self._thread.join(FLUSH_S)
        super().close()

    def _write_lines(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._ended.wait(WRITE_INTERVAL_S)
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            try:
                _write(self._descriptor, "".join(lines).encode())
            except OSError:  # the reader has exited, or its disk is full
                for _ in lines:
                    self.on_drop()


def show_traceback(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Print the traceback of an unexpected error, without secrets; a hook for `sys.excepthook`.

    Args:
        kind: The type of the error.
        error: The error.
        traceback: Its traceback.
    """
    lines = "".join(format_exception(kind, error, traceback))
    sys.stderr.write(printable_lines(mask(lines)))


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
