"""Evens out how often training hears each tag; validation and test stay as they are.

The thesis (7.1.3) draws from each tag's tracks as many as the target says, each dataset keeping its
share of the tag, and takes every track that was drawn for any of its tags. Tags stay uneven, as
rock comes along with metal; its largest was 33 times the smallest before, 6 times after.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from app.errors import SetupError
from app.training.tracks import Part, Placed, Split

MAX_COPIES = 10
"""Beyond it an epoch would rather learn tracks by heart than tags, however they are cropped."""


def resample(split: Split, target: int, seed: int) -> Split:
    """Set how often an epoch of training hears each track.

    Args:
        split: Where each track is heard once.
        target: Tracks (or copies of them) that a tag is to have.
        seed: Of what is drawn.

    Raises:
        SetupError: The target is no number of tracks.
    """
    if target < 1:
        raise SetupError(f"target: {target} is no number of tracks; 1 at least")
    training = sorted(split.part(Part.TRAIN), key=lambda each: each.track.id)
    copies: Counter[str] = Counter()
    for number, tag in enumerate(split.tags):
        rng = np.random.default_rng([seed, number])
        for dataset in _by_dataset(training, tag, target):
            _draw(*dataset, rng, copies)
    placed = tuple(
        replace(each, copies=copies[each.track.id]) if each.part is Part.TRAIN else each
        for each in split.placed
    )
    return replace(split, name=f"{split.name}; {target} a tag", placed=placed)


def tag_counts(placed: Iterable[Placed]) -> Mapping[str, int]:
    """How often each tag is heard."""
    counts: Counter[str] = Counter()
    for each in placed:
        for tag in each.track.tags:
            counts[tag] += each.copies
    return counts


def _by_dataset(
    training: Sequence[Placed], tag: str, target: int
) -> list[tuple[Sequence[Placed], int]]:
    """A tag's tracks of each dataset, with how many of them are wanted."""
    found: dict[str, list[Placed]] = defaultdict(list)
    for each in training:
        if tag in each.track.tags:
            found[each.track.dataset].append(each)
    total = sum(map(len, found.values()))
    wanted = _apportioned({name: len(own) * target / total for name, own in found.items()}, target)
    return [(found[name], wanted[name]) for name in sorted(found)]


def _apportioned(quotas: Mapping[str, float], seats: int) -> dict[str, int]:
    """Whole numbers that add up to `seats`: those with the largest remainders are rounded up."""
    whole = {name: int(quota) for name, quota in quotas.items()}
    by_remainder = sorted(quotas, key=lambda name: (whole[name] - quotas[name], name))
    for name in by_remainder[: seats - sum(whole.values())]:
        whole[name] += 1
    return whole


def _draw(
    tracks: Sequence[Placed], wanted: int, rng: np.random.Generator, copies: Counter[str]
) -> None:
    """Have each track as often as all others, or once more; the most that any of its tags asks."""
    often, rest = divmod(wanted, len(tracks))
    for place, number in enumerate(rng.permutation(len(tracks))):
        asked = min(often + (place < rest), MAX_COPIES)
        key = tracks[number].track.id
        copies[key] = max(copies[key], asked)
