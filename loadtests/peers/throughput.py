"""Tracks a minute at saturation, and the CPU time of one: Taggram, musicnn, essentia-tensorflow.

`python -m loadtests.peers.throughput [--seconds 3] [--rounds 2]` has each contender analyse MP3s of
30 s and of 3 min, one contender at a time and in turns, each without pause for a while. Taggram is
asked over HTTP by several clients. The peers run as one process with threads of their own, and as a
process for each core, pinned to it. All, the clients too, are confined to the cores that the table
names; Taggram also to one core.
"""

import os
import secrets
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from loadtests.lookalikes import lookalike
from loadtests.peers.contenders import (
    DEFAULT,
    ONE_MODEL,
    Start,
    essentia,
    musicnn,
    taggram_server,
    upload,
)
from loadtests.peers.environments import CannotRunError
from loadtests.report import Row, out, publish, spread
from loadtests.tracks import encoded
from testing.process_usage import cpu_seconds

LENGTHS_S = (30, 180)
CLIENTS_PER_CORE = 4
MINUTE_S, HOUR_S = 60, 3600
NOTES = (
    "Minimum / median / maximum over the rounds. Peers: one model, msd-musicnn; musicnn with its "
    "session kept. Compare their faster row.",
    "Core seconds: CPU time of the server and its decoders, or of the peer's processes, without "
    "the clients, for each track. Tracks a core hour: by the median.",
)

Work = Callable[[Path], object]


@dataclass(frozen=True)
class Fleet:
    """What analyses tracks at the same time.

    Attributes:
        workers: Each analyses one track at a time.
        pids: The processes that do the work, with those below them.
    """

    workers: Sequence[Work]
    pids: Sequence[int]


StartFleet = Callable[[], AbstractContextManager[Fleet]]


@dataclass(frozen=True)
class Level:
    """What came of a time at saturation."""

    tracks: int
    seconds: float
    core_s: float


def main(
    seconds: Annotated[float, typer.Option(help="For how long tracks begin in a level.")] = 3.0,
    rounds: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Measure and print."""
    rows: list[Row] = []
    left_out: list[str] = []
    all_cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name:
        paths = {length: Path(name) / f"{length}.mp3" for length in LENGTHS_S}
        for length, path in paths.items():
            path.write_bytes(encoded(length))
        for cores in [all_cores[:1], all_cores] if len(all_cores) > 1 else [all_cores]:
            with pinned(cores), ExitStack() as stack:
                fleets = start(stack, contenders(cores, all_cores), paths[min(LENGTHS_S)], left_out)
                levels = measure(fleets, paths, seconds, rounds)
            rows += [
                row_of(length, len(cores), name, found) for (length, name), found in levels.items()
            ]
    title = f"MP3s at saturation, {rounds} rounds of {seconds:g} s"
    rows.sort(key=lambda row: int(row["track s"] or 0))
    publish("throughput", title, rows, [*NOTES, *left_out])


def contenders(cores: Sequence[int], all_cores: Sequence[int]) -> dict[str, StartFleet]:
    """Return what runs on these cores: everything on all of them, Taggram on fewer."""
    clients = CLIENTS_PER_CORE * len(cores)
    ours: dict[str, StartFleet] = {
        "Taggram, default answer": lambda: service_fleet(DEFAULT, clients),
        "Taggram, one model": lambda: service_fleet(ONE_MODEL, clients),
    }
    if len(cores) < len(all_cores):
        return ours
    theirs: dict[str, StartFleet] = {
        "musicnn, own threads": lambda: process_fleet(lambda: musicnn("kept"), [cores]),
        "essentia-tensorflow, own threads": lambda: process_fleet(essentia, [cores]),
    }
    if len(cores) > 1:
        apart = [[core] for core in cores]
        theirs |= {
            "musicnn, a process a core": lambda: process_fleet(lambda: musicnn("kept"), apart),
            "essentia-tensorflow, a process a core": lambda: process_fleet(essentia, apart),
        }
    return ours | theirs


@contextmanager
def pinned(cores: Sequence[int]) -> Iterator[None]:
    """Confine this thread, and the threads and processes that it starts, to cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def service_fleet(query: Mapping[str, str], clients: int) -> Iterator[Fleet]:
    """Taggram, and clients that send tracks that it has not seen."""
    with taggram_server(query) as server:

        def send(path: Path) -> None:
            upload(server.http, lookalike(path.read_bytes(), secrets.token_hex(8)), query)

        yield Fleet([send] * clients, [server.process.pid])


@contextmanager
def process_fleet(running: Start, cores_of_each: Sequence[Sequence[int]]) -> Iterator[Fleet]:
    """A peer's processes, each on its cores."""
    with ExitStack() as stack:
        started = []
        for cores in cores_of_each:
            with pinned(cores):
                started.append(stack.enter_context(running()))
        yield Fleet([each.infer for each in started], [each.pid for each in started])


def start(
    stack: ExitStack, contenders: Mapping[str, StartFleet], first: Path, left_out: list[str]
) -> dict[str, Fleet]:
    """Start all and warm them up; add to `left_out` why others don't run."""
    fleets = {}
    for name, running in contenders.items():
        with out.status(f"starting {name}"):
            try:
                fleet = stack.enter_context(running())
                saturate(fleet, first, 0)
                fleets[name] = fleet
            except CannotRunError as error:
                left_out.append(f"{name} is left out: {error}")
    return fleets


def measure(
    fleets: Mapping[str, Fleet], paths: Mapping[int, Path], seconds: float, rounds: int
) -> Mapping[tuple[int, str], Sequence[Level]]:
    """Run them in turns; by length and contender, a level for each round."""
    levels: dict[tuple[int, str], list[Level]] = defaultdict(list)
    with Progress(console=out, transient=True) as progress:
        task = progress.add_task("measuring", total=rounds * len(paths) * len(fleets))
        for _ in range(rounds):
            for length, path in paths.items():
                for name, fleet in fleets.items():
                    progress.update(task, description=f"{length} s, {name}")
                    levels[length, name].append(saturate(fleet, path, seconds))
                    progress.advance(task)
    return levels


def saturate(fleet: Fleet, path: Path, seconds: float) -> Level:
    """Let all workers analyse tracks for a while, each one at least; all are done on return."""
    start = time.monotonic()
    before = used(fleet)

    def repeat(work: Work) -> int:
        tracks = 0
        while not tracks or time.monotonic() - start < seconds:
            work(path)
            tracks += 1
        return tracks

    with ThreadPoolExecutor(len(fleet.workers)) as threads:
        tracks = sum(threads.map(repeat, fleet.workers))
    return Level(tracks, time.monotonic() - start, used(fleet) - before)


def used(fleet: Fleet) -> float:
    """Return the CPU time that the fleet has used since its start."""
    return sum(sum(cpu_seconds(pid)) for pid in fleet.pids)


def row_of(length: int, cores: int, name: str, levels: Sequence[Level]) -> Row:
    """Summarize the rounds of a contender."""
    core_s = [level.core_s / level.tracks for level in levels]
    return {
        "track s": length,
        "cores": cores,
        "contender": name,
        "tracks": sum(level.tracks for level in levels),
        "tracks a minute": spread([level.tracks / level.seconds * MINUTE_S for level in levels], 1),
        "core s a track": spread(core_s),
        "tracks a core hour": round(HOUR_S / sorted(core_s)[len(core_s) // 2]),
    }


if __name__ == "__main__":
    typer.run(main)
