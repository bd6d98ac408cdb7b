"""Splits without leaks: an artist's tracks all go into one part, and tags keep their shares.

The thesis split melgrams at first, so that songs were heard in training and asked for in the test,
and then refactored (section 8). Artists go beyond it: who knows an artist's sound knows half of the
answer (Flexer, "A closer look on artist filters for musical genre classification", ISMIR 2007).

Iterative stratification (Sechidis, Tsoumakas & Vlahavas 2011) deals artists out by the tags that
they have; a library does it, on one row an artist.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from iterstrat.ml_stratifiers import IterativeStratification

from app.datasets.splits.leaks import OFFICIAL
from app.datasets.tracks import Merged, Split, SplitTrack, Subset, Track
from app.errors import SetupError

PARTS = (Subset.TRAIN, Subset.VALIDATION, Subset.TEST)
SHARES = (0.85, 0.10, 0.05)

STEPS = tuple(2**power for power in range(8))
"""An artist has a tag once more at each of these numbers of tracks with it, so that those who have
much of it are dealt out evenly too. On MTG-Jamendo's genres (55,094 tracks, 3,546 artists) a tag's
share of the test part is off by .18 of itself in the median; by .32 to .37 where all artists count
alike, by .44 to .48 where they are drawn at random."""

UNTAGGED = "without tags, and on the side of validation or test"
OUTSIDE = "in no part of the official split"


@dataclass(frozen=True)
class Divided:
    """A split, and what is to be said of it.

    Attributes:
        split: The split.
        left_out: How many tracks are in no part, by reason.
        unknown_artists: How many tracks are of nobody knows whom; each was taken for an artist's
            only one.
        lacking: For each part the tags that it has no positive of.
    """

    split: Split
    left_out: Mapping[str, int]
    unknown_artists: int
    lacking: Mapping[Subset, tuple[str, ...]]


def divide(merged: Merged, shares: Sequence[float] = SHARES, seed: int = 1) -> Divided:
    """Split by artists.

    A track without tags becomes unlabelled, unless its artist is in validation or test.

    Args:
        merged: The tracks.
        shares: Of training, validation and test.
        seed: The same one gives the same split, in whatever order the tracks come.

    Raises:
        SetupError: The shares do not add up to 1, the merge contradicts itself, or there are too
            few artists for three parts.
    """
    _check_shares(shares)
    _check(merged)
    groups = _groups(track for track in merged.tracks if track.tags)
    part_of = _stratified(groups, merged.tags, shares, seed)
    name = f"artists apart, {'/'.join(f'{share:g}' for share in shares)}, seed {seed}"
    divided = _divided(merged, name, lambda track: part_of.get(_artist(track), Subset.TRAIN))
    if empty := [part for part in PARTS if not divided.split.part(part)]:
        raise SetupError(
            f"{len(groups)} artists with tags are too few: none is left for {', '.join(empty)}; "
            "merge more tracks, or say who made them"
        )
    return divided


def official(merged: Merged, parts: Mapping[str, Subset], name: str) -> Divided:
    """Split as others did, so that figures can be compared; tracks in none of its parts stay out.

    Args:
        merged: The tracks.
        parts: By `Track.id`.
        name: What the others called it.

    Raises:
        SetupError: The merge contradicts itself, or none of its tracks is in the split.
    """
    _check(merged)
    divided = _divided(merged, f"{OFFICIAL}{name}", lambda track: parts.get(track.id))
    if not divided.split.placed:
        raise SetupError(f"no track is in the official split {name!r}; is it of another dataset?")
    return divided


def _check_shares(shares: Sequence[float]) -> None:
    positive = len(shares) == len(PARTS) and all(share > 0 for share in shares)
    if not positive or abs(sum(shares) - 1) > 1e-6:  # noqa: PLR2004 - rounding
        raise SetupError(
            f"shares: {' '.join(map(str, shares))} are not three parts of 1, as .85 .1 .05"
        )


def _check(merged: Merged) -> None:
    ids = Counter(track.id for track in merged.tracks)
    known = set(merged.tags)
    for track in merged.tracks:
        if ids[track.id] > 1:
            raise SetupError(f"the track {track.dataset}/{track.path} is there twice; merge anew")
        if unknown := set(track.tags) - known:
            raise SetupError(
                f"the track {track.dataset}/{track.path} has tags that are none of "
                f"{merged.task!r}: {', '.join(sorted(unknown))}; merge anew"
            )


def _divided(merged: Merged, name: str, part_of: Callable[[Track], Subset | None]) -> Divided:
    placed: list[SplitTrack] = []
    left_out: Counter[str] = Counter()
    for track in sorted(merged.tracks, key=lambda track: track.id):
        part = part_of(track)
        if part is None:
            left_out[OUTSIDE] += 1
        elif track.tags:
            placed.append(SplitTrack(track, part))
        elif part is Subset.TRAIN:
            placed.append(SplitTrack(track, Subset.UNLABELLED))
        else:
            left_out[UNTAGGED] += 1
    split = Split(merged.task, merged.tags, name, tuple(placed))
    unknown = sum(not each.track.artist for each in placed)
    return Divided(split, left_out, unknown, _lacking(split))


def _lacking(split: Split) -> dict[Subset, tuple[str, ...]]:
    found: dict[Subset, tuple[str, ...]] = {}
    for part in PARTS:
        there = {tag for each in split.part(part) for tag in each.track.tags}
        found[part] = tuple(tag for tag in split.tags if tag not in there)
    return found


def _artist(track: Track) -> str:
    return track.artist or f"\0{track.id}"  # nobody knows whose: its own


def _groups(tracks: Iterable[Track]) -> dict[str, list[Track]]:
    """The artists in the order of their names, so that it does not matter how tracks came."""
    groups: dict[str, list[Track]] = defaultdict(list)
    for track in tracks:
        groups[_artist(track)].append(track)
    return dict(sorted(groups.items()))


def _stratified(
    groups: Mapping[str, Sequence[Track]], tags: Sequence[str], shares: Sequence[float], seed: int
) -> dict[str, Subset]:
    """Deal the artists out: how many of them have a tag so many times becomes even."""
    column = {tag: number for number, tag in enumerate(tags)}
    counts = np.zeros((len(groups), len(tags)), int)
    for row, tracks in enumerate(groups.values()):
        for track in tracks:
            counts[row, [column[tag] for tag in track.tags]] += 1
    labels = np.concatenate([counts >= step for step in STEPS], axis=1)
    rng = np.random.RandomState(seed)
    folds = IterativeStratification(labels[:, labels.any(axis=0)], np.asarray(shares), rng)
    _complete(folds, counts > 0, counts.sum(axis=1))
    return {artist: PARTS[fold] for artist, fold in zip(groups, folds, strict=True)}


def _complete(
    folds: npt.NDArray[np.int_], has: npt.NDArray[np.bool_], sizes: npt.NDArray[np.int_]
) -> None:
    """Move artists into parts that lack one of their tags, where another part can spare them.

    Args:
        folds: For each artist the number of the part; it is changed.
        has: Which artist has which tag, artists x tags.
        sizes: How much an artist has; the smallest are moved.
    """
    for tag in np.argsort(has.sum(axis=0), kind="stable"):
        artists = np.flatnonzero(has[:, tag])
        for part in range(len(PARTS)):
            if len(artists) < len(PARTS) or (folds[artists] == part).any():
                continue
            spare = [artist for artist in artists.tolist() if _can_go(artist, folds, has)]
            if spare:
                folds[min(spare, key=lambda artist: sizes[artist])] = part


def _can_go(artist: int, folds: npt.NDArray[np.int_], has: npt.NDArray[np.bool_]) -> bool:
    """Whether others in its part have each of its tags too."""
    mates = has[folds == folds[artist]][:, has[artist]]
    return bool((mates.sum(axis=0) > 1).all())
