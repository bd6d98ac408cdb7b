"""What a decode process might do once a file has taken it over; these run in its place."""

import os
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from app.audio import child
from app.audio.limits import AudioLimits

BREAK = b"\n--\n"
"""Between two messages."""


def says_its_file(service: socket.socket, limits: AudioLimits, cpu_s: float) -> None:
    """Sends what its file holds, message by message, and ends well."""
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
    child._confine(cpu_s)
    _job(service)
    while True:
        service.sendall(b'{"samples": 16000, "complete": false}')


def dawdles(service: socket.socket, limits: AudioLimits, cpu_s: float) -> None:
    """Lets nobody wait long for a message, and never comes to the end."""
    _job(service)
    for samples in range(1_000, 100_000):
        service.sendall(b'{"samples": %d, "complete": false}' % samples)
        time.sleep(0.3)


def pulls_the_memory_away(service: socket.socket, limits: AudioLimits, cpu_s: float) -> None:
    """Makes the memory shorter than what it says is in it."""
    _, memory = _job(service)
    with suppress(PermissionError):
        os.ftruncate(memory, 0)
    service.sendall(b'{"samples": 16000, "complete": true}')


def _job(service: socket.socket) -> list[int]:
    _, descriptors, _, _ = socket.recv_fds(service, len(child.JOB), 2)
    return descriptors
