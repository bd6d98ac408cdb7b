"""Starts the real service as users do, on loopback, and ends it with the test."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx

from testing.forked_services import fork_service

COMMAND = Path(sys.executable).parent / "taggram"
STUB: tuple[str | Path, ...] = (
    sys.executable,
    "-c",
    "from testing.stub_service import app; app()",
)
"""The service without networks: see `testing.stub_service`. `serving` forks it.

Not with `-m`: each decoder would import that module, as multiprocessing does with a main module.
"""
START_S = 600
STOP_S = 60

PATIENT = {"TAGGRAM_DEADLINE_S": "240"}
"""The default deadline is too short for songs on an old processor that does other work too."""


class Process(Protocol):
    """A process of `subprocess.Popen`, or a fork."""

    pid: int

    def poll(self) -> int | None:
        """Return None while it runs, then its exit code."""

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code once it has ended."""

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal if it runs."""

    def kill(self) -> None:
        """End it at once."""


@dataclass(frozen=True)
class Server:
    """A running service.

    Attributes:
        http: A client of it.
        process: Its process.
        log: What it prints.
    """

    http: httpx.Client
    process: Process
    log: Path


@contextmanager
def serving(
    log: Path,
    settings: Mapping[str, str] | None = None,
    command: Sequence[str | Path] = (COMMAND,),
    start_s: float = START_S,
) -> Iterator[Server]:
    """Run `taggram serve` until the body is done; ready when the body begins.

    Args:
        log: Where its output goes.
        settings: Environment variables; its port is a free one unless PORT is among them, and its
            deadline is long unless they set one.
        command: What to run instead of `taggram`.
        start_s: The longest that it may take to become ready.
    """
    address = {"HOST": "127.0.0.1", "PORT": str(free_port())}
    environment = {**os.environ, **address, **PATIENT, **(settings or {})}
    process = _start(command, environment, log)
    url = f"http://127.0.0.1:{environment['PORT']}"
    http = httpx.Client(base_url=url, timeout=250, trust_env=False)
    try:
        with http:
            _wait_until_ready(http, process, log, start_s)
            yield Server(http, process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def _start(command: Sequence[str | Path], environment: Mapping[str, str], log: Path) -> Process:
    if command == STUB:
        return fork_service(environment, log)
    with log.open("wb") as output:
        return subprocess.Popen([*command, "serve"], env=environment, stdout=output, stderr=output)


def free_port() -> int:
    """Reserve a port on loopback for the lifetime of this process.

    A bound socket that does not listen keeps the kernel from giving the port to anything else. With
    SO_REUSEADDR on both sides, a server with that port number can listen there, however often it
    is started; until then connections are refused.
    """
    reserving = socket.socket()
    reserving.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserving.bind(("127.0.0.1", 0))
    port: int = reserving.getsockname()[1]
    reserving.detach()  # never closed
    return port


def _wait_until_ready(http: httpx.Client, process: Process, log: Path, start_s: float) -> None:
    deadline = time.monotonic() + start_s
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the service ended:\n{log.read_text()}"
        try:
            if http.get("/health/ready").status_code == httpx.codes.OK:
                return
        except httpx.ConnectError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"not ready within {start_s} s:\n{log.read_text()}")
