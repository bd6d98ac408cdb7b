"""What the service and the processes below it use while something runs: CPU time and memory.

The memory is the proportional set size (PSS) summed over all of them: pages that they share, as a
decoder does with the fork server that it comes from, count once. The CPU time is exact, as the
kernel adds that of an ended decoder to its parent's; the peak of memory is the highest of samples.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

SAMPLE_S = 0.5
"""Each sample walks the page tables: about 20 ms of a core for a gigabyte."""


@dataclass
class Usage:
    """What was used, complete when the measured body is done.

    Attributes:
        server_cores: Cores that the server's process kept busy, on average.
        decoder_cores: The same of the processes below it.
        peak_mib: The highest memory of all of them together.
        server_peak_mib: The highest memory of the server's process alone.
        decoder_peak_mib: The highest memory of the processes below it.
    """

    server_cores: float = 0.0
    decoder_cores: float = 0.0
    peak_mib: float = 0.0
    server_peak_mib: float = 0.0
    decoder_peak_mib: float = 0.0


@contextmanager
def watched(pid: int, sample_s: float = SAMPLE_S) -> Iterator[Usage]:
    """Watch a process and those below it during the body; its memory every `sample_s`."""
    usage = Usage()
    done = threading.Event()

    def sample() -> None:
        while True:
            server, decoders = split_memory_mib(pid)
            usage.peak_mib = max(usage.peak_mib, server + decoders)
            usage.server_peak_mib = max(usage.server_peak_mib, server)
            usage.decoder_peak_mib = max(usage.decoder_peak_mib, decoders)
            if done.wait(sample_s):
                return

    sampling = threading.Thread(target=sample, daemon=True)
    start, before = time.monotonic(), cpu_seconds(pid)
    sampling.start()
    try:
        yield usage
        seconds, after = time.monotonic() - start, cpu_seconds(pid)
        usage.server_cores, usage.decoder_cores = (
            (late - early) / seconds for early, late in zip(before, after, strict=True)
        )
    finally:
        done.set()
        sampling.join(300)


def memory_mib(pid: int) -> float:
    """The memory of a process and those below it, now."""
    return sum(split_memory_mib(pid))


def split_memory_mib(pid: int) -> tuple[float, float]:
    """Return the memory of a process, and that of all processes below it, now."""
    server, *below = _tree(pid)
    return _memory_mib(server), sum(_memory_mib(process) for process in below)


def _memory_mib(process: psutil.Process) -> float:
    try:
        pss: int = process.memory_full_info().pss
    except psutil.Error:  # a decoder may end at any time
        return 0.0
    return pss / 2**20


def cpu_seconds(pid: int) -> tuple[float, float]:
    """Return the CPU time of a process, and that of all that it started, the ended ones too."""
    server, *below = _tree(pid)
    times = server.cpu_times()
    started = times.children_user + times.children_system
    for process in below:
        with suppress(psutil.Error):
            started += sum(process.cpu_times()[:4])
    return times.user + times.system, started


def _tree(pid: int) -> list[psutil.Process]:
    server = psutil.Process(pid)
    return [server, *server.children(recursive=True)]
