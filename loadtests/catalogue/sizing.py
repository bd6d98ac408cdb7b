"""Machines, hours and cost of catalogues of a hundred thousand to a hundred million tracks.

`python -m loadtests.catalogue.sizing --tracks-per-core-hour 900 --price-per-core-hour 0.04` takes
a rate that `python -m loadtests.catalogue.throughput` has measured on such a core. On a GPU
(`--gpu-tracks-per-hour`, `--gpu-price-per-hour`) decoding stays on the cores of its machine
(`--decoded-per-core-hour`), and the slower of the two limits a machine. What a run keeps in memory
and on disk is measured here, on rows that are made up.
"""

import math
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, TypeVar

import numpy as np
import typer

from app.catalogue.cluster_worker import write_entries
from app.catalogue.entries import OK, Entry
from app.catalogue.latest import latest_times
from app.catalogue.results import BATCH_ROWS, ModelResults
from app.catalogue.rows import File, Outcome, ScoredTags, TrackRow
from app.catalogue.storage import open_storage
from app.catalogue.tables import write_batch
from app.installation import shipped_models
from app.store.manifest.manifest import read_store
from app.store.storage.store import Store
from loadtests.report import Row, publish

SIZES = {"100 thousand": 10**5, "1 million": 10**6, "100 million": 10**8}
SAMPLE = 100 * BATCH_ROWS
"""Tracks that are made up to measure what one takes."""

MODEL = "msd-musicnn"
GIB = 2**30
LISTED_AT_A_TIME = 1000
"""Objects in an answer of an object store that lists a prefix."""


T = TypeVar("T")


@dataclass(frozen=True)
class PerTrack:
    """What a track takes.

    Attributes:
        entry_bytes: Memory of the command for the entry.
        queued_bytes: Memory of Ray's object store for the entry.
        key_bytes: Memory of the command, or of the registry, for what is known, for each model.
        row_bytes: Parquet files, for each model.
        index_s: CPU time at the start to read what earlier runs have done, for each model.
        time_bytes: Memory at the end to find rows that later ones replace, for one model at a time.
    """

    entry_bytes: float
    queued_bytes: float
    key_bytes: float
    row_bytes: float
    index_s: float
    time_bytes: float


@dataclass(frozen=True)
class Machine:
    """A machine of the plan.

    Attributes:
        name: For the table.
        tracks_per_hour: The rate.
        price_per_hour: The cost, in any currency.
        cores: The cores.
    """

    name: str
    tracks_per_hour: float
    price_per_hour: float
    cores: int


def main(
    tracks_per_core_hour: Annotated[float, typer.Option(help="As measured, with all models.")],
    price_per_core_hour: Annotated[float, typer.Option(help="In any currency.")],
    cores: Annotated[int, typer.Option(help="Cores of a machine.")] = 16,
    hours: Annotated[float, typer.Option(help="The longest time for a catalogue.")] = 24.0,
    models: Annotated[int, typer.Option(help="Number of models.")] = 2,
    gpu_tracks_per_hour: Annotated[float | None, typer.Option(help="Network alone.")] = None,
    gpu_price_per_hour: Annotated[float, typer.Option(help="One GPU, without cores.")] = 0.0,
    decoded_per_core_hour: Annotated[float, typer.Option(help="Decoding alone.")] = math.inf,
) -> None:
    """Print machines, hours and cost for each size, and what one run needs."""
    cpu = Machine("CPU", tracks_per_core_hour * cores, price_per_core_hour * cores, cores)
    machines = [cpu]
    if gpu_tracks_per_hour:
        rate = min(gpu_tracks_per_hour, decoded_per_core_hour * cores)
        price = gpu_price_per_hour + price_per_core_hour * cores
        machines.append(Machine("with a GPU", rate, price, cores))
    publish(
        "catalogue_sizing",
        "Machines, hours and cost",
        [
            plan(machine, name, tracks, hours)
            for machine in machines
            for name, tracks in SIZES.items()
        ],
        [f"At most {hours:g} hours; {tracks_per_core_hour:g} tracks per core hour on CPUs."],
    )
    each = measure()
    publish(
        "catalogue_needs",
        "What one run needs",
        [needs(each, name, tracks, models) for name, tracks in SIZES.items()],
        [
            f"{models} models; measured on {SAMPLE:,} tracks that are made up, on a local disk.",
            "command: what the machine of the command holds in memory, the registry included.",
            "end: also on that machine, when rows that were replaced are removed.",
        ],
    )


