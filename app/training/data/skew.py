"""Options against skewed tags: fewer tracks with a majority tag alone, synthetic minority examples.

See `app.training.recipe.schema.Skew` for the terms and the papers.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from app.training.data.sampling import Epoch, SamplerConfig, random_start

Flags = npt.NDArray[np.bool_]
Weights = npt.NDArray[np.float32]


def find_minorities(labels: npt.NDArray[np.float32], repeats: npt.NDArray[np.int64]) -> Flags:
    """Return which tags are minority tags, (tags,); a tag without tracks is none.

    Args:
        labels: (tracks, tags), 1 where a track has a tag.
        repeats: (tracks,), how often an epoch uses each track.
    """
    counts = repeats @ labels
    if not counts.any():
        return np.zeros(len(counts), bool)
    ratios = counts.max() / np.maximum(counts, 1)
    minorities: Flags = (counts > 0) & (ratios > ratios[counts > 0].mean())
    return minorities


def find_majority_only(labels: npt.NDArray[np.float32], minorities: Flags) -> Flags:
    """Return which tracks have one tag only, a majority tag, (tracks,).

    Args:
        labels: (tracks, tags), 1 where a track has a tag.
        minorities: (tags,), see `find_minorities`.
    """
    only: Flags = (labels.sum(axis=1) == 1) & (labels[:, minorities].sum(axis=1) == 0)
    return only


def draw_tracks(
    config: SamplerConfig, majority_only: Flags, share: float, seed: int, number: int
) -> SamplerConfig:
    """Use only a share of the tracks that have a majority tag alone, others in each epoch.

    Args:
        config: The tracks.
        majority_only: (tracks,), see `find_majority_only`.
        share: The share to use.
        seed: Seed of the run.
        number: Number of the epoch, from 0.
    """
    tracks = np.flatnonzero(majority_only)
    if share == 1 or not len(tracks):
        return config
    rng = np.random.default_rng([seed, number, len(tracks)])
    repeats = np.array(config.repeats)
    repeats[rng.permutation(tracks)[max(1, round(share * len(tracks))) :]] = 0
    return replace(config, repeats=repeats.tolist())


def mix_all(epoch: Epoch, parameter: float, seed: int, number: int) -> Weights:
    """Return each window's weight against the one before it, (windows,)."""
    rng = np.random.default_rng([seed, number, len(epoch)])
    return rng.beta(parameter, parameter, len(epoch)).astype(np.float32)


def add_synthetic(
    epoch: Epoch, config: SamplerConfig, labels: Flags, parameter: float, seed: Sequence[int]
) -> tuple[Epoch, Weights]:
    """Insert, after each window with a minority tag, one of another track with the same tag.

    Args:
        epoch: The windows.
        config: The tracks of the epoch.
        labels: (tracks, minority tags), whether a track has a tag.
        parameter: Of the beta distribution.
        seed: Seed of tracks, windows and weights.

    Returns:
        The longer epoch, and each window's weight against the one before it, (windows,): 1 unless
        it was inserted.
    """
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(column) for column in labels.T]
    rows = np.flatnonzero(labels[epoch.tracks].any(axis=1))
    tracks = np.zeros(len(rows), np.int64)
    for place, row in enumerate(rows):
        own = epoch.tracks[row]
        tag = rng.choice(np.flatnonzero(labels[own]))
        others = members[tag][members[tag] != own]
        tracks[place] = rng.choice(others) if len(others) else own
    starts = [random_start(config, int(track), rng) for track in tracks]
    seeds = rng.integers(2**32, size=len(rows))
    weights = np.insert(np.ones(len(epoch)), rows + 1, rng.beta(parameter, parameter, len(rows)))
    inserted = ((epoch.tracks, tracks), (epoch.starts, starts), (epoch.seeds, seeds))
    longer = Epoch(*(np.insert(before, rows + 1, new) for before, new in inserted))
    return longer, weights.astype(np.float32)
