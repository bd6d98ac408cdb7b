"""Makes columns of the rows of artists, curators and tracks."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

import numpy as np

from app.recommender.data import Artists, Curators, OneHot, Platform, Times, Tracks
from app.recommender.tables.problems import Problem, Problems
from app.recommender.tables.rows import ArtistRow, CuratorRow, TrackRow

AnyRow = TypeVar("AnyRow", ArtistRow, CuratorRow, TrackRow)

SHOWN_NAMES = 5
"""The names of artists or curators that a message lists."""


class Assembly:
    """Makes columns, and counts the problems on the way."""

    def __init__(self, subgenres: tuple[str, ...], problems: Problems) -> None:
        self._subgenres = subgenres
        self._columns = {name: column for column, name in enumerate(subgenres)}
        self._problems = problems

    def artists(self, placed: Iterable[tuple[str, ArtistRow]]) -> Artists:
        """Return the artists, each id once."""
        kept = list(self._distinct("artists", "artist_id", placed))
        rows = [row for _, row in kept]
        return Artists(
            ids=tuple(row.artist_id for row in rows),
            subgenres=self._one_hot([(place, row.subgenres) for place, row in kept], "subgenres"),
            countries=tuple(row.country or "" for row in rows),
            joined=as_times([row.joined for row in rows]),
            goals=tuple(row.goal or "" for row in rows),
            bio_features=tuple(row.bio_features for row in rows),
        )

    def curators(self, placed: Iterable[tuple[str, CuratorRow]]) -> Curators:
        """Return the curators, each id once."""
        kept = list(self._distinct("curators", "curator_id", placed))
        rows = [row for _, row in kept]
        for place, row in kept:
            if both := set(row.liked) & set(row.disliked):
                detail = f"liked and disliked are {', '.join(sorted(both))}; both are used"
                self._problems.add("curators", Problem.CONTRADICTORY_TASTE, place, detail)
        return Curators(
            ids=tuple(row.curator_id for row in rows),
            liked=self._one_hot([(place, row.liked) for place, row in kept], "liked"),
            neutral=self._one_hot([(place, row.neutral) for place, row in kept], "neutral"),
            disliked=self._one_hot([(place, row.disliked) for place, row in kept], "disliked"),
            countries=tuple(row.country or "" for row in rows),
            languages=tuple(row.language or "" for row in rows),
        )

    def tracks(self, placed: Iterable[tuple[str, TrackRow]], artists: Artists) -> Tracks:
        """Return the tracks of known artists, each id once."""
        indices = {artist_id: index for index, artist_id in enumerate(artists.ids)}
        rows = []
        for place, row in self._distinct("tracks", "external_id", placed):
            if row.artist_id in indices:
                rows.append(row)
            else:
                detail = f"artist_id is {row.artist_id!r}, which is not in the table artists"
                self._problems.add("tracks", Problem.UNKNOWN_ARTIST, place, detail)
        return Tracks(
            external_ids=tuple(row.external_id for row in rows),
            track_ids=tuple(row.track_id or "" for row in rows),
            artists=np.array([indices[row.artist_id] for row in rows], np.int64),
        )

    def note_gaps(self, platform: Platform) -> None:
        """Count artists without tracks and curators without interactions; they are kept."""
        tracks = np.bincount(platform.tracks.artists, minlength=len(platform.artists.ids))
        answers = np.bincount(platform.interactions.curators, minlength=len(platform.curators.ids))
        gaps = (
            ("artists", Problem.NO_TRACKS, platform.artists.ids, tracks),
            ("curators", Problem.NO_HISTORY, platform.curators.ids, answers),
        )
        for table, problem, ids, counts in gaps:
            for index in np.flatnonzero(counts == 0):
                detail = f"{ids[index]!r} has none"
                self._problems.add(table, problem, f"table {table}", detail)

    def _distinct(
        self, table: str, key: str, placed: Iterable[tuple[str, AnyRow]]
    ) -> Iterator[tuple[str, AnyRow]]:
        """Yield the first row of each id."""
        seen = set()
        for place, row in placed:
            identifier = getattr(row, key)
            if identifier in seen:
                detail = f"{key} {identifier!r} has an earlier row, which is used"
                self._problems.add(table, Problem.DUPLICATE_ID, place, detail)
                continue
            seen.add(identifier)
            yield place, row

    def _one_hot(self, placed: Sequence[tuple[str, tuple[str, ...]]], column: str) -> OneHot:
        """Return the subgenres of each row (thesis, equation 2.2); unknown ones are counted."""
        encoded = np.zeros((len(placed), len(self._subgenres)), np.float32)
        table = "artists" if column == "subgenres" else "curators"
        for row, (place, names) in enumerate(placed):
            for name in names:
                if (found := self._columns.get(name)) is not None:
                    encoded[row, found] = 1
                    continue
                self._problems.unknown_subgenres[name] += 1
                detail = f"{name!r} is not in the vocabulary; the other names are used"
                at = f"{place}, column {column}"
                self._problems.add(table, Problem.UNKNOWN_SUBGENRE, at, detail)
        return encoded


def as_times(times: Sequence[datetime | None]) -> Times:
    """Return times in UTC, NaT for None."""
    return np.array(
        [np.datetime64("NaT") if each is None else each.replace(tzinfo=None) for each in times],
        "datetime64[us]",
    )
