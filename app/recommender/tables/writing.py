"""Writes a platform's tables as Parquet files, as `reading` reads them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from app.catalogue.storage import Folder
from app.catalogue.tables import write_table
from app.recommender.data import (
    UNKNOWN,
    Artists,
    Curators,
    Floats,
    Interactions,
    Mask,
    OneHot,
    Platform,
    Times,
    Tracks,
)


def write_platform(folder: Path, platform: Platform) -> None:
    """Write the four tables.

    Raises:
        SetupError: One can't be written.
    """
    names = platform.subgenres
    tables = {
        "artists": _artists(platform.artists, names),
        "curators": _curators(platform.curators, names),
        "tracks": _tracks(platform.tracks, platform.artists),
        "interactions": _interactions(platform),
    }
    for name, table in tables.items():
        write_table(Folder(folder), f"{name}.parquet", table)


def names_of(encoded: OneHot | Mask, names: Sequence[str]) -> list[list[str]]:
    """Return the names of the subgenres of each row."""
    return [[names[column] for column in np.flatnonzero(row).tolist()] for row in encoded]


def _artists(artists: Artists, names: Sequence[str]) -> pa.Table:
    return pa.table(
        {
            "artist_id": list(artists.ids),
            "subgenres": _lists(names_of(artists.subgenres, names)),
            "country": _texts(artists.countries),
            "joined": _times(artists.joined),
            "goal": _texts(artists.goals),
            "bio_features": _lists(artists.bio_features),
        }
    )


def _curators(curators: Curators, names: Sequence[str]) -> pa.Table:
    return pa.table(
        {
            "curator_id": list(curators.ids),
            "liked": _lists(names_of(curators.liked, names)),
            "neutral": _lists(names_of(curators.neutral, names)),
            "disliked": _lists(names_of(curators.disliked, names)),
            "country": _texts(curators.countries),
            "language": _texts(curators.languages),
        }
    )


def _tracks(tracks: Tracks, artists: Artists) -> pa.Table:
    return pa.table(
        {
            "external_id": list(tracks.external_ids),
            "track_id": _texts(tracks.track_ids),
            "artist_id": [artists.ids[artist] for artist in tracks.artists],
        }
    )


def _interactions(platform: Platform) -> pa.Table:
    made: Interactions = platform.interactions
    return pa.table(
        {
            "artist_id": [platform.artists.ids[index] for index in made.artists],
            "curator_id": [platform.curators.ids[index] for index in made.curators],
            "external_id": _texts(
                ["" if row == UNKNOWN else platform.tracks.external_ids[row] for row in made.tracks]
            ),
            "score": made.scores,
            "at": _times(made.at),
            "position": pa.array(made.positions, mask=made.positions == UNKNOWN),
            "propensity": _numbers(made.propensities),
            "rating": _numbers(made.ratings),
            "in_contact": _numbers(made.in_contact).cast(pa.bool_()),
            "viewed_s": _numbers(made.viewed_s),
        }
    )


def _texts(texts: Sequence[str]) -> pa.Array:
    return pa.array([text or None for text in texts], pa.string())


def _lists(lists: Sequence[Sequence[str]]) -> pa.Array:
    return pa.array([list(each) for each in lists], pa.list_(pa.string()))


def _numbers(values: Floats) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))


def _times(times: Times) -> pa.Array:
    return pa.array(times, pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
