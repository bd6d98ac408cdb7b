"""What a service holds while it is soaked: memory, descriptors, processes, temporary files."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from testing.processes import is_running, opened

EVERY_S = 1.0
WARM_UP = 0.4
"""Of the time: so long everything grows to its size, and is left out of the slope."""

BLOCK = 10
"""The lowest memory of this many samples counts: that is held permanently, not by a request."""


FEWEST = 6
"""Blocks that a slope can be laid through."""


@dataclass(frozen=True)
class Sample:
    """The resources of the service at a moment.

    Attributes:
        at_s: The moment.
        rss_mib: Memory of the service's own process.
        descriptors: Its open files and sockets.
        processes: How many run below it.
        zombies: Of these, ended ones that were not waited for.
        temporary_files: Entries of its folder for temporary files, and open files without a name.
    """

    at_s: float
    rss_mib: float
    descriptors: int
    processes: int
    zombies: int
    temporary_files: int


def sampled(pid: int, folder: Path) -> Sample:
    """Look once."""
    service = psutil.Process(pid)
    below = service.children(recursive=True)
    return Sample(
        time.monotonic(),
        service.memory_info().rss / 2**20,
        service.num_fds(),
        len(below),
        sum(not is_running(process) for process in below),
        len(list(folder.iterdir())) + sum(path.startswith(f"{folder}/") for path in opened(pid)),
    )


async def watch(pid: int, folder: Path, stop: asyncio.Event, samples: list[Sample]) -> None:
    """Sample repeatedly until stopped; a service that ends fails the soak."""
    while not stop.is_set():
        samples.append(await asyncio.to_thread(sampled, pid, folder))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), EVERY_S)


def growth(samples: Sequence[Sample]) -> str:
    """How fast the memory grows after the warm-up: by least squares, with its standard error."""
    held = samples[int(len(samples) * WARM_UP) :]
    lowest = [
        min(held[start : start + BLOCK], key=lambda sample: sample.rss_mib)
        for start in range(0, len(held) - BLOCK + 1, BLOCK)
    ]
    if len(lowest) < FEWEST:
        return "It was too short to say whether memory grows."
    hours = np.array([sample.at_s for sample in lowest]) / 3600
    megabytes = np.array([sample.rss_mib for sample in lowest]) * 2**20 / 1e6
    (slope, _), covariance = np.polyfit(hours - hours[0], megabytes, 1, cov=True)
    return (
        f"Memory grew by {slope:.1f} MB/h (standard error {np.sqrt(covariance[0, 0]):.1f}): by "
        f"least squares, over the lowest of each {BLOCK * EVERY_S:g} s after the warm-up."
    )
