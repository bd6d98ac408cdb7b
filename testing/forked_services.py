"""Starts stub services as forks of one process that has imported what they need."""

import atexit
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
POLL_S = 0.01

_forking = threading.Lock()


class ForkedService:
    """A process with the methods of `subprocess.Popen` that tests use.

    Attributes:
        pid: Its id.
        returncode: None while it runs, then as that of `Popen`.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return None while it runs, then its exit code."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code once it has ended.

        Raises:
            subprocess.TimeoutExpired: It has not within this time, in seconds.
        """
        end = time.monotonic() + (timeout if timeout is not None else float("inf"))
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(f"the service {self.pid}", timeout or 0)
            time.sleep(POLL_S)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def fork_service(environment: Mapping[str, str], log: Path) -> ForkedService:
    """Start a stub service.

    Args:
        environment: Its environment variables.
        log: Where its output goes.
    """
    order = {"arguments": ["serve"], "environment": dict(environment), "log": str(log)}
    with _forking, _adopting_orphans():
        server = _fork_server()
        assert server.stdin
        assert server.stdout
        server.stdin.write(json.dumps(order).encode() + b"\n")
        server.stdin.flush()
        return ForkedService(int(server.stdout.readline()))


@cache
def _fork_server() -> subprocess.Popen[bytes]:
    """Start `testing.fork_server`, for the lifetime of this process."""
    command = (sys.executable, "-c", "from testing.fork_server import main; main()")
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    atexit.register(server.communicate)
    return server


@contextmanager
def _adopting_orphans() -> Iterator[None]:
    """Be the parent of processes below this one whose parent ends, during the body."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
        yield
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