def plan(machine: Machine, name: str, tracks: int, hours: float) -> Row:
    """Return the number of machines that tag a catalogue in time, and what that costs."""
    machine_hours = tracks / machine.tracks_per_hour
    count = math.ceil(machine_hours / hours)
    return {
        "tracks": name,
        "machine": f"{machine.cores} cores, {machine.name}",
        "machine hours": f"{machine_hours:,.0f}",
        "machines": count,
        "hours": f"{machine_hours / count:.1f}",
        "cost": f"{machine_hours * machine.price_per_hour:,.0f}",
    }


def needs(each: PerTrack, name: str, tracks: int, models: int) -> Row:
    """Return what a run over a catalogue needs on the machine of the command, and on disk."""
    files = models * math.ceil(tracks / BATCH_ROWS)
    listed = math.ceil(files / LISTED_AT_A_TIME)
    return {
        "tracks": name,
        "command GiB": f"{tracks * (each.entry_bytes + models * each.key_bytes) / GIB:.1f}",
        "object store GiB": f"{min(tracks, 10**6) * each.queued_bytes / GIB:.2f}",
        "end GiB": f"{tracks * each.time_bytes / GIB:.1f}",
        "rows GiB": f"{models * tracks * each.row_bytes / GIB:.1f}",
        "files": f"{files:,}",
        "lists": f"{listed:,}",
        "start minutes": f"{models * tracks * each.index_s / 60:.1f}",
    }


def measure() -> PerTrack:
    """Measure what a track takes, with rows that are made up."""
    tags = ScoredTags.of(read_store(Store(str(shipped_models())))[MODEL])
    entry_bytes, entries = _allocated(_entries)
    with tempfile.TemporaryDirectory() as folder:
        out = open_storage(folder)
        for start in range(0, SAMPLE, BATCH_ROWS):
            write_batch(
                out, tags, [_row(each, tags) for each in entries[start : start + BATCH_ROWS]]
            )
        files = out.files("tracks")
        row_bytes = sum(out.read(path, lambda file: len(file.read())) for path in files)
        key_bytes, _ = _allocated(lambda: ModelResults(out, tags))
        time_bytes, _ = _allocated(lambda: latest_times(out, tags.ref))
        begun = time.process_time()
        ModelResults(out, tags)
        index_s = time.process_time() - begun
    return PerTrack(
        entry_bytes / SAMPLE,
        len(write_entries(entries)) / SAMPLE,
        key_bytes / SAMPLE,
        row_bytes / SAMPLE,
        index_s / SAMPLE,
        time_bytes / SAMPLE,
    )


def _allocated(make: Callable[[], T]) -> tuple[int, T]:
    """Return the memory that stays allocated by what a function makes, in bytes, and that."""
    tracemalloc.start()
    made = make()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size, made


def _entries() -> list[Entry]:
    return [
        Entry(f"{number:012}", f"s3://catalogue/audio/{number:012}.mp3", f"{number // 10:010}")
        for number in range(SAMPLE)
    ]


def _row(entry: Entry, tags: ScoredTags) -> TrackRow:
    """Return a row with scores of the distribution of a model: most are close to zero."""
    track_id = sha256(entry.uri.encode()).hexdigest()
    random = np.random.default_rng(int(entry.external_id))
    scores = random.beta(0.3, 5, len(tags.names)).astype(np.float32)
    outcome = Outcome(OK, "", 215.3, False, "float32", scores)
    return TrackRow(entry, File(f"5123456-{track_id[:32]}", track_id), outcome, datetime.now(UTC))


if __name__ == "__main__":
    typer.run(main)
