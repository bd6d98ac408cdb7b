"""Take a share of a split's training data, with whole artists, for quick trials."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from app.datasets.splits.stratification import stratify
from app.datasets.tracks import Split, SplitTrack, Subset
from app.errors import SetupError


def take_subset(split: Split, share: float, seed: int) -> Split:
    """Take a share of the training, validation and unlabelled tracks; the test part stays whole.

    Tracks of an artist are taken together, and tags keep their shares as far as possible.

    Args:
        split: The split.
        share: The share of each part, above 0; 1 takes all.
        seed: Seed of the random draws.

    Returns:
        The smaller split, with the same tags.

    Raises:
        SetupError: The share is not above 0 and at most 1.
    """
    check_share(share)
    if share == 1:
        return split
    kept = {each.track.id for each in split.placed if each.part is Subset.TEST}
    for part in (Subset.TRAIN, Subset.VALIDATION):
        kept |= _stratified(
            [each for each in split.placed if each.part is part], split, share, seed
        )
    kept |= _drawn([each for each in split.placed if each.part is Subset.UNLABELLED], share, seed)
    placed = tuple(each for each in split.placed if each.track.id in kept)
    name = f"{split.name}; a share of {share:g} of training and validation, seed {seed}"
    return Split(split.task, split.tags, name, placed)


def check_share(share: float) -> None:
    """Check that a number is a share.

    Raises:
        SetupError: It is not above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise SetupError(f"subset: {share:g} is not a valid share; expected above 0 and at most 1")


def _stratified(placed: Sequence[SplitTrack], split: Split, share: float, seed: int) -> set[str]:
    artists = _by_artist(placed)
    tracks = {artist: [each.track for each in own] for artist, own in artists.items()}
    if not tracks:
        return set()
    parts = stratify(tracks, split.tags, (share, 1 - share), seed)
    return {each.id for artist, own in tracks.items() if parts[artist] == 0 for each in own}


def _drawn(placed: Sequence[SplitTrack], share: float, seed: int) -> set[str]:
    artists = list(_by_artist(placed).values())
    order = np.random.default_rng(seed).permutation(len(artists))
    chosen = order[: round(share * len(artists))].tolist()
    return {each.track.id for number in chosen for each in artists[number]}


def _by_artist(placed: Sequence[SplitTrack]) -> dict[str, list[SplitTrack]]:
    """Group tracks by artist, in an order that does not depend on theirs; unknown ones alone."""
    groups: dict[str, list[SplitTrack]] = defaultdict(list)
    for each in sorted(placed, key=lambda each: each.track.id):
        groups[each.track.artist or f"\0{each.track.id}"].append(each)
    return dict(sorted(groups.items()))
