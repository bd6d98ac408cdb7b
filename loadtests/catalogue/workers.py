"""Tracks a minute, busy cores and memory of `taggram catalogue tag` by `--workers`.

`python -m loadtests.catalogue.workers [--tracks 64] [--seconds 30] [--rounds 2]` tags the same MP3s
with each number of workers, in turns. The rate and the busy cores are those of the middle half of
the tracks; memory is measured in a run of its own, as sampling it takes time.

These are 18 runs. `--tracks 16 --seconds 10 --rounds 1` tries it out in some minutes, which
is too short for figures.
"""

import os
from collections import defaultdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from loadtests.catalogue.runs import Run, core_seconds, rate, run_catalogue, steady, write_tracks
from loadtests.lookalikes import lookalikes
from loadtests.report import Row, out, publish, spread
from loadtests.tracks import encoded

WORKERS = (1, 2, 3, 4, 6, 8)
MINUTE_S = 60
NOTES = (
    "Minimum / median / maximum over the rounds. The machine has {cores} cores.",
    "peak MiB: PSS of all processes of the run, with the models and the decoders.",
)


def main(
    tracks: Annotated[int, typer.Option(min=16)] = 64,
    seconds: Annotated[int, typer.Option(min=1, help="Length of each track.")] = 30,
    rounds: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Measure and print."""
    runs: dict[int, list[Run]] = defaultdict(list)
    peaks: dict[int, float] = {}
    with write_tracks(lookalikes(encoded(seconds)), tracks) as folder:
        for _ in track(range(rounds), "rounds", console=out, transient=True):
            for workers in WORKERS:
                runs[workers].append(run_catalogue(folder, "--workers", str(workers)))
        for workers in track(WORKERS, "memory", console=out, transient=True):
            peaks[workers] = measure_peak(folder, workers)
    title = f"{tracks} MP3s of {seconds} s by the number of workers, {rounds} rounds"
    rows = [row_of(workers, of_each, peaks[workers]) for workers, of_each in runs.items()]
    notes = [note.format(cores=len(os.sched_getaffinity(0))) for note in NOTES]
    publish("catalogue-workers", title, rows, notes)


def measure_peak(folder: Path, workers: int) -> float:
    """Return the highest memory of a run, in MiB."""
    run = run_catalogue(folder, "--workers", str(workers), sample_s=0.2, with_memory=True)
    return max(sample.main_mib + sample.decoders_mib for sample in run.samples)


def row_of(workers: int, runs: list[Run], peak_mib: float) -> Row:
    """Return the figures of a number of workers."""
    return {
        "workers": workers,
        "tracks a minute": spread([MINUTE_S * rate(run.ends) for run in runs], 1),
        "busy cores": spread([busy_cores(run) for run in runs], 2),
        "peak MiB": round(peak_mib),
    }


def busy_cores(run: Run) -> float:
    """Return the cores that the run used, on average."""
    begun, ended = steady(run.ends)
    return core_seconds(run.samples, begun, ended) / (ended - begun)


if __name__ == "__main__":
    typer.run(main)
