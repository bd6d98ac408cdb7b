"""Runs `taggram catalogue tag` as users do, and watches the processes of the run."""

import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pyarrow.compute as pc
import pyarrow.dataset as ds

from testing.process_usage import cpu_seconds, split_memory_mib
from testing.server import COMMAND

LOG_LINES = 20
"""The last lines of a failed run's output, which the error shows."""


@dataclass(frozen=True)
class Sample:
    """The use of a program at one time.

    Attributes:
        time_s: Seconds since the epoch.
        core_s: CPU time of its processes since their start.
        main_mib: Memory (PSS) of its main process; 0 if memory is not measured.
        decoders_mib: Memory of the processes below it.
    """

    time_s: float
    core_s: float
    main_mib: float = 0.0
    decoders_mib: float = 0.0


@dataclass(frozen=True)
class Run:
    """A run that has ended.

    Attributes:
        seconds: From the command to its end.
        ends: The time of each track's row, in seconds since the epoch, ascending.
        samples: The use of the run, from its start to its end.
    """

    seconds: float
    ends: list[float]
    samples: list[Sample]


@contextmanager
def write_tracks(tracks: Iterator[bytes], count: int) -> Iterator[Path]:
    """Write files that exist during the body, and return their folder."""
    with tempfile.TemporaryDirectory() as name:
        for number in range(count):
            (Path(name) / f"{number:05}.mp3").write_bytes(next(tracks))
        yield Path(name)


def run_catalogue(
    source: Path, *options: str, sample_s: float = 0.5, with_memory: bool = False
) -> Run:
    """Tag all tracks of a folder into a new catalogue, which is deleted afterwards.

    Args:
        source: The folder.
        options: Further options of the command.
        sample_s: Seconds between two samples.
        with_memory: Whether samples have the memory, which takes 20 ms for each gigabyte.

    Raises:
        RuntimeError: The run failed, or a track has no scores.
    """
    with tempfile.TemporaryDirectory() as name:
        out, log = Path(name) / "out", Path(name) / "log"
        begun = time.monotonic()
        with log.open("wb") as output:
            process = subprocess.Popen(
                [COMMAND, "catalogue", "tag", source, "--out", out, *options],
                stdout=output,
                stderr=output,
            )
            with watching(process.pid, sample_s, with_memory=with_memory) as samples:
                status = process.wait()
        seconds = time.monotonic() - begun
        if status:
            lines = log.read_text(errors="replace").splitlines()[-LOG_LINES:]
            raise RuntimeError("the run failed:\n" + "\n".join(lines))
        return Run(seconds, _row_times(out), samples)


def _row_times(out: Path) -> list[float]:
    """Return the time of each track's last row, ascending."""
    table = ds.dataset(sorted(out.glob("tracks/*/*/*.parquet"))).to_table(
        ["external_id", "status", "tagged_at"]
    )
    if failed := table.filter(pc.field("status") != "ok").num_rows:
        raise RuntimeError(f"{failed} rows have no scores")
    last = table.group_by("external_id").aggregate([("tagged_at", "max")])
    return sorted(time.timestamp() for time in last["tagged_at_max"].to_pylist())


@contextmanager
def watching(pid: int, sample_s: float, *, with_memory: bool = False) -> Iterator[list[Sample]]:
    """Yield samples of a program's use, which grow until the body is done or the program ends."""
    samples: list[Sample] = []
    done = threading.Event()

    def sample() -> None:
        with suppress(psutil.Error):  # it has ended
            while not done.is_set():
                memory = split_memory_mib(pid) if with_memory else (0.0, 0.0)
                samples.append(Sample(time.time(), sum(cpu_seconds(pid)), *memory))
                done.wait(sample_s)

    sampling = threading.Thread(target=sample, daemon=True)
    sampling.start()
    try:
        yield samples
    finally:
        done.set()
        sampling.join()


def steady(ends: Sequence[float]) -> tuple[float, float]:
    """Return the times between which the middle half of the tracks ended.

    So neither the start nor the last tracks, when there is nothing more to begin, count.
    """
    return ends[len(ends) // 4], ends[3 * len(ends) // 4]


def rate(ends: Sequence[float]) -> float:
    """Return the tracks a second in the middle half."""
    begun, ended = steady(ends)
    return (3 * len(ends) // 4 - len(ends) // 4) / (ended - begun)


def core_seconds(samples: Sequence[Sample], begun: float, ended: float) -> float:
    """Return the CPU time that was used between two times."""
    times = [sample.time_s for sample in samples]
    before, after = np.interp([begun, ended], times, [sample.core_s for sample in samples])
    return float(after - before)
