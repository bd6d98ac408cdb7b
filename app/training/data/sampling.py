"""Choose the windows of an epoch and their order, by a seed and the epoch's number alone."""

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
        tracks: (windows,), the number of each window's track.
        starts: (windows,), its first sample.
        seeds: (windows,), its seed for augmentation.
    """

    tracks: Numbers
    starts: Numbers
    seeds: Numbers

    def __len__(self) -> int:
        return len(self.tracks)


@dataclass(frozen=True, eq=False)
class SamplerConfig:
    """The tracks to sample from, and how they are cropped.

    Attributes:
        lengths: (tracks,), in samples.
        repeats: (tracks,), how often an epoch uses each.
        sample_rate: In Hz.
        window: Length of a window in samples.
        crops: Which part of a track is used.
    """

    lengths: Sequence[int]
    repeats: Sequence[int]
    sample_rate: int
    window: int
    crops: Crops


def training_epoch(config: SamplerConfig, seed: int, number: int) -> Epoch:
    """Return a training epoch: each number has other crops and another order.

    Args:
        config: The tracks and crops.
        seed: Seed of the run.
        number: Number of the epoch, from 0.

    Returns:
        Windows as (windows,) arrays; see `Epoch`.
    """
    rng = np.random.default_rng([seed, number])
    epoch = _windows(config, rng, config.crops.overlap)
    order = rng.permutation(len(epoch))
    return Epoch(epoch.tracks[order], epoch.starts[order], epoch.seeds[order])


def validation_epoch(config: SamplerConfig, seed: int) -> Epoch:
    """Return a validation epoch: the same adjacent windows each time, each track once."""
    return _windows(config, np.random.default_rng(seed), overlap=0.0)


def pairs(epoch: Epoch, config: SamplerConfig, seed: int) -> Epoch:
    """Pair each window with a random one of the same track, as rows 2i and 2i + 1.

    These are the positive pairs of contrastive training, as in CLMR (arXiv:2103.09410).

    Args:
        epoch: The windows.
        config: The tracks of the epoch.
        seed: Seed of the random windows.

    Returns:
        An epoch with twice as many windows.
    """
    rng = np.random.default_rng([seed, len(epoch)])
    lengths = np.asarray(config.lengths)[epoch.tracks]
    others = rng.integers(0, np.maximum(lengths - config.window, 0) + 1)
    return Epoch(
        np.repeat(epoch.tracks, 2),
        np.stack([epoch.starts, others], axis=1).ravel(),
        np.stack([epoch.seeds, rng.integers(2**32, size=len(epoch))], axis=1).ravel(),
    )


def interleaved(epoch: Epoch, other: Epoch, offset: int) -> Epoch:
    """Alternate the windows of two epochs.

    Args:
        epoch: The first epoch.
        other: The second one; it is repeated up to the length of the first one.
        offset: Is added to the track numbers of `other`.

    Returns:
        An epoch with twice as many windows as the first one.
    """
    rows = np.arange(len(epoch)) % len(other)
    pairs_of = (
        (epoch.tracks, other.tracks[rows] + offset),
        (epoch.starts, other.starts[rows]),
        (epoch.seeds, other.seeds[rows]),
    )
    return Epoch(*(np.stack(pair, axis=1).ravel() for pair in pairs_of))


def _windows(config: SamplerConfig, rng: np.random.Generator, overlap: float) -> Epoch:
    tracks, starts = [], []
    for track, (length, repeats) in enumerate(zip(config.lengths, config.repeats, strict=True)):
        for _ in range(repeats):
            found = _of_crop(config, length, rng, overlap)
            tracks.append(np.full(len(found), track))
            starts.append(found)
    count = sum(map(len, starts))
    return Epoch(np.concatenate(tracks), np.concatenate(starts), rng.integers(2**32, size=count))


def random_start(config: SamplerConfig, track: int, rng: np.random.Generator) -> int:
    """Return the first sample of a random window of a track, within its crop."""
    first, last = crop_bounds(
        config.lengths[track], config.sample_rate, config.window, config.crops, rng
    )
    return int(rng.integers(first, max(first, last - config.window) + 1))


def _of_crop(
    config: SamplerConfig, length: int, rng: np.random.Generator, overlap: float
) -> Numbers:
    window = config.window
    first, last = crop_bounds(length, config.sample_rate, window, config.crops, rng)
    if config.crops.windows == "one":
        return np.array([rng.integers(first, max(first, last - window) + 1)])
    hop = max(1, round(window * (1 - overlap)))
    return first + window_starts(last - first, window, hop)
