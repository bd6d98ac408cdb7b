"""How the end of a track, which no whole window covers, should be scored.

    python -m loadtests.quality.track_end msd-musicnn mtt-musicnn
    TAGGRAM_MODEL_STORE=... python -m loadtests.quality.track_end jamendo-fcn jamendo-crnn

Free songs are cropped at random. The reference is the mean score of a crop over windows that
overlap by seven eighths, the last of which ends with the crop. It is compared with the mean over
the whole windows of the model's manifest, and for the rest behind them

    dropped    nothing
    padded     a window that is filled up with zeros
    aligned    a window that ends with the crop, and overlaps with the one before
    weighted   the same window, weighted by the share of a hop that is new

Crops shorter than a window are `padded`, or `repeated` until they fill one. Their reference is the
mean over windows of the song that contain the crop.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Annotated

import librosa
import numpy as np
import typer
from rich.progress import track

from app.domain import Frames, Samples, Scores
from app.evaluation.scoring import PREFERENCE
from app.front_ends import WindowSpec
from app.inference.engine import Engine
from app.inference.stacked_engine import choose_whole
from loadtests.engines import STORE, extractor_of, manifest_of
from loadtests.quality.genre_songs import free_songs
from loadtests.report import Row, out, publish

OVERLAPPING = 8
"""Windows of a reference that a moment is in."""

LENGTHS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Limits of the lengths of crops, in windows."""

RESTS = (0.1, 0.25, 0.5, 0.75, 1.0)
"""Limits of the rests behind the last whole window, in hops."""

SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Lengths of crops that are shorter than a window, in windows."""

Means = dict[str, Samples]
"""The mean scores of a crop by method, (tags,)."""


class Crops:
    """Scores crops of a song.

    Attributes:
        window: Length of a window, in samples.
    """

    def __init__(self, engine: Engine, spec: WindowSpec, song: Samples) -> None:
        self._engine = engine
        self._spec = spec
        self._song = song
        self._extractor = extractor_of(manifest_of(engine.ref.name))
        self.window = spec.window_samples

    def score_long(self, start: int, length: int) -> tuple[float, Means]:
        """Return the rest in hops and the mean scores of a crop of at least a window."""
        crop = self._song[start : start + length]
        spec = self._spec
        frames = self._frames(crop)
        last = len(frames) - spec.window_frames
        whole = range(0, last + 1, spec.hop_frames)
        dense = sorted({*range(0, last, spec.window_frames // OVERLAPPING), last})
        starts = sorted({*whole, *dense})
        by_start = dict(zip(starts, self._score(frames, starts), strict=True))
        rest = (last - whole[-1]) / spec.hop_frames
        of_whole = [by_start[each] for each in whole]
        filled = spec.front.samples(whole[-1] + spec.hop_frames + spec.window_frames)
        behind = self._frames(np.pad(crop, (0, filled - len(crop))))[whole[-1] + spec.hop_frames :]
        weights = [1.0] * len(whole) + [rest]
        return rest, {
            "reference": np.mean([by_start[each] for each in dense], axis=0),
            "dropped": np.mean(of_whole, axis=0),
            "padded": np.mean([*of_whole, *self._score(behind, [0])], axis=0),
            "aligned": np.mean([*of_whole, by_start[last]], axis=0),
            "weighted": np.average([*of_whole, by_start[last]], axis=0, weights=weights),
        }

    def score_short(self, start: int, length: int) -> Means:
        """Return the mean scores of a crop that is shorter than a window."""
        crop = self._song[start : start + length]
        limits = max(0, start + length - self.window), min(start, len(self._song) - self.window)
        around = [
            self._song[first : first + self.window]
            for first in np.linspace(*limits, OVERLAPPING).astype(int)
        ]
        return {
            "reference": np.mean([self._score_one(each) for each in around], axis=0),
            "padded": self._score_one(np.pad(crop, (0, self.window - length))),
            "repeated": self._score_one(np.resize(crop, self.window)),
        }

    def _score_one(self, samples: Samples) -> Samples:
        one: Samples = self._score(self._frames(samples), [0])[0]
        return one

    def _frames(self, samples: Samples) -> Frames:
        return self._extractor.frames(samples, 0, self._spec.front.frames(len(samples)))

    def _score(self, frames: Frames, starts: Sequence[int]) -> Scores:
        length, size = self._spec.window_frames, self._engine.batch_windows
        batches = (starts[first : first + size] for first in range(0, len(starts), size))
        return np.concatenate(
            [
                self._engine.score(np.stack([frames[start : start + length] for start in batch]))
                for batch in batches
            ]
        )


def main(
    models: list[str],
    songs: Annotated[int, typer.Option(min=1)] = 12,
    overlap: Annotated[float | None, typer.Option(min=0, max=0.9)] = None,
    seed: int = 1,
) -> None:
    """Measure and print; `overlap` replaces that of the model's windows."""
    free = [path for _, path in free_songs()]
    chosen = [free[index] for index in np.linspace(0, len(free) - 1, songs).astype(int)]
    for name in models:
        engine = choose_whole(STORE, manifest_of(name), PREFERENCE)
        spec, random = engine.window_spec, np.random.default_rng(seed)
        if overlap is not None:
            spec = replace(spec, hop_frames=round(spec.window_frames * (1 - overlap)))
        groups: dict[tuple[str, str], list[Means]] = defaultdict(list)
        for path in track(chosen, name, console=out):
            song, _ = librosa.load(path, sr=spec.front.sample_rate, mono=True)
            for group, means in _measure(Crops(engine, spec, song), len(song), random):
                groups[group].append(means)
        publish(
            f"track_end_{name}_{spec.hop_frames}",
            f"{name}: windows of {spec.window_s:.3g} s every {spec.hop_s:.3g} s, {songs} songs; "
            "mean / largest difference from the reference",
            [_row(group, groups[group]) for group in sorted(groups)],
        )


def _measure(
    crops: Crops, length: int, random: np.random.Generator
) -> Iterator[tuple[tuple[str, str], Means]]:
    """Yield the groups of crops and their scores."""
    for least, below in pairwise(LENGTHS):
        size = int(random.uniform(least, below) * crops.window)
        if size > length:
            break
        rest, means = crops.score_long(int(random.integers(length - size + 1)), size)
        yield ("length in windows", f"{least:4g} to {below:g}"), means
        most = next(limit for limit in RESTS if rest <= limit)
        yield ("rest in hops", f"at most {most:g}"), means
    for share in SHARES:
        size = int(share * crops.window)
        yield (
            ("shorter, in windows", f"{share:g}"),
            crops.score_short(int(random.integers(length - size + 1)), size),
        )


def _row(group: tuple[str, str], crops: Sequence[Means]) -> Row:
    row: dict[str, str | float | int | None] = {"": group[0], "crops": group[1], "n": len(crops)}
    for method in crops[0]:
        if method != "reference":
            apart = np.abs([each[method] - each["reference"] for each in crops])
            row[method] = f"{apart.mean():.4f} / {apart.max():.3f}"
    return row


if __name__ == "__main__":
    typer.run(main)
