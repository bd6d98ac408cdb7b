"""What is known of the audio files of datasets: what the rooms of learning hand one another.

    metadata -> tracks with a dataset's own tags -> cleaned -> merged: a task's tags -> split

A `Track` is the same thing all the way; only its tags change, from a dataset's own to a task's.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property


@dataclass(frozen=True)
class Track:
    """An audio file of a dataset.

    Attributes:
        id: As `track_id` makes it: the same wherever the dataset lies.
        dataset: Which one.
        path: Relative to the folder of the dataset's audio, with slashes.
        artist: Whoever made it, the same in all datasets where they name artists; else the
            dataset's own number of the artist; empty where nobody knows.
        tags: The dataset's own before the merge, the task's after it; without repetitions.
        licence: Under which terms it is; empty where nobody knows.
        duration_s: Its length, where the metadata say so.
        sample_rate: In Hz, where the metadata say so.
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
    """16 hex digits of the SHA-256 of dataset and path: stable, and the same on each machine."""
    return hashlib.sha256(f"{dataset}/{path}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Merged:
    """The tracks of all datasets under one task's tags.

    Attributes:
        task: Its name, which is that of a vocabulary.
        tags: All of the task's, in its order; some may be on no track.
        tracks: With at least one of these tags each; none where the task is to listen alone.
    """

    task: str
    tags: tuple[str, ...]
    tracks: tuple[Track, ...]


class Subset(StrEnum):
    """What a track is for."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    UNLABELLED = "unlabelled"


@dataclass(frozen=True)
class SplitTrack:
    """A track in its part.

    Attributes:
        track: Whose tags are the task's.
        part: Where it belongs.
        repeats: How often an epoch hears it, each time another crop; 0 where it was left out to
            even out the tags. Always 1 but in training.
    """

    track: Track
    part: Subset
    repeats: int = 1


@dataclass(frozen=True)
class Split:
    """The tracks of a task in their parts.

    Attributes:
        task: Its name.
        tags: All of the task's, in the order of a model's outputs.
        name: How it was made, as `artists, seed 1` or `mtat clean`; figures belong to it.
        placed: Each track once.
    """

    task: str
    tags: tuple[str, ...]
    name: str
    placed: tuple[SplitTrack, ...]

    def part(self, part: Subset) -> tuple[SplitTrack, ...]:
        """What an epoch of a part hears: those with a copy at least."""
        return tuple(each for each in self.placed if each.part is part and each.repeats)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that a model could learn from it."""
        digest = hashlib.sha256("\n".join((self.task, *self.tags)).encode())
        for each in sorted(self.placed, key=lambda placed: placed.track.id):
            line = (each.track.id, each.part, str(each.repeats), *each.track.tags)
            digest.update(("\n" + "\t".join(line)).encode())
        return digest.hexdigest()
