"""Makes columns of the rows of interactions."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np

from app.recommender.data import UNKNOWN, Artists, Curators, Floats, Interactions, Tracks
from app.recommender.tables.assembly import as_times
from app.recommender.tables.problems import Problem, Problems
from app.recommender.tables.rows import InteractionRow

TABLE = "interactions"

Key = tuple[int, int, int, datetime]
"""Artist, curator, track and time: an interaction occurs once."""


class InteractionColumns:
    """Finds the artist, the curator and the track of each interaction."""

    def __init__(
        self,
        artists: Artists,
        curators: Curators,
        tracks: Tracks,
        problems: Problems,
        now: datetime,
    ) -> None:
        self._artists = {each: index for index, each in enumerate(artists.ids)}
        self._curators = {each: index for index, each in enumerate(curators.ids)}
        self._external_ids = {each: index for index, each in enumerate(tracks.external_ids)}
        self._track_ids = {
            (int(artist), track_id): index
            for index, (artist, track_id) in enumerate(
                zip(tracks.artists, tracks.track_ids, strict=True)
            )
            if track_id
        }
        self._track_artists = tracks.artists
        self._problems = problems
        self._now = now

    def read(self, placed: Iterable[tuple[str, InteractionRow]]) -> Interactions:
        """Return the interactions in the order of time; of repeated rows the last."""
        kept: dict[Key, InteractionRow] = {}
        for place, row in placed:
            key = self._key(place, row)
            if key is None:
                continue
            if (earlier := kept.get(key)) is not None:
                self._note_repetition(place, earlier, row)
            kept[key] = row
        order = sorted(kept, key=lambda key: key[3])
        return _columns(order, [kept[key] for key in order])

    def _key(self, place: str, row: InteractionRow) -> Key | None:
        """Return the identity of an interaction, or None if it is left out."""
        for problem, name, known in (
            (Problem.UNKNOWN_ARTIST, "artist_id", self._artists),
            (Problem.UNKNOWN_CURATOR, "curator_id", self._curators),
        ):
            if (value := getattr(row, name)) not in known:
                table = f"{name.removesuffix('_id')}s"
                detail = f"{name} is {value!r}, which is not in the table {table}"
                self._problems.add(TABLE, problem, place, detail)
                return None
        if row.at > self._now:
            detail = f"at is {row.at.isoformat()}, and now it is {self._now.isoformat()}"
            self._problems.add(TABLE, Problem.IN_THE_FUTURE, place, detail)
            return None
        artist = self._artists[row.artist_id]
        return artist, self._curators[row.curator_id], self._track(place, artist, row), row.at

    def _track(self, place: str, artist: int, row: InteractionRow) -> int:
        """Return the index of the track that was sent, which must be the artist's."""
        if row.external_id is None and row.track_id is None:
            return UNKNOWN
        if row.external_id is not None:
            found = self._external_ids.get(row.external_id, UNKNOWN)
            name = f"external_id is {row.external_id!r}"
        else:
            found = self._track_ids.get((artist, row.track_id or ""), UNKNOWN)
            name = f"track_id is {row.track_id!r}"
        if found != UNKNOWN and self._track_artists[found] == artist:
            return found
        detail = f"{name}, not a track of artist {row.artist_id!r}; all of the artist's are used"
        self._problems.add(TABLE, Problem.UNKNOWN_TRACK, place, detail)
        return UNKNOWN

    def _note_repetition(self, place: str, earlier: InteractionRow, row: InteractionRow) -> None:
        is_same = earlier.score == row.score
        problem = Problem.DUPLICATE_INTERACTION if is_same else Problem.REPLACED_INTERACTION
        what = "the same row" if is_same else f"a row with the score {earlier.score:g}"
        detail = f"{what} is above, with this artist, curator, track and time; the last is used"
        self._problems.add(TABLE, problem, place, detail)


def _columns(keys: Sequence[Key], rows: Sequence[InteractionRow]) -> Interactions:
    indices = np.array([key[:3] for key in keys], np.int64).reshape(-1, 3)
    return Interactions(
        artists=indices[:, 0],
        curators=indices[:, 1],
        tracks=indices[:, 2],
        scores=np.array([row.score for row in rows], float),
        at=as_times([row.at for row in rows]),
        positions=np.array([row.position or UNKNOWN for row in rows], np.int64),
        propensities=_numbers([row.propensity for row in rows]),
        ratings=_numbers([row.rating for row in rows]),
        in_contact=_numbers([row.in_contact for row in rows]),
        viewed_s=_numbers([row.viewed_s for row in rows]),
    )


def _numbers(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], float)
