"""This checkout against another one: the default answer, eight at once, and the start.

`python -m loadtests.serving.before_after --against DIR [--rounds 7]` starts each checkout's service
repeatedly, in turns; then both, which answer the same new tracks in turns, one at a time and eight
at once. DIR's own virtual environment is used if it has one, and its weights have to be there.
Ratios are before / after: above 1, this checkout needs less.
"""

import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.progress import track

from loadtests.lookalikes import lookalikes
from loadtests.report import REPOSITORY, Row, out, publish, spread
from loadtests.serving.waves import wave
from loadtests.tracks import encoded
from testing.process_usage import cpu_seconds, memory_mib
from testing.server import COMMAND, Server, serving

SECONDS = 165
AT_ONCE = 8
STARTS = 3
BEFORE, AFTER = "before", "after"
PATIENT = {"TAGGRAM_DEADLINE_S": "600", "TAGGRAM_MAX_BACKLOG_S": "600"}

Figures = dict[str, dict[str, list[float]]]
"""By what was measured and by checkout, a figure for each round."""


def main(
    against: Annotated[Path, typer.Option(exists=True, file_okay=False, help="The other one.")],
    rounds: Annotated[int, typer.Option(min=1)] = 7,
) -> None:
    """Measure and print."""
    folders = {BEFORE: against.resolve(), AFTER: REPOSITORY}
    figures: Figures = defaultdict(lambda: defaultdict(list))
    for number in track(range(1 + STARTS), "starts", console=out, transient=True):
        for name, folder in folders.items():
            started, cpu_s, mib = measure_start(folder)
            if number:  # the first one may fill a cache
                figures["ready s"][name].append(started)
                figures["core s until ready"][name].append(cpu_s)
                figures["MiB when ready"][name].append(mib)
    with ExitStack() as stack:
        servers = {name: stack.enter_context(checkout(folder)) for name, folder in folders.items()}
        answers = measure_answers(servers, rounds, figures)
        measure_waves(servers, rounds, figures)
    rows = [row_of(what, of_each) for what, of_each in figures.items()]
    title = f"MP3s of {SECONDS} s, default answer: before is {folders[BEFORE]}"
    notes = ["Minimum / median / maximum; ratios round by round.", describe_difference(answers)]
    publish("before_after", title, rows, notes)


@contextmanager
def checkout(folder: Path) -> Iterator[Server]:
    """Run the service of a checkout."""
    own = folder / ".venv" / "bin" / "taggram"
    settings = {**PATIENT, "PYTHONPATH": str(folder)}
    with (
        tempfile.TemporaryDirectory() as name,
        serving(Path(name) / "log", settings, [own if own.exists() else COMMAND]) as server,
    ):
        yield server


def measure_start(folder: Path) -> tuple[float, float, float]:
    """Return the seconds from the command to ready, the CPU time until then, and the memory."""
    start = time.monotonic()
    with checkout(folder) as server:
        seconds = time.monotonic() - start
        pid = server.process.pid
        return seconds, sum(cpu_seconds(pid)), memory_mib(pid)


def measure_answers(
    servers: Mapping[str, Server], rounds: int, figures: Figures
) -> list[dict[str, dict[str, Any]]]:
    """Have the same track tagged by both, in turns; return the answers of each round."""
    tracks = lookalikes(encoded(SECONDS))
    for server in servers.values():
        wave(server, [next(tracks)])  # warms up
    answers = []
    for number in track(range(rounds), "one at a time", console=out, transient=True):
        file = encoded(SECONDS, start_s=10 * number)
        of_round = {}
        for name in in_turns(servers, number):
            server = servers[name]
            before = sum(cpu_seconds(server.process.pid))
            start = time.perf_counter()
            answer = server.http.post("/suggest-tags", files={"file": file}).raise_for_status()
            figures["s a track"][name].append(time.perf_counter() - start)
            used = sum(cpu_seconds(server.process.pid)) - before
            figures["core s a track"][name].append(used)
            of_round[name] = answer.json()
            assert not of_round[name]["cached"]
        answers.append(of_round)
    return answers


def measure_waves(servers: Mapping[str, Server], rounds: int, figures: Figures) -> None:
    """Have eight tracks tagged at once by one, then by the other."""
    tracks = lookalikes(encoded(SECONDS))
    for number in track(range(rounds), "eight at once", console=out, transient=True):
        for name in in_turns(servers, number):
            done = wave(servers[name], list(islice(tracks, AT_ONCE)))
            assert done.answers == f"200: {AT_ONCE}", f"answered {done.answers}"
            figures[f"{AT_ONCE} at once: s"][name].append(max(done.seconds))
            figures[f"{AT_ONCE} at once: core s a track"][name].append(done.cpu_s / AT_ONCE)


def in_turns(servers: Mapping[str, Server], number: int) -> list[str]:
    """Return the names; in every other round the second one begins."""
    return list(servers)[:: -1 if number % 2 else 1]


def row_of(what: str, of_each: Mapping[str, Sequence[float]]) -> Row:
    """Both checkouts' figures, and their ratios."""
    return {
        "what": what,
        BEFORE: spread(of_each[BEFORE]),
        AFTER: spread(of_each[AFTER]),
        "before / after": spread(np.divide(of_each[BEFORE], of_each[AFTER]).tolist(), 2),
    }


def describe_difference(answers: Sequence[Mapping[str, Mapping[str, Any]]]) -> str:
    """Say how the suggestions of both differ."""
    scores = [
        {
            name: {tag["tag"]: tag["score"] for tag in answer["suggestions"]}
            for name, answer in each.items()
        }
        for each in answers
    ]
    same = sum(each[BEFORE].keys() == each[AFTER].keys() for each in scores)
    largest = max(
        abs(each[BEFORE][tag] - each[AFTER][tag])
        for each in scores
        for tag in each[BEFORE].keys() & each[AFTER].keys()
    )
    return (
        f"The same tags are suggested for {same} of {len(scores)} tracks; "
        f"their scores differ by {largest:.4f} at most."
    )


if __name__ == "__main__":
    typer.run(main)
