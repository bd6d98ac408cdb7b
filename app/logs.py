"""The service's log: a line of JSON for whatever happens, written by a thread of its own."""

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
"""Lines that may wait for whoever reads the log; what comes on top of them is dropped."""

EVERY_S = 0.05
"""Lines are written so often."""

FLUSH_S = 2
"""At the end: how long to wait until what was logged is written."""


class JsonLine(JsonFormatter):
    """A record as one line of JSON: `time` (UTC), `level`, `logger`, `message`, its extras.

    An exception stands in `exception`, with its traceback, in the same line. What is no printable
    ASCII is escaped, so that nothing in a value can begin a line or move a terminal's cursor.
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
        """Keep the secrets of URLs out of it, in tracebacks too."""
        return {
            key: mask(value) if isinstance(value, str) else value for key, value in log_data.items()
        }

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """ISO 8601 in UTC."""
        del datefmt
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


class PlainLine(logging.Formatter):
    """A record as a line for people, without secrets, and nothing in it that moves a cursor."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """All but a traceback, in one line."""
        return printable(mask(super().formatMessage(record)))

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802
        """A traceback."""
        return printable_lines(mask(super().formatException(ei)))


class LineWriter(logging.Handler):
    """Writes lines to a descriptor. Who logs never waits for who reads.

    A pipe that nobody empties blocks its writer. Here that is a thread which does nothing else;
    behind it lines wait, and are dropped when there are too many.

    Attributes:
        on_drop: Is called for each line that was dropped, from any thread.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.on_drop: Callable[[], None] = lambda: None
        self._descriptor = descriptor
        # No queue that wakes its reader: threads that take turns at each line would cost a busy
        # event loop more than all the rest of a refusal. And a signal handler may log meanwhile.
        self._lines: deque[str] = deque()
        self._ended = threading.Event()
        # A daemon: a thread that is blocked must not keep the process alive.
        self._thread = threading.Thread(target=self._write_lines, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Have a line written soon."""
        if len(self._lines) >= QUEUE_LINES:
            self.on_drop()
            return
        try:
            self._lines.append(self.format(record) + "\n")
        except Exception:  # noqa: BLE001 - a wrong log call must not fail a request
            self.on_drop()

    def close(self) -> None:
        """Wait for what is queued, but not for long."""
        self._ended.set()
        self._thread.join(FLUSH_S)
        super().close()

    def _write_lines(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._ended.wait(EVERY_S)
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            try:
                _write(self._descriptor, "".join(lines).encode())
            except OSError:  # the reader is gone, or its disk is full
                for _ in lines:
                    self.on_drop()


def show_traceback(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Print the traceback of an error that was not expected, without secrets."""
    lines = "".join(format_exception(kind, error, traceback))
    sys.stderr.write(printable_lines(mask(lines)))


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
