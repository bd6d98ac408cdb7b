"""Uploads sent at the same time, and their cost: time and memory."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from loadtests.report import tally
from testing.process_usage import watched
from testing.server import Server

SAMPLE_S = 0.05
"""Often, as a short upload's peak is short. Sampling slows the service down, so runs that measure
memory are not timed."""


@dataclass(frozen=True)
class Wave:
    """The outcome of uploads sent at the same time.

    Attributes:
        seconds: From the wave's beginning to each answer.
        answers: How many there were of each status.
        models: Those that scored the last track.
    """

    seconds: list[float]
    answers: str
    models: list[str]


def wave(server: Server, mp3s: Sequence[bytes], query: Mapping[str, str] | None = None) -> Wave:
    """Upload all at once; done when all are answered."""

    def upload(mp3: bytes) -> tuple[float, int, list[str]]:
        files = {"file": mp3}
        answer = server.http.post("/suggest-tags", files=files, params=query, timeout=None)
        seconds = time.monotonic() - start
        return seconds, answer.status_code, [m["name"] for m in answer.json().get("models", ())]

    start = time.monotonic()
    with ThreadPoolExecutor(len(mp3s)) as threads:
        seconds, statuses, models = zip(*threads.map(upload, mp3s), strict=True)
    return Wave(list(seconds), tally(statuses), models[-1])


def peak_of_wave(server: Server, mp3s: Sequence[bytes]) -> tuple[float, Wave]:
    """The service's highest memory while it answers a wave, in MiB, and the wave."""
    with watched(server.process.pid, SAMPLE_S) as usage:
        done = wave(server, mp3s)
    return usage.peak_mib, done
