"""The songs that a probe is trained on: how many are needed, and their arrays."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from app.datasets.tracks import Track
from app.errors import SetupError
from app.evaluation.metrics import Indices, Labels
from app.probing.embedding import Song
from app.probing.encoder import Embeddings

MIN_TAGS, MIN_SONGS, MIN_ARTISTS = 2, 5, 3
"""The least with which a probe can be trained and evaluated."""

FEW_SONGS, FEW_ARTISTS = 20, 8
"""With fewer, a tag is trained but its figures are uncertain."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Training examples of a probe.

    Attributes:
        tags: The tags.
        y_true: Labels, (songs, tags).
        windows: The embeddings of each song, (windows, dimensions).
        artists: Artist numbers, (songs,); a song of an unknown artist has its own number.
    """

    tags: tuple[str, ...]
    y_true: Labels
    windows: tuple[Embeddings, ...]
    artists: Indices

    @classmethod
    def of(cls, songs: Sequence[Song], tags: Sequence[str]) -> "Examples":
        """Return the examples of songs, with the labels of these tags."""
        return cls(
            tuple(tags),
            np.array([[tag in song.track.tags for tag in tags] for song in songs]),
            tuple(song.windows for song in songs),
            np.unique([artist_of(song.track) for song in songs], return_inverse=True)[1],
        )

    def subset(self, which: Indices) -> "Examples":
        """Return the examples of some songs, by their indices, (songs,)."""
        windows = tuple(self.windows[index] for index in which)
        return Examples(self.tags, self.y_true[which], windows, self.artists[which])


def artist_of(track: Track) -> str:
    """Return the group that must not be in two folds: the artist, or else the track itself."""
    return track.artist or f"\0{track.id}"


def tags_of(tracks: Iterable[Track]) -> tuple[str, ...]:
    """Return all tags of tracks, in alphabetical order."""
    return tuple(sorted({tag for track in tracks for tag in track.tags}))


def lacking(tracks: Iterable[Track], songs: int, artists: int) -> dict[str, str]:
    """Return the tags with too few songs or artists, with their numbers in words.

    Args:
        tracks: The tracks.
        songs: The least number of songs of a tag.
        artists: The least number of artists of a tag.
    """
    counts, known = Counter[str](), defaultdict[str, set[str]](set)
    for track in tracks:
        counts.update(track.tags)
        for tag in track.tags:
            known[tag].add(artist_of(track))
    return {
        tag: f"{count} songs of {len(known[tag])} artists"
        for tag, count in sorted(counts.items())
        if count < songs or len(known[tag]) < artists
    }


def check_examples(tracks: Sequence[Track]) -> None:
    """Check that the tracks suffice to train a probe.

    Raises:
        SetupError: There are too few tags, a tag has too few songs or artists, or all tracks have a
            tag.
    """
    tags = tags_of(tracks)
    if len(tags) < MIN_TAGS:
        raise SetupError(
            f"{len(tags)} tags are too few to train on; add songs of at least {MIN_TAGS} different "
            "tags"
        )
    if poor := lacking(tracks, MIN_SONGS, MIN_ARTISTS):
        counts = "; ".join(f"{tag} has {count}" for tag, count in poor.items())
        raise SetupError(
            f"too few songs to train on: {counts}; add songs until each tag has at least "
            f"{MIN_SONGS} of {MIN_ARTISTS} artists, or better a few dozen"
        )
    if everywhere := [tag for tag in tags if all(tag in each.tags for each in tracks)]:
        raise SetupError(
            f"all songs have the tag {everywhere[0]!r}; add songs without it, or remove the tag"
        )
