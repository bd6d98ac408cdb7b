"""Splits without leaks: an artist's tracks all go into one part, and tags keep their shares.

The thesis split melgrams at first, so that songs were heard in training and asked for in the test,
and then refactored (section 8). Artists go beyond it: who knows an artist's sound knows half of the
answer (Flexer, "A closer look on artist filters for musical genre classification", ISMIR 2007).

Iterative stratification (Sechidis, Tsoumakas & Vlahavas 2011) deals artists out by the tags that
they have; a library does it, on one row an artist.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from iterstrat.ml_stratifiers import IterativeStratification

from app.errors import SetupError
from app.training.leaks import OFFICIAL
from app.training.tracks import Merged, Part, Placed, Split, Track

PARTS = (Part.TRAIN, Part.VALIDATION, Part.TEST)
SHARES = (0.85, 0.10, 0.05)

STEPS = tuple(2**power for power in range(8))
"""An artist has a tag once more at each of these numbers of tracks with it, so that those who have
much of it are dealt out evenly too. On MTG-Jamendo's genres (55,094 tracks, 3,546 artists) a tag's
share of the test part is off by .18 of itself in the median; by .30 where all artists count alike,
by .44 where they are drawn at random."""


@dataclass(frozen=True)
class Divided:
    """A split, and what is to be said of it.

    Attributes:
        split: The split.
        left_out: How many tracks are in no part, by reason.
        unknown_artists: Tracks of nobody knows whom; each was taken for an artist's only one.
        lacking: For each part the tags that it has no positive of.
    """

    split: Split
    left_out: Mapping[str, int]
    unknown_artists: int
    lacking: Mapping[Part, tuple[str, ...]]


def divide(merged: Merged, shares: Sequence[float] = SHARES, seed: int = 1) -> Divided:
    """Split by artists.

    Args:
        merged: The tracks; those without tags become unlabelled.
        shares: Of training, validation and test.
        seed: The same one gives the same split, in whatever order the tracks come.

    Raises:
        SetupError: The shares do not add up to 1, or there are fewer artists than parts.
    """
    _check_shares(shares)
    groups = _groups(track for track in merged.tracks if track.tags)
    if len(groups) < len(PARTS):
        raise SetupError(f"{len(groups)} artists can't be divided into {len(PARTS)} parts")
    part_of = _stratified(groups, merged.tags, shares, seed)
    placed, left_out = _placed(merged.tracks, part_of)
    name = f"artists apart, {'/'.join(f'{share:g}' for share in shares)}, seed {seed}"
    split = Split(merged.task, merged.tags, name, placed)
    unknown = sum(not track.artist for track in merged.tracks)
    return Divided(split, left_out, unknown, lacking(split))


def official(merged: Merged, parts: Mapping[str, Part], name: str) -> Divided:
    """Split as others did, so that figures can be compared; tracks in none of its parts stay out.

    Raises:
        SetupError: None of the tracks is in it.
    """
    tracks = sorted(merged.tracks, key=lambda track: track.id)
    placed = tuple(Placed(track, parts[track.id]) for track in tracks if track.id in parts)
    if not placed:
        raise SetupError(f"no track is in the official split {name!r}; is it of another dataset?")
    split = Split(merged.task, merged.tags, f"{OFFICIAL}{name}", placed)
    left_out = {"not in the official split": len(tracks) - len(placed)}
    unknown = sum(not each.track.artist for each in placed)
    return Divided(split, left_out, unknown, lacking(split))


def lacking(split: Split) -> dict[Part, tuple[str, ...]]:
    """For each part the tags that it has no positive of."""
    found: dict[Part, tuple[str, ...]] = {}
    for part in PARTS:
        there = {tag for each in split.part(part) for tag in each.track.tags}
        found[part] = tuple(tag for tag in split.tags if tag not in there)
    return found


def _check_shares(shares: Sequence[float]) -> None:
    if len(shares) != len(PARTS) or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-6:  # noqa: PLR2004 - rounding
        raise SetupError(
            f"shares: {' '.join(map(str, shares))} are not three parts of 1, as .85 .1 .05"
        )


def _artist(track: Track) -> str:
    return track.artist or f"\0{track.id}"  # nobody knows whose: its own


def _groups(tracks: Iterable[Track]) -> dict[str, list[Track]]:
    """The artists in the order of their names, so that it does not matter how tracks came."""
    groups: dict[str, list[Track]] = defaultdict(list)
    for track in sorted(tracks, key=lambda track: track.id):
        groups[_artist(track)].append(track)
    return dict(sorted(groups.items()))


def _stratified(
    groups: Mapping[str, Sequence[Track]], tags: Sequence[str], shares: Sequence[float], seed: int
) -> dict[str, Part]:
    """Deal the artists out: how many of them have a tag so many times becomes even."""
    column = {tag: number for number, tag in enumerate(tags)}
    counts = np.zeros((len(groups), len(tags)), int)
    for row, tracks in enumerate(groups.values()):
        for track in tracks:
            counts[row, [column[tag] for tag in track.tags]] += 1
    labels = np.concatenate([counts >= step for step in STEPS], axis=1)
    rng = np.random.RandomState(seed)
    folds = IterativeStratification(labels[:, labels.any(axis=0)], np.asarray(shares), rng)
    return {artist: PARTS[fold] for artist, fold in zip(groups, folds, strict=True)}


def _placed(
    tracks: Iterable[Track], part_of: Mapping[str, Part]
) -> tuple[tuple[Placed, ...], dict[str, int]]:
    placed, dropped = [], 0
    for track in sorted(tracks, key=lambda track: track.id):
        part = part_of.get(_artist(track), Part.TRAIN)
        if track.tags:
            placed.append(Placed(track, part))
        elif part is Part.TRAIN:
            placed.append(Placed(track, Part.UNLABELLED))
        else:
            dropped += 1
    return tuple(placed), {"without tags, and of an artist of validation or test": dropped}
