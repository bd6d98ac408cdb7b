"""Uploads sent at the same time, and their cost: time and memory."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from loadtests.report import tally
from testing.process_usage import Usage, cpu_seconds, watched
from testing.server import Server

SAMPLE_S = 0.05
"""Often, as a short upload's peak is short. Sampling slows the service down, so runs that measure
memory are not timed."""


@dataclass(frozen=True)
class Wave:
    """The outcome of uploads sent at the same time.

    Attributes:
        seconds: From the wave's beginning to each answer.
        cpu_s: CPU time of the service and its decoders, all tracks together.
        answers: How many there were of each status.
        models: Those that scored the last track.
    """

    seconds: list[float]
    cpu_s: float
    answers: str
    models: list[str]


def wave(server: Server, mp3s: Sequence[bytes], query: Mapping[str, str] | None = None) -> Wave:
    """Upload all at once; done when all are answered."""

    def upload(mp3: bytes) -> tuple[float, int, list[str]]:
        files = {"file": mp3}
        answer = server.http.post("/suggest-tags", files=files, params=query, timeout=None)
        seconds = time.monotonic() - start
        return seconds, answer.status_code, [m["name"] for m in answer.json().get("models", ())]

    before = sum(cpu_seconds(server.process.pid))
    start = time.monotonic()
    with ThreadPoolExecutor(len(mp3s)) as threads:
        seconds, statuses, models = zip(*threads.map(upload, mp3s), strict=True)
    cpu_s = sum(cpu_seconds(server.process.pid)) - before
    return Wave(list(seconds), cpu_s, tally(statuses), models[-1])


def peak_of_wave(server: Server, mp3s: Sequence[bytes]) -> tuple[Usage, Wave]:
    """Return the service's highest memory while it answers a wave, and the wave."""
    with watched(server.process.pid, SAMPLE_S) as usage:
        done = wave(server, mp3s)
    return usage, done
