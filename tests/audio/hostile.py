"""What runs in the place of a decode process: decoders that pause, and those that were taken over.

A test sets one of these as `decoder_process.main`; the fork server finds it by its name.
"""

import ctypes
import errno
import mmap
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from app.audio.decoders.source import DecodedSource
from app.audio.limits import AudioLimits
from app.audio.worker import decoder_process
from app.audio.worker.sandbox import confine
from app.audio.worker.shared_samples import map_samples
from app.domain import Samples

BREAK = b"\n--\n"
"""Between two messages."""


def sends_its_file(service: socket.socket, limits: AudioLimits, cpu_s: float) -> None:
    """Send the content of its file, message by message, and succeed."""
    file, _ = _job(service)
    for message in Path(f"/proc/self/fd/{file}").read_bytes().split(BREAK):
        service.sendall(message)


def leaves_at_once(service: socket.socket, limits: AudioLimits, cpu_s: float) -> None:
    """Ends without a word, and without having taken its file."""


def fails(service: socket.socket, limits: AudioLimits, cpu_s: float) -> None:
    """Ends with an exit code of its own."""
    _job(service)
    sys.exit(77)


def talks_without_end(service: socket.socket, limits: AudioLimits, cpu_s: float) -> None:
    """Sends one message after the other, as fast as they are taken."""
    _job(service)
    confine(cpu_s)
    while True:
        service.sendall(b'{"samples": 16000, "complete": false}')


def dawdles(service: socket.socket, limits: AudioLimits, cpu_s: float) -> None:
    """Sends a message often enough, and never comes to the end."""
    _job(service)
    for samples in range(1_000, 100_000):
        service.sendall(b'{"samples": %d, "complete": false}' % samples)
        time.sleep(0.05)


def pulls_the_memory_away(service: socket.socket, limits: AudioLimits, cpu_s: float) -> None:
    """Shrink the memory below the announced samples."""
    _, memory = _job(service)
    with suppress(PermissionError):
        os.ftruncate(memory, 0)
    service.sendall(b'{"samples": 16000, "complete": true}')


def changes_its_samples(service: socket.socket, limits: AudioLimits, cpu_s: float) -> None:
    """Writes good samples, says so, and spoils them once its file has grown."""
    file, memory = _job(service)
    samples = map_samples(memory)
    samples[:16_000] = 0.5
    size = os.fstat(file).st_size
    service.sendall(b'{"samples": 16000, "complete": false}')
    while os.fstat(file).st_size == size:
        time.sleep(0.01)
    samples[:16_000] = float("nan")
    service.sendall(b'{"samples": 16000, "complete": true}')


def pauses(service: socket.socket, limits: AudioLimits, cpu_s: float) -> None:
    """Decodes as ever, but stops itself after each message, until it gets SIGCONT."""
    send = decoder_process._send_progress

    def send_and_stop(service: socket.socket, written: int) -> None:
        send(service, written)
        os.kill(os.getpid(), signal.SIGSTOP)

    decoder_process._send_progress = send_and_stop
    decoder_process.confine = lambda cpu_s: None  # else it could not send itself a signal
    decoder_process.main(service, limits, cpu_s)


def waits_for_its_file(service: socket.socket, limits: AudioLimits, cpu_s: float) -> None:
    """Decode normally, once its file gives a byte: a named pipe without a writer never does."""
    reader = decoder_process.TrackReader

    def wait(file: BinaryIO, limits: AudioLimits) -> decoder_process.TrackReader:
        file.read(1)
        return reader(file, limits)

    decoder_process.TrackReader = wait
    decoder_process.main(service, limits, cpu_s)


def has_little_room(service: socket.socket, limits: AudioLimits, cpu_s: float) -> None:
    """Decode normally, but with room for only a few unread messages."""
    service.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    decoder_process.main(service, limits, cpu_s)


def has_a_usual_stack(service: socket.socket, limits: AudioLimits, cpu_s: float) -> None:
    """Decode normally, on a stack of 8 MiB on every machine."""
    _, most = resource.getrlimit(resource.RLIMIT_STACK)
    resource.setrlimit(resource.RLIMIT_STACK, (8 * 2**20, most))
    decoder_process.main(service, limits, cpu_s)


def tries_all_it_must_not(service: socket.socket, limits: AudioLimits, cpu_s: float) -> None:
    """Receive its file normally, and then do anything but decode it."""
    decoder_process.TrackReader = _TriesAll
    decoder_process.main(service, limits, cpu_s)


class _TriesAll:
    """Replacement of a `TrackReader` that gives a sample for each of `ATTEMPTS`: 0 if refused."""

    def __init__(self, file: BinaryIO, limits: AudioLimits) -> None:
        self.announced_s = None

    def open(self) -> DecodedSource:
        return DecodedSource(iter(()))

    def samples(self) -> Iterator[Samples]:
        yield np.array([not _is_refused(attempt) for attempt in ATTEMPTS.values()], np.float32)


def _is_refused(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError as error:
        return error.errno == errno.EACCES
    return False


def _call(name: str, *arguments: int) -> Callable[[], None]:
    def attempt() -> None:
        if getattr(LIBC, name)(*arguments) == -1:
            raise OSError(ctypes.get_errno(), name)

    return attempt


PTRACE_ATTACH = 16
ADVICE = {
    value
    for name, value in vars(mmap).items()
    if name.startswith("MADV_") and name != "MADV_DONTNEED"
}
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace, LIBC.unshare, LIBC.dup, LIBC.prctl, LIBC.madvise  # noqa: B018 - found now, as nothing can be later

ATTEMPTS: dict[str, Callable[[], object]] = {
    "read a file": lambda: os.open("/etc/passwd", os.O_RDONLY),
    "make a file": lambda: os.open("hostile", os.O_CREAT | os.O_WRONLY),
    "make a folder": lambda: Path("hostile").mkdir(),
    "remove a file": lambda: Path("hostile").unlink(),
    "make memory with a descriptor": lambda: os.memfd_create("hostile"),
    "make a pipe": os.pipe,
    "write to a log": lambda: os.write(1, b"hostile"),
    "call the internet": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
    "call Redis": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
    "fork": os.fork,
    "run a program": lambda: os.execv("/bin/true", ["true"]),
    "end the service": lambda: os.kill(os.getppid(), 0),
    "watch the service": _call("ptrace", PTRACE_ATTACH, 1, 0, 0),
    "have code run": lambda: mmap.mmap(
        -1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    ),
    "get more memory": lambda: resource.setrlimit(resource.RLIMIT_AS, (2**40, 2**40)),
    "leave its namespace": _call("unshare", 0x10000000),
    "copy a descriptor": _call("dup", 0),
    "get other rights": lambda: os.setuid(0),
    **{f"advise the kernel {advice}": _call("madvise", 0, 0, advice) for advice in ADVICE},
}


def _job(service: socket.socket) -> list[int]:
    _, descriptors, _, _ = socket.recv_fds(service, len(decoder_process.JOB), 2)
    return descriptors
