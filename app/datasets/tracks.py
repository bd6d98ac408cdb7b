"""Tracks, merged datasets and splits: the types that the steps of training pass on.

    metadata -> tracks with a dataset's own tags -> cleaned -> merged: a task's tags -> split

Only a `Track`'s tags change on the way, from the dataset's own to the task's.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property


@dataclass(frozen=True)
class Track:
    """An audio file of a dataset.

    Attributes:
        id: See `track_id`; independent of where the dataset is stored.
        dataset: The dataset's name.
        path: Relative to the folder of the dataset's audio, with slashes.
        artist: The artist's normalised name, the same in all datasets that name artists; otherwise
            the dataset's own artist number; empty if unknown.
        tags: The dataset's own before the merge, the task's after it; without duplicates.
        licence: Its licence; empty if unknown.
        duration_s: Its length in seconds; None if unknown.
        sample_rate: In Hz; None if unknown.
    """

    id: str
    dataset: str
    path: str
    artist: str
    tags: tuple[str, ...]
    licence: str = ""
    duration_s: float | None = None
    sample_rate: int | None = None


def track_id(dataset: str, path: str) -> str:
    """Return 16 hex digits of the SHA-256 of dataset and path, the same on every machine."""
    return hashlib.sha256(f"{dataset}/{path}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Merged:
    """The tracks of all datasets under one task's tags.

    Attributes:
        task: The task's name, which is that of a vocabulary.
        tags: All tags of the task, in its order; some may have no track.
        tracks: Each with at least one of these tags; with none for self-supervised training.
    """

    task: str
    tags: tuple[str, ...]
    tracks: tuple[Track, ...]


class Subset(StrEnum):
    """The part of a split that a track belongs to."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    UNLABELLED = "unlabelled"


@dataclass(frozen=True)
class SplitTrack:
    """A track and its part of a split.

    Attributes:
        track: With tags of the task.
        part: Its part.
        repeats: How often an epoch uses it, each time another crop; 0 if resampling dropped it.
            Always 1 outside of training.
    """

    track: Track
    part: Subset
    repeats: int = 1


@dataclass(frozen=True)
class Split:
    """The tracks of a task, divided into parts.

    Attributes:
        task: Its name.
        tags: All tags of the task, in the order of a model's outputs.
        name: How it was made, such as `artists apart, ..., seed 1` or `official mtat-clean`.
        placed: Each track once, with its part.
    """

    task: str
    tags: tuple[str, ...]
    name: str
    placed: tuple[SplitTrack, ...]

    def part(self, part: Subset) -> tuple[SplitTrack, ...]:
        """Return the tracks of a part that an epoch uses: those with `repeats` of 1 or more."""
        return tuple(each for each in self.placed if each.part is part and each.repeats)

    @cached_property
    def fingerprint(self) -> str:
        """Return the SHA-256 of all that affects training: task, tags, tracks, parts, repeats."""
        digest = hashlib.sha256("\n".join((self.task, *self.tags)).encode())
        for each in sorted(self.placed, key=lambda placed: placed.track.id):
            line = (each.track.id, each.part, str(each.repeats), *each.track.tags)
            digest.update(("\n" + "\t".join(line)).encode())
        return digest.hexdigest()
