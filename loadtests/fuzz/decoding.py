"""Mutants decoded by workers: the outcome of each, and findings."""

import io
import multiprocessing
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

from app.audio.containers.start import find_start
from app.audio.limits import AudioLimits
from app.errors import Kind, RequestError
from loadtests.fuzz import worker
from loadtests.fuzz.mutants import mutant

LIMITS = AudioLimits(16_000, 0.5, 10.0)
VERDICTS = {worker.ACCEPTED, *Kind}

WORKERS = os.cpu_count() or 1

A_WORKERS_LIFE = 1_000
"""Mutants per worker; leaks add up against the limits of one decoder."""

PATIENCE_S = 10.0
"""A mutant that takes longer is a finding."""

SAMPLED = 100
"""One mutant of this number is also decoded as in the service."""


@dataclass(frozen=True)
class Tried:
    """A mutant and its outcome."""

    number: int
    seed_file: str
    data: bytes
    output: str


@dataclass
class Report:
    """What came of all mutants.

    Attributes:
        seconds: How long it took.
        past_magic: Mutants that begin as one of the accepted formats does.
        output: The number of each verdict, and of invalid ones.
        findings: Mutants without a verdict: they ended their worker, or kept it too long.
        sample: Some of those that have one.
    """

    seconds: float = 0.0
    past_magic: int = 0
    output: Counter[str] = field(default_factory=Counter)
    findings: list[Tried] = field(default_factory=list)
    sample: list[Tried] = field(default_factory=list)


class Worker:
    """A process that decodes mutants, and the file that they lie in."""

    def __init__(self) -> None:
        self.age = 0
        self._asker, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._asker.settimeout(PATIENCE_S)
        self._file = os.memfd_create("mutant")
        self._process = multiprocessing.get_context("forkserver").Process(
            target=worker.main, args=(theirs, LIMITS), daemon=True
        )
        self._process.start()
        theirs.close()
        socket.send_fds(self._asker, [worker.NEXT], [self._file])

    def decode(self, data: bytes) -> str:
        """What comes of a mutant; after anything but a verdict the worker is of no more use."""
        self.age += 1
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, data, 0)
        output = b""
        try:
            with suppress(ConnectionError):  # it ended
                self._asker.sendall(worker.NEXT)
                output = self._asker.recv(1_000)
        except TimeoutError:
            return f"took more than {PATIENCE_S:g} s"
        if not output:
            self._process.join()
        return output.decode() or f"ended its decoder, exit code {self._process.exitcode}"

    def end(self) -> None:
        """End it, however it is."""
        self._asker.close()
        os.close(self._file)
        self._process.kill()
        self._process.join()


def fuzz(seed: int, count: int, advance: Callable[[], object]) -> Report:
    """Decode the first `count` mutants of a seed, some at a time; report each when it is done."""
    report = Report()
    numbers = iter(range(count))
    lock = threading.Lock()

    def work() -> None:
        worker = Worker()
        for number in numbers:
            seed_file, data = mutant(seed, number)
            tried = Tried(number, seed_file, data, worker.decode(data))
            with lock:
                _note(report, tried)
                advance()
            if tried.output not in VERDICTS or worker.age == A_WORKERS_LIFE:
                worker.end()
                worker = Worker()
        worker.end()

    start = time.monotonic()
    with ThreadPoolExecutor(WORKERS) as threads:
        for working in [threads.submit(work) for _ in range(WORKERS)]:
            working.result()
    report.seconds = time.monotonic() - start
    return report


def _note(report: Report, tried: Tried) -> None:
    report.output[tried.output] += 1
    report.past_magic += _opens_a_format(tried.data)
    if tried.output not in VERDICTS:
        report.findings.append(tried)
    elif tried.number % SAMPLED == 0:
        report.sample.append(tried)


def _opens_a_format(data: bytes) -> bool:
    try:
        return find_start(io.BytesIO(data)).demuxer is not None
    except RequestError:
        return False
