"""Tracks a minute of `taggram catalogue tag`, against the service and others, for the same files.

`python -m loadtests.catalogue.throughput [--tracks 96] [--seconds 30] [--rounds 3]` writes MP3s
that differ in nothing but their SHA-256, and has each contender tag all of them, one contender at a
time and in turns, with new files in each round:

- `taggram catalogue tag`, with both default models and with one;
- the service, which several clients send the files to, without pause;
- `taggram tag` with all files in one call, and called anew for each file;
- essentia-tensorflow, a process for each core that takes file after file, with one model.

The last two tag fewer files, as they take longer. The rate is that of the middle half of the
tracks: it has no start, and no end in which there is nothing more to begin.
"""

import os
import statistics
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.progress import Progress

from loadtests.catalogue.runs import (
    core_seconds,
    rate,
    run_catalogue,
    steady,
    watching,
    write_tracks,
)
from loadtests.lookalikes import lookalikes
from loadtests.peers.contenders import DEFAULT, MODEL, ONE_MODEL, essentia, taggram_server, upload
from loadtests.peers.environments import CannotRunError
from loadtests.peers.throughput import (
    CLIENTS_PER_CORE,
    HOUR_S,
    MINUTE_S,
    process_fleet,
    used,
)
from loadtests.report import Row, out, publish, spread
from loadtests.tracks import encoded
from testing.server import COMMAND

SAMPLE_S = 0.5
SERVICE = "the service, default answer"
SERVICE_ONE = "the service, one model"
CATALOGUE = "catalogue tag, default models"
CATALOGUE_ONE = "catalogue tag, one model"
RATIOS = {SERVICE: "to the service", SERVICE_ONE: "to it with one model"}
"""The columns of ratios, computed in each round."""

FEWER = 4
"""Slow contenders tag a quarter of the files."""

CALLS = 2
"""Files that `taggram tag` is called anew for."""

NOTES = (
    "Minimum / median / maximum over the rounds; ratios round by round. All tag the same files.",
    f"The service has {CLIENTS_PER_CORE} clients for each core, in another process on the same "
    "cores. The others read the files themselves.",
    "core s a track: CPU time in the middle half of the tracks (essentia: of all tracks), decoders "
    "included, clients not. Tracks a core hour: by the median.",
    "run s: the whole command, with its start and, for catalogues, the suggestions at the end.",
    f"One model, which is also essentia's: {MODEL}. essentia's network is musicnn's checkpoint.",
)


@dataclass(frozen=True)
class Level:
    """What came of the files of a round.

    Attributes:
        rate: Tracks a second.
        core_s: CPU time of a track; None if it was not measured.
        seconds: Of the whole command; None for what was running before.
    """

    rate: float
    core_s: float | None = None
    seconds: float | None = None


Contender = Callable[[Path], Level]
"""Tag the files of a folder."""

Start = Callable[[], AbstractContextManager[Contender]]


def main(
    tracks: Annotated[int, typer.Option(min=16)] = 96,
    seconds: Annotated[int, typer.Option(min=1, help="Length of each track.")] = 30,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
) -> None:
    """Measure and print."""
    levels: dict[str, list[Level]] = defaultdict(list)
    left_out: list[str] = []
    new = lookalikes(encoded(seconds))
    with ExitStack() as stack, Progress(console=out, transient=True) as progress:
        with write_tracks(new, FEWER * CALLS) as folder:
            contenders = start(stack, folder, left_out)
        bar = progress.add_task("measuring", total=rounds * len(contenders))
        for _ in range(rounds):
            with write_tracks(new, tracks) as folder:
                for name, contender in contenders.items():
                    progress.update(bar, description=name)
                    levels[name].append(contender(folder))
                    progress.advance(bar)
    rows = [row_of(name, levels) for name in levels]
    title = f"{tracks} MP3s of {seconds} s, {rounds} rounds"
    publish("catalogue-throughput", title, rows, [*NOTES, *left_out])


