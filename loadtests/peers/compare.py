"""Taggram, musicnn and essentia-tensorflow: the same weights, from the file to the scores.

`python -m loadtests.peers.compare [ROUNDS]` starts all of them, warms each up, and has them analyse
the same tracks in turns, never two at a time: in each round (5 by default) three new minutes as
MP3, WAV, FLAC and Ogg Vorbis. It prints times, ratios and whether the scores agree. The first call
makes the peers' environments below `.cache/peers`.
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

from loadtests.peers.contenders import CONTENDERS, Measure, Measured
from loadtests.peers.environments import CannotRunError
from loadtests.report import Row, argument, out, publish, spread
from loadtests.tracks import FORMATS, encoded

ROUNDS = 5
SECONDS = 180
OURS, MUSICNN, REFERENCE = "Taggram", "musicnn", "Taggram, tensorflow float32"

TIME_NOTES = (
    "Seconds of one track, minimum / median / maximum over the rounds; load and model are medians. "
    "The ratio is computed in each round, to the Taggram with the lowest median in that format.",
    "Taggram is timed by its client over HTTP on loopback: load is receiving and decoding, model "
    "is inference, by its Server-Timing; where the two overlap, their sum is more than the total. "
    "The peers are timed in their own process, given a path, so without HTTP.",
    "Taggram removes the filters whose output is constant (app/models/folding.py), "
    "nine tenths of the arithmetic; the peers compute them. Much of the ratio is that.",
    "musicnn, extractor: the public function as published, without features; it builds the graph "
    "and reads the checkpoint for every track, and scores windows one by one. "
    "musicnn, session kept: its code with the graph and session built once, all windows in one "
    "batch. Either runs on TensorFlow 2.18 through tf_keras.",
    "essentia-tensorflow: algorithms made once, linear resampling (resampleQuality=4, as in its "
    "own examples), 4 windows at a time: of what was tried, the fastest. Its network is musicnn's "
    "checkpoint, frozen.",
)
SCORE_NOTES = (
    "Scores are means over whole windows; the largest difference is that of any tag in any round. "
    "All score windows of 187 frames without overlap. Peers drop a part of a window at its end; "
    "Taggram scores it by one more window, which is not compared.",
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
    times = [row for ending in FORMATS for row in time_rows(results, ending)]
    notes = [*TIME_NOTES, *faster_musicnn(results), *left_out]
    publish("peers", f"{SECONDS} s, 44.1 kHz stereo, {rounds} rounds, warm", times, notes)
    reference = REFERENCE if REFERENCE in contenders else next(iter(contenders))
    scores = [row for ending in FORMATS for row in score_rows(results, ending, reference)]
    publish("peers-scores", f"Scores compared with those of {reference}", scores, SCORE_NOTES)


def start(stack: ExitStack, folder: Path) -> tuple[dict[str, Measure], list[str]]:
    """Start all and warm them up; those that run, and why others don't."""
    contenders, left_out = {}, []
    first = write(folder, 0, "mp3")
    for name, running in CONTENDERS.items():
        with out.status(f"starting {name}"):
            try:
                contenders[name] = stack.enter_context(running())
                contenders[name](first)
            except CannotRunError as error:
                contenders.pop(name, None)
                left_out.append(f"{name} is left out: {error}")
    return contenders, left_out


def measure(contenders: Mapping[str, Measure], rounds: int, folder: Path) -> Results:
    """Run them in turns, so that disturbances of the machine affect all alike."""
    results: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    with Progress(console=out, transient=True) as progress:
        task = progress.add_task("measuring", total=rounds * len(FORMATS) * len(contenders))
        for number, (_, ending) in enumerate(product(range(rounds), FORMATS), start=1):
            path = write(folder, number, ending)
            for name, infer in contenders.items():
                progress.update(task, description=f"{ending}, {name}")
                results[ending, name].append(infer(path))
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
    measured_by = {
        name: measured for (format_, name), measured in results.items() if format_ == ending
    }
    ours = [totals(measured) for name, measured in measured_by.items() if name.startswith(OURS)]
    best = min(ours, key=statistics.median, default=None)
    return [
        {
            "format": ending,
            "contender": name,
            "seconds": spread(totals(measured), 2),
            "load": round(statistics.median(one.load_s for one in measured), 3),
            "model": round(statistics.median(one.model_s for one in measured), 3),
            "ratio": spread(np.divide(totals(measured), best).tolist(), 2) if best else None,
        }
        for name, measured in measured_by.items()
    ]


def faster_musicnn(results: Results) -> list[str]:
    """Which of the two runs of musicnn is the fair one to be compared with."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for (_, name), measured in results.items():
        if name.startswith(MUSICNN):
            seconds[name] += totals(measured)
    if not seconds:
        return []
    faster = min(seconds, key=lambda name: statistics.median(seconds[name]))
    return [f"The ratio to quote for musicnn is that of its faster run: {faster}."]


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


def totals(measured: Sequence[Measured]) -> list[float]:
    """Seconds by round."""
    return [one.total_s for one in measured]


def top(means: npt.NDArray[np.float64]) -> set[int]:
    """The five best tags."""
    return set(np.argsort(-means)[:5].tolist())


if __name__ == "__main__":
    main()
