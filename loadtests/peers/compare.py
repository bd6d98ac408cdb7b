"""Taggram, musicnn and essentia-tensorflow, from the file to the scores.

`python -m loadtests.peers.compare [ROUNDS]` starts all of them, warms each up, and has them analyse
the same tracks in turns, never two at a time: in each round (4 by default) three new minutes as MP3
and as FLAC. Taggram runs twice: as by default, with both models, and with the one model that the
peers run. It prints times, ratios to both, and whether the scores agree. The first call makes the
peers' environments below `.cache/peers`.
"""

import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.progress import Progress

from loadtests.peers.contenders import (
    DEFAULT,
    ONE_MODEL,
    Contender,
    Measured,
    Start,
    essentia,
    musicnn,
    taggram,
)
from loadtests.peers.environments import CannotRunError
from loadtests.report import Row, argument, out, publish, spread
from loadtests.tracks import encoded

ROUNDS = 4
SECONDS = 180
ENDINGS = ("mp3", "flac")
BOTH_MODELS, OF_ONE_MODEL = "Taggram, default answer: both models", "Taggram, one model"
REFERENCE = "musicnn, session kept"
CONTENDERS: dict[str, Start] = {
    BOTH_MODELS: lambda: taggram(DEFAULT),
    OF_ONE_MODEL: lambda: taggram(ONE_MODEL),
    "musicnn, extractor": lambda: musicnn("extractor"),
    REFERENCE: lambda: musicnn("kept"),
    "essentia-tensorflow": essentia,
}
RATIOS = {BOTH_MODELS: "to the default answer", OF_ONE_MODEL: "to one model"}
"""The columns of ratios, computed in each round."""

TIME_NOTES = (
    "Seconds of one track, and ratios to Taggram in the same round: minimum / median / maximum; "
    "load and model are medians.",
    "The default answer is POST /suggest-tags without parameters: msd-musicnn and mtt-musicnn. All "
    "others run msd-musicnn alone.",
    "Taggram is timed by its client over HTTP on loopback: load is receiving and decoding, model "
    "is inference, by its Server-Timing; where the two overlap, their sum is more than the total. "
    "The peers are timed in their own process, given a path, so without HTTP.",
    "Taggram removes filters that hardly change the scores (app/models/folding.py), most of the "
    "arithmetic; the peers compute them. Much of the ratio is that.",
    "musicnn, extractor: the public function as published, without features; it builds the graph "
    "and reads the checkpoint for every track, and scores windows one by one. "
    "musicnn, session kept: its code with the graph and session built once, all windows in one "
    "batch. Either runs on TensorFlow 2.18 through tf_keras.",
    "essentia-tensorflow: algorithms made once, linear resampling (resampleQuality=4, as in its "
    "own examples), 4 windows at a time: of what was tried, the fastest. Its network is musicnn's "
    "checkpoint, frozen.",
)
SCORE_NOTES = (
    "Scores of msd-musicnn: means over whole windows; the largest difference is that of any tag in "
    "any round. All score windows of 187 frames without overlap. Peers drop a part of a window at "
    "the end; Taggram scores it by one more window, which is not compared.",
    "musicnn is changed in memory only: its melgram stays in float32, as float16 overflows on loud "
    "music. Today's librosa pads the ends with zeros, where musicnn's time, and Taggram, reflect: "
    "that can be seen in the first window.",
    "essentia-tensorflow differs by its resampler, not its melgram: given the samples that librosa "
    "loads, none of its scores was off by more than 0.001, on a track tried apart from this. Its "
    "finest resampling, which took six seconds there, left a third of the difference.",
)

Results = Mapping[tuple[str, str], Sequence[Measured]]
"""By the format and the contender, a track for each round."""


def main() -> None:
    """Measure and print."""
    rounds = argument(ROUNDS)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        contenders, left_out = start(stack, folder)
        if not contenders:
            sys.exit("\n".join(left_out))
        results = measure(contenders, rounds, folder)
    times = [row for ending in ENDINGS for row in time_rows(results, ending)]
    title = f"{SECONDS} s, 44.1 kHz stereo, {rounds} rounds, warm"
    publish("peers", title, times, [*TIME_NOTES, *left_out])
    reference = REFERENCE if REFERENCE in contenders else next(iter(contenders))
    scores = [row for ending in ENDINGS for row in score_rows(results, ending, reference)]
    publish("peers-scores", f"Scores compared with those of {reference}", scores, SCORE_NOTES)


def start(stack: ExitStack, folder: Path) -> tuple[dict[str, Contender], list[str]]:
    """Start all and warm them up; those that run, and why others don't."""
    contenders, left_out = {}, []
    first = write(folder, 0, "mp3")
    for name, running in CONTENDERS.items():
        with out.status(f"starting {name}"):
            try:
                contenders[name] = stack.enter_context(running())
                contenders[name].infer(first)
            except CannotRunError as error:
                contenders.pop(name, None)
                left_out.append(f"{name} is left out: {error}")
    return contenders, left_out


def measure(contenders: Mapping[str, Contender], rounds: int, folder: Path) -> Results:
    """Run them in turns, so that disturbances of the machine affect all alike."""
    results: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    with Progress(console=out, transient=True) as progress:
        task = progress.add_task("measuring", total=rounds * len(ENDINGS) * len(contenders))
        for number, (_, ending) in enumerate(product(range(rounds), ENDINGS), start=1):
            path = write(folder, number, ending)
            for name, contender in contenders.items():
                progress.update(task, description=f"{ending}, {name}")
                results[ending, name].append(contender.infer(path))
                progress.advance(task)
            path.unlink()
    return results


def write(folder: Path, number: int, ending: str) -> Path:
    """Track number n starts n seconds into the song, so that it is in no cache."""
    path = folder / f"{number}.{ending}"
    path.write_bytes(encoded(SECONDS, number, ending))
    return path


def time_rows(results: Results, ending: str) -> list[Row]:
    """How long each took for a format."""
    seconds = {
        name: [one.total_s for one in measured]
        for (format_, name), measured in results.items()
        if format_ == ending
    }
    return [
        {
            "format": ending,
            "contender": name,
            "seconds": spread(taken, 2),
            "load": round(statistics.median(one.load_s for one in results[ending, name]), 3),
            "model": round(statistics.median(one.model_s for one in results[ending, name]), 3),
            **{
                column: spread(np.divide(taken, seconds[base]).tolist(), 2)
                for base, column in RATIOS.items()
                if base in seconds
            },
        }
        for name, taken in seconds.items()
    ]


def score_rows(results: Results, ending: str, reference: str) -> list[Row]:
    """How far each is from the reference for a format."""
    names = [name for format_, name in results if format_ == ending]
    rows: list[Row] = []
    for name in names:
        pairs = list(zip(results[ending, name], results[ending, reference], strict=True))
        common = min(len(one.scores) for pair in pairs for one in pair)
        means = [
            (one.scores[:common].mean(axis=0), other.scores[:common].mean(axis=0))
            for one, other in pairs
        ]
        agreeing = sum(top(theirs) == top(ours) for theirs, ours in means)
        rows.append(
            {
                "format": ending,
                "contender": name,
                "windows": ", ".join(sorted({str(len(one.scores)) for one, _ in pairs})),
                "largest difference": f"{max(abs(a - b).max() for a, b in means):.6f}",
                "same top 5": f"{agreeing} of {len(means)}",
            }
        )
    return rows


def top(means: npt.NDArray[np.float64]) -> set[int]:
    """The five best tags."""
    return set(np.argsort(-means)[:5].tolist())


if __name__ == "__main__":
    main()
