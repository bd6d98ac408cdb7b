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

import httpx

COMMAND = Path(sys.executable).parent / "taggram"
STUB: tuple[str | Path, ...] = (sys.executable, "-m", "testing.stub_service")
"""The service without networks: see `testing.stub_service`."""
START_S = 90
STOP_S = 30


@dataclass(frozen=True)
class Server:
    """A running service.

    Attributes:
        http: A client of it.
        process: Its process.
        log: What it prints.
    """

    http: httpx.Client
    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def serving(
    log: Path,
    settings: Mapping[str, str] | None = None,
    command: Sequence[str | Path] = (COMMAND,),
    start_s: float = START_S,
) -> Iterator[Server]:
    """Run `taggram serve` until the body is done; ready when the body begins."""
    port = free_port()
    environment = {**os.environ, **(settings or {}), "PORT": str(port)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "serve"], env=environment, stdout=output, stderr=output
        )
    http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120, trust_env=False)
    try:
        with http:
            _wait_until_ready(http, process, log, start_s)
            yield Server(http, process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_S)


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(
    http: httpx.Client, process: subprocess.Popen[bytes], log: Path, start_s: float
) -> None:
    deadline = time.monotonic() + start_s
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the service ended:\n{log.read_text()}"
        try:
            if http.get("/health/ready").status_code == httpx.codes.OK:
                return
        except httpx.ConnectError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"not ready within {start_s} s:\n{log.read_text()}")
