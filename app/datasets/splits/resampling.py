"""Even out how often training sees each tag; validation and test are unchanged.

The thesis (7.1.3) draws from each tag's tracks as many as the target says, each dataset keeping its
share of the tag, and takes every track that was drawn for any of its tags. Tracks of rarer tags are
repeated, each time another crop. Tags stay uneven, as tracks have several tags: the thesis's most
frequent genre had 33 times the tracks of the rarest before, 6 times after.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from app.datasets.tracks import Split, SplitTrack, Subset
from app.errors import SetupError

MAX_COPIES = 10
"""With more, a model would overfit to single tracks in spite of the crops. With the thesis's target
of 1,500 it just suffices for the rarest tag of MagnaTagATune and MTG-Jamendo (154 tracks); rarer
tags stay below the target."""


def resample(split: Split, target: int, seed: int) -> Split:
    """Set how often a training epoch uses each track: the maximum over its tags.

    Args:
        split: A split that uses each track once.
        target: The number of tracks, including repeats, that each tag should have.
        seed: Seed of the random draws.

    Returns:
        The split with new repeats in its training part.

    Raises:
        SetupError: The target is less than 1.
    """
    if target < 1:
        raise SetupError(f"target: {target} is not a valid number of tracks; expected 1 or more")
    found = _by_tag(split.part(Subset.TRAIN))
    repeats: Counter[str] = Counter()
    for number, tag in enumerate(split.tags):
        rng = np.random.default_rng([seed, number])
        wanted = _apportioned({name: len(own) for name, own in found[tag].items()}, target)
        for name in sorted(wanted):
            _draw(found[tag][name], wanted[name], rng, repeats)
    placed = tuple(
        replace(each, repeats=repeats[each.track.id]) if each.part is Subset.TRAIN else each
        for each in split.placed
    )
    return replace(split, name=f"{split.name}; {target} a tag, seed {seed}", placed=placed)


def tag_counts(placed: Iterable[SplitTrack]) -> Mapping[str, int]:
    """Return how often an epoch uses each tag."""
    counts: Counter[str] = Counter()
    for each in placed:
        for tag in each.track.tags:
            counts[tag] += each.repeats
    return counts


def _by_tag(training: Iterable[SplitTrack]) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Return the sorted ids of each tag's tracks by dataset, independent of the input's order."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for each in sorted(training, key=lambda each: each.track.id):
        for tag in each.track.tags:
            found[tag][each.track.dataset].append(each.track.id)
    return found


def _apportioned(counts: Mapping[str, int], seats: int) -> dict[str, int]:
    """Divide seats in proportion to the counts, by the largest-remainder method."""
    total = sum(counts.values())
    whole = {name: count * seats // total for name, count in counts.items()}
    by_remainder = sorted(counts, key=lambda name: (-(counts[name] * seats % total), name))
    for name in by_remainder[: seats - sum(whole.values())]:
        whole[name] += 1
    return whole


def _draw(
    tracks: Sequence[str], wanted: int, rng: np.random.Generator, repeats: Counter[str]
) -> None:
    """Draw `wanted` tracks evenly; a track's repeats become the maximum over its tags."""
    often, rest = divmod(wanted, len(tracks))
    for place, number in enumerate(rng.permutation(len(tracks))):
        drawn = min(often + (place < rest), MAX_COPIES)
        repeats[tracks[number]] = max(repeats[tracks[number]], drawn)
