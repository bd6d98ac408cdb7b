"""A dataset in numbers: how many tracks, tags and artists, how long, and what is missing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from app.datasets.cleaning import Cleaned
from app.datasets.tracks import Track

UNSORTED = "tags"
"""The category of tags of which a dataset names none."""


@dataclass(frozen=True)
class Description:
    """Tracks in numbers.

    Attributes:
        tracks: How many.
        artists: How many different ones are named.
        tags: How many tracks have each tag, the most frequent first.
        tags_a_track: How many tracks have 0, 1, 2, ... tags.
        durations_s: Of the tracks of which it is known, the shortest first.
        sample_rates: How many tracks have each, in Hz; without those where nobody knows.
        unknown: For what a track should have, how many have not.
    """

    tracks: int
    artists: int
    tags: dict[str, int]
    tags_a_track: tuple[int, ...]
    durations_s: tuple[float, ...]
    sample_rates: dict[int, int]
    unknown: dict[str, int]

    @property
    def hours(self) -> float:
        """Of the tracks whose length is known."""
        return sum(self.durations_s) / 3600


def describe(tracks: Sequence[Track]) -> Description:
    """Count."""
    sizes = Counter(len(track.tags) for track in tracks)
    return Description(
        tracks=len(tracks),
        artists=len({track.artist for track in tracks} - {""}),
        tags=_ranked(tracks),
        tags_a_track=tuple(sizes[size] for size in range(max(sizes, default=-1) + 1)),
        durations_s=tuple(sorted(t.duration_s for t in tracks if t.duration_s is not None)),
        sample_rates=dict(sorted(Counter(t.sample_rate for t in tracks if t.sample_rate).items())),
        unknown={
            "tags": sizes[0],
            "artist": sum(not track.artist for track in tracks),
            "licence": sum(not track.licence for track in tracks),
            "duration": sum(track.duration_s is None for track in tracks),
            "sample rate": sum(track.sample_rate is None for track in tracks),
        },
    )


def by_category(cleaned: Cleaned) -> dict[str, dict[str, int]]:
    """How many tracks had each tag before cleaning, by category, the most frequent first.

    A tag of two categories is in both.
    """
    sorted_tags: dict[str, dict[str, int]] = {}
    for tag, count in _ranked(cleaned.dataset.tracks).items():
        for category in sorted(cleaned.dataset.categories.get(tag, {UNSORTED})):
            sorted_tags.setdefault(category, {})[tag] = count
    return sorted_tags


def _ranked(tracks: Sequence[Track]) -> dict[str, int]:
    counts = Counter(tag for track in tracks for tag in track.tags)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
