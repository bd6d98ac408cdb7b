"""Summarise a dataset: numbers of tracks, tags and artists, durations, and missing values."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from app.datasets.cleaning import Cleaned
from app.datasets.tracks import Track

UNSORTED = "tags"
"""The category of tags that have none in the dataset."""


@dataclass(frozen=True)
class Description:
    """Statistics of tracks.

    Attributes:
        tracks: Number of tracks.
        artists: Number of distinct known artists.
        tags: Number of tracks with each tag, the most frequent first.
        tags_a_track: Number of tracks with 0, 1, 2, ... tags.
        durations_s: Known durations in seconds, the shortest first.
        sample_rates: Number of tracks with each known sample rate in Hz.
        unknown: By kind of value, the number of tracks without one.
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
        """Return the total length of the tracks of known length, in hours."""
        return sum(self.durations_s) / 3600


def describe(tracks: Sequence[Track]) -> Description:
    """Return the statistics of tracks."""
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
    """Return the number of tracks with each tag before cleaning, by category, most frequent first.

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
