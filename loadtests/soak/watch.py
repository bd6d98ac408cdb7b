"""What a service holds while it is soaked: memory, descriptors, processes, temporary files."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from testing.processes import is_running, opened
from testing.trends import Trend, fit_trend

EVERY_S = 1.0
WARM_UP = 0.4
"""Of the time: so long everything grows to its size, and is left out of the slope."""

BLOCK = 10
"""The lowest of this many samples counts: that is held permanently, not by a request."""

MEMORY, DESCRIPTORS, PROCESSES = "memory, MB", "descriptors", "processes"
"""What must not grow."""


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


def trends(samples: Sequence[Sample]) -> dict[str, Trend]:
    """Return the trends of memory (MB), descriptors and processes after the warm-up.

    The dictionary is empty if the soak was too short to say.
    """
    held = samples[int(len(samples) * WARM_UP) :]
    series = {
        MEMORY: [sample.rss_mib * 2**20 / 1e6 for sample in held],
        DESCRIPTORS: [float(sample.descriptors) for sample in held],
        PROCESSES: [float(sample.processes) for sample in held],
    }
    at_s = [sample.at_s for sample in held]
    fitted = {name: fit_trend(at_s, values, BLOCK) for name, values in series.items()}
    return {name: trend for name, trend in fitted.items() if trend is not None}
