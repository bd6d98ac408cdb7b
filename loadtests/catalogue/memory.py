"""Memory of `taggram catalogue tag` over many tracks: whether it is bounded and flat.

`python -m loadtests.catalogue.memory [--tracks 5000] [--seconds 3]` tags short MP3s, and samples
the memory (PSS) of the run and of the processes below it. Short tracks show what each track leaves
behind; `--seconds 540 --tracks 24` shows long ones.
"""

import os
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Annotated

import numpy as np
import typer

from loadtests.catalogue.runs import Run, Sample, run_catalogue, write_tracks
from loadtests.lookalikes import lookalikes
from loadtests.report import Row, out, publish
from loadtests.tracks import encoded, repeated

PARTS = 10
"""Rows of the table: tenths of the tracks."""

PIECE_S = 60
"""Longer MP3s repeat one of a minute."""

THOUSAND = 1000


def main(
    tracks: Annotated[int, typer.Option(min=PARTS)] = 5000,
    seconds: Annotated[int, typer.Option(min=1, help="Length of each track.")] = 3,
    workers: Annotated[int | None, typer.Option(help="As of the command.")] = None,
) -> None:
    """Measure and print."""
    options = () if workers is None else ("--workers", str(workers))
    with write_tracks(lookalikes(_mp3(seconds)), tracks) as folder, out.status("tagging"):
        run = run_catalogue(folder, *options, sample_s=1.0, with_memory=True)
    title = f"{tracks:,} MP3s of {seconds} s, {len(os.sched_getaffinity(0))} cores"
    publish("catalogue-memory", title, rows_of(run), notes_of(run))


def _mp3(seconds: int) -> bytes:
    if seconds <= PIECE_S:
        return encoded(seconds)
    return repeated(encoded(PIECE_S), seconds // PIECE_S)


def rows_of(run: Run) -> list[Row]:
    """Return the highest memory within each part of the tracks."""
    bounds = [run.ends[round(part * (len(run.ends) - 1) / PARTS)] for part in range(PARTS + 1)]
    rows: list[Row] = []
    for part, (begun, ended) in enumerate(pairwise(bounds), 1):
        within = [sample for sample in run.samples if begun <= sample.time_s <= ended]
        if within:
            rows.append(
                {
                    "tracks": round(part * len(run.ends) / PARTS),
                    "run's peak MiB": round(max(sample.main_mib for sample in within)),
                    "decoders' peak MiB": round(max(sample.decoders_mib for sample in within)),
                    "peak MiB": round(max(map(total, within))),
                    "median MiB": round(float(np.median(list(map(total, within))))),
                }
            )
    return rows


def notes_of(run: Run) -> list[str]:
    """Return the slopes over the last nine tenths of the tracks, and the rate."""
    begun, ended = run.ends[len(run.ends) // PARTS], run.ends[-1]
    within = [sample for sample in run.samples if begun <= sample.time_s <= ended]
    slopes = ", ".join(
        f"{slope(run, within, memory):+.2f} ({what})"
        for what, memory in (("the run", main_memory), ("decoders", decoder_memory))
    )
    peak = max(map(total, run.samples))
    return [
        f"PSS: shared pages count once. The peak of the whole run, with the start and the end, is "
        f"{peak:.0f} MiB.",
        f"MiB more with each thousand tracks, by least squares from a tenth of the tracks on: "
        f"{slopes}.",
        f"{len(run.ends) / run.seconds * 60:.0f} tracks a minute, with the start and the end.",
    ]


def total(sample: Sample) -> float:
    """Return the memory of all processes, in MiB."""
    return sample.main_mib + sample.decoders_mib


def main_memory(sample: Sample) -> float:
    """Return the memory of the run's process, in MiB."""
    return sample.main_mib


def decoder_memory(sample: Sample) -> float:
    """Return the memory of the processes below it, in MiB."""
    return sample.decoders_mib


def slope(run: Run, samples: Sequence[Sample], memory: Callable[[Sample], float]) -> float:
    """Return the MiB by which the memory grows with a thousand tracks."""
    finished = np.searchsorted(run.ends, [sample.time_s for sample in samples])
    per_track = np.polyfit(finished, [memory(sample) for sample in samples], 1)[0]
    return float(per_track) * THOUSAND


if __name__ == "__main__":
    typer.run(main)
