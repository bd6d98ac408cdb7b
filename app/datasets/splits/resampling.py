"""Evens out how often training hears each tag; validation and test stay as they are.

The thesis (7.1.3) draws from each tag's tracks as many as the target says, each dataset keeping its
share of the tag, and takes every track that was drawn for any of its tags. A tag that has fewer is
heard more often, each time another crop. Tags stay uneven, as rock comes along with metal: the
thesis's most frequent genre had 33 times the rarest before, 6 times after.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from app.datasets.tracks import Split, SplitTrack, Subset
from app.errors import SetupError

MAX_COPIES = 10
"""Beyond it an epoch would rather learn tracks by heart than tags, however they are cropped. At the
thesis's 1,500 a tag it is just enough for the rarest of all tags of MagnaTagATune and MTG-Jamendo
(154 tracks); rarer ones stay under the target."""


def resample(split: Split, target: int, seed: int) -> Split:
    """Set how often an epoch of training hears each track: as often as any of its tags asks.

    Args:
        split: Where each track is heard once.
        target: Tracks (or copies of them) that a tag is to have.
        seed: Of what is drawn.

    Raises:
        SetupError: The target is no number of tracks.
    """
    if target < 1:
        raise SetupError(f"target: {target} is no number of tracks; 1 at least")
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
    """How often each tag is heard."""
    counts: Counter[str] = Counter()
    for each in placed:
        for tag in each.track.tags:
            counts[tag] += each.repeats
    return counts


def _by_tag(training: Iterable[SplitTrack]) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """The ids of each tag's tracks by dataset, sorted: how the tracks came does not matter."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for each in sorted(training, key=lambda each: each.track.id):
        for tag in each.track.tags:
            found[tag][each.track.dataset].append(each.track.id)
    return found


def _apportioned(counts: Mapping[str, int], seats: int) -> dict[str, int]:
    """Divide seats as the counts are: those with the largest remainders get what is left."""
    total = sum(counts.values())
    whole = {name: count * seats // total for name, count in counts.items()}
    by_remainder = sorted(counts, key=lambda name: (-(counts[name] * seats % total), name))
    for name in by_remainder[: seats - sum(whole.values())]:
        whole[name] += 1
    return whole


def _draw(
    tracks: Sequence[str], wanted: int, rng: np.random.Generator, repeats: Counter[str]
) -> None:
    """Ask for each track as often as for all others, or once more; the most asked for counts."""
    often, rest = divmod(wanted, len(tracks))
    for place, number in enumerate(rng.permutation(len(tracks))):
        asked = min(often + (place < rest), MAX_COPIES)
        repeats[tracks[number]] = max(repeats[tracks[number]], asked)
