"""Which windows an epoch hears, and in which order: from a seed and the epoch's number alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.datasets.audio.cropping import Crops, crop_bounds, window_starts

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Epoch:
    """Windows in order.

    Attributes:
        tracks: (windows,), the number of each one's track.
        starts: (windows,), its first sample.
        seeds: (windows,), of what augmentation draws.
    """

    tracks: Numbers
    starts: Numbers
    seeds: Numbers

    def __len__(self) -> int:
        return len(self.tracks)


@dataclass(frozen=True, eq=False)
class SamplerConfig:
    """What tracks there are, and how they are cut.

    Attributes:
        lengths: (tracks,), in samples.
        repeats: (tracks,), how often an epoch hears each.
        sample_rate: In Hz.
        window: Length of a window in samples.
        crops: What of a track is heard.
    """

    lengths: Sequence[int]
    repeats: Sequence[int]
    sample_rate: int
    window: int
    crops: Crops


def training_epoch(hearing: SamplerConfig, seed: int, number: int) -> Epoch:
    """An epoch of training: other crops and another order each time."""
    rng = np.random.default_rng([seed, number])
    epoch = _windows(hearing, rng, hearing.crops.overlap)
    order = rng.permutation(len(epoch))
    return Epoch(epoch.tracks[order], epoch.starts[order], epoch.seeds[order])


def validation_epoch(hearing: SamplerConfig, seed: int) -> Epoch:
    """The same windows each time, side by side, each track once."""
    return _windows(hearing, np.random.default_rng(seed), overlap=0.0)


def pairs(epoch: Epoch, hearing: SamplerConfig, seed: int) -> Epoch:
    """Beside each window another one of the same track, as neighbours 2i and 2i + 1."""
    rng = np.random.default_rng([seed, len(epoch)])
    lengths = np.asarray(hearing.lengths)[epoch.tracks]
    others = rng.integers(0, np.maximum(lengths - hearing.window, 0) + 1)
    return Epoch(
        np.repeat(epoch.tracks, 2),
        np.stack([epoch.starts, others], axis=1).ravel(),
        np.stack([epoch.seeds, rng.integers(2**32, size=len(epoch))], axis=1).ravel(),
    )


def interleaved(epoch: Epoch, other: Epoch, offset: int) -> Epoch:
    """Windows of two epochs in turns; the other's tracks count from `offset`, and repeat."""
    places = np.arange(len(epoch)) % len(other)
    pairs_of = (
        (epoch.tracks, other.tracks[places] + offset),
        (epoch.starts, other.starts[places]),
        (epoch.seeds, other.seeds[places]),
    )
    return Epoch(*(np.stack(pair, axis=1).ravel() for pair in pairs_of))


def _windows(hearing: SamplerConfig, rng: np.random.Generator, overlap: float) -> Epoch:
    tracks, starts = [], []
    for track, (length, repeats) in enumerate(zip(hearing.lengths, hearing.repeats, strict=True)):
        for _ in range(repeats):
            found = _of_crop(hearing, length, rng, overlap)
            tracks.append(np.full(len(found), track))
            starts.append(found)
    count = sum(map(len, starts))
    return Epoch(np.concatenate(tracks), np.concatenate(starts), rng.integers(2**32, size=count))


def _of_crop(
    hearing: SamplerConfig, length: int, rng: np.random.Generator, overlap: float
) -> Numbers:
    window = hearing.window
    first, last = crop_bounds(length, hearing.sample_rate, window, hearing.crops, rng)
    if hearing.crops.windows == "one":
        return np.array([rng.integers(first, max(first, last - window) + 1)])
    hop = max(1, round(window * (1 - overlap)))
    return first + window_starts(last - first, window, hop)
