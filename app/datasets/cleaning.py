"""Cleans datasets: applies the rules of `app.datasets.cleaning_rules`, and counts their effect."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.datasets.cleaning_rules import Tracks, rules_for
from app.datasets.loaders.dataset import Dataset
from app.datasets.tracks import Track


@dataclass(frozen=True)
class Step:
    """The effect of one rule.

    Attributes:
        rule: Its description.
        tracks_dropped: Number of tracks dropped.
        tags_dropped: Number of (track, tag) pairs dropped, including those of dropped tracks.
        tracks_left: Number of tracks kept.
    """

    rule: str
    tracks_dropped: int
    tags_dropped: int
    tracks_left: int


@dataclass(frozen=True)
class Cleaned:
    """A dataset after cleaning.

    Attributes:
        dataset: The dataset before cleaning.
        tracks: The tracks kept, with the tags kept.
        steps: The effect of each rule, in the order applied.
    """

    dataset: Dataset
    tracks: tuple[Track, ...]
    steps: tuple[Step, ...]


def clean(dataset: Dataset) -> Cleaned:
    """Apply a dataset's rules in order; a dataset without rules only loses tracks without tags.

    Returns:
        The dataset, the tracks kept, and the effect of each rule.
    """
    tracks: Tracks = dataset.tracks
    steps = []
    for rule in rules_for(dataset):
        left = rule.apply(tracks)
        dropped = _taggings(tracks) - _taggings(left)
        steps.append(Step(rule.words, len(tracks) - len(left), dropped, len(left)))
        tracks = left
    return Cleaned(dataset, tuple(tracks), tuple(steps))


def _taggings(tracks: Iterable[Track]) -> int:
    return sum(len(each.tags) for each in tracks)