def start(stack: ExitStack, warm_up: Path, left_out: list[str]) -> dict[str, Contender]:
    """Start all contenders and warm them up; add to `left_out` why others don't run."""
    starts: dict[str, Start] = {
        CATALOGUE: catalogue,
        SERVICE: lambda: service(DEFAULT),
        CATALOGUE_ONE: lambda: catalogue("--models", MODEL),
        SERVICE_ONE: lambda: service(ONE_MODEL),
        "taggram tag, one call": tag_in_one_call,
        "taggram tag, a call a file": tag_in_calls,
        "essentia, a process a core": essentia_in_processes,
    }
    contenders = {}
    for name, starting in starts.items():
        with out.status(f"starting {name}"):
            try:
                contender = stack.enter_context(starting())
                contender(warm_up)
                contenders[name] = contender
            except CannotRunError as error:
                left_out.append(f"{name} is left out: {error}")
    return contenders


@contextmanager
def catalogue(*options: str) -> Iterator[Contender]:
    """A run into a new catalogue."""

    def tag(folder: Path) -> Level:
        run = run_catalogue(folder, *options, sample_s=SAMPLE_S)
        begun, ended = steady(run.ends)
        core_s = core_seconds(run.samples, begun, ended) / (rate(run.ends) * (ended - begun))
        return Level(rate(run.ends), core_s, run.seconds)

    yield tag


@contextmanager
def service(query: Mapping[str, str]) -> Iterator[Contender]:
    """The service at saturation."""
    clients = CLIENTS_PER_CORE * len(os.sched_getaffinity(0))
    with taggram_server(query) as server, ThreadPoolExecutor(clients) as threads:

        def send(path: Path) -> float:
            upload(server.http, path.read_bytes(), query)
            return time.time()

        def tag(folder: Path) -> Level:
            with watching(server.process.pid, SAMPLE_S) as samples:
                ends = sorted(threads.map(send, sorted(folder.iterdir())))
            begun, ended = steady(ends)
            core_s = core_seconds(samples, begun, ended) / (rate(ends) * (ended - begun))
            return Level(rate(ends), core_s)

        yield tag


@contextmanager
def tag_in_one_call() -> Iterator[Contender]:
    """`taggram tag FOLDER`: one file after the other."""

    def tag(folder: Path) -> Level:
        begun = time.monotonic()
        command: list[str | Path] = [COMMAND, "tag", "--json", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout
            ends = [time.time() for _ in process.stdout]
        return Level(rate(ends), seconds=time.monotonic() - begun)

    yield tag


@contextmanager
def tag_in_calls() -> Iterator[Contender]:
    """A loop over `taggram tag FILE`."""

    def tag(folder: Path) -> Level:
        begun = time.monotonic()
        for path in sorted(folder.iterdir())[:CALLS]:
            subprocess.run([COMMAND, "tag", "--json", path], capture_output=True, check=True)
        seconds = time.monotonic() - begun
        return Level(CALLS / seconds, seconds=seconds)

    yield tag


@contextmanager
def essentia_in_processes() -> Iterator[Contender]:
    """A process for each core, pinned to it; each takes the next file when it has scored one."""
    cores = [[core] for core in sorted(os.sched_getaffinity(0))]
    with process_fleet(essentia, cores) as fleet:

        def tag(folder: Path) -> Level:
            paths = iter(sorted(folder.iterdir())[::FEWER])
            before = used(fleet)

            def score_files(work: Callable[[Path], object]) -> list[float]:
                ends = []
                for path in paths:
                    work(path)
                    ends.append(time.time())
                return ends

            with ThreadPoolExecutor(len(cores)) as threads:
                ends = sorted(chain.from_iterable(threads.map(score_files, fleet.workers)))
            return Level(rate(ends), (used(fleet) - before) / len(ends))

        yield tag


def row_of(name: str, levels: Mapping[str, Sequence[Level]]) -> Row:
    """Return a contender's figures, and their ratios to those of the service."""
    own = levels[name]
    rates = [level.rate for level in own]
    core_s = [level.core_s for level in own if level.core_s is not None]
    seconds = [level.seconds for level in own if level.seconds is not None]
    ratios = {
        column: spread(np.divide(rates, [level.rate for level in levels[base]]).tolist(), 2)
        for base, column in RATIOS.items()
        if base in levels
    }
    return {
        "contender": name,
        "tracks a minute": spread([MINUTE_S * each for each in rates], 1),
        **ratios,
        "core s a track": spread(core_s) if core_s else None,
        "tracks a core hour": round(HOUR_S / statistics.median(core_s)) if core_s else None,
        "run s": spread(seconds, 1) if seconds else None,
    }


if __name__ == "__main__":
    typer.run(main)
