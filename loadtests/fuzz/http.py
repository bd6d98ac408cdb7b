"""Broken requests against a real service, over sockets of their own."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus

from loadtests.fuzz.requests import request
from testing.processes import below
from testing.server import Server

AT_ONCE = 16
QUIET_S = 0.5
"""A server silent for this many seconds is waiting for more of the request."""

HEAD_BYTES = 1_000
PATIENCE_S = 20.0
"""A connection still open this many seconds after the end of the request is a finding."""

CLOSED = "closed without an answer"
UNANSWERED = "neither answered nor closed"


@dataclass(frozen=True)
class Sent:
    """A request and its outcome."""

    number: int
    data: bytes
    answer: str


@dataclass
class HttpReport:
    """What came of all requests.

    Attributes:
        seconds: How long it took.
        answers: How many there were of each status, and of none.
        findings: Those answered with a 5xx that is not 503, or not at all.
        restarts: How often a process of the service ended, or itself did.
    """

    seconds: float = 0.0
    answers: Counter[str] = field(default_factory=Counter)
    findings: list[Sent] = field(default_factory=list)
    restarts: int = 0


def fuzz(server: Server, seed: int, count: int, advance: Callable[[], object]) -> HttpReport:
    """Send the first `count` requests of a seed, some at a time; report each when it is done."""
    report, numbers, lock = HttpReport(), iter(range(count)), threading.Lock()
    before = _processes(server)

    def work() -> None:
        for number in numbers:
            data = request(seed, number)
            sent = Sent(number, data, _answer(server, data))
            with lock:
                report.answers[sent.answer] += 1
                if _is_finding(sent.answer):
                    report.findings.append(sent)
                advance()

    start = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for working in [threads.submit(work) for _ in range(AT_ONCE)]:
            working.result()
    report.seconds = time.monotonic() - start
    server.http.get("/health/ready").raise_for_status()
    report.restarts = len(before - _processes(server))
    return report


def _processes(server: Server) -> set[int]:
    """The service's own, and the two that it keeps: decoders come and go below those."""
    pid = server.process.pid
    return {pid, *(child.pid for child in below(pid, recursive=False))}


def _answer(server: Server, data: bytes) -> str:
    """Return the status of the first answer; half-close the connection if the server waits."""
    address = server.http.base_url
    received = b""
    with (
        socket.create_connection((address.host, address.port), QUIET_S) as connection,
        suppress(ConnectionError),  # it may hang up while we speak
    ):
        connection.sendall(data)
        try:
            received = connection.recv(HEAD_BYTES)
        except TimeoutError:
            connection.settimeout(PATIENCE_S)
            connection.shutdown(socket.SHUT_WR)
            try:
                received = connection.recv(HEAD_BYTES)
            except TimeoutError:
                return UNANSWERED
    words = received.split(b" ", 2)
    return words[1].decode(errors="replace") if len(words) > 2 else CLOSED


def _is_finding(answer: str) -> bool:
    if answer == UNANSWERED:
        return True
    return answer.startswith("5") and answer != str(HTTPStatus.SERVICE_UNAVAILABLE.value)
