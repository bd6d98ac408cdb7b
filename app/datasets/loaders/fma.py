"""Load FMA, the Free Music Archive's dataset: a tree of genres with three levels, and free tags.

Source: https://github.com/mdeff/fma; `fma_metadata.zip` has `tracks.csv` and `genres.csv`.
Licence: CC BY 4.0 for the metadata; each track has the licence that its artist chose.
Citation: Defferrard et al., FMA: A Dataset for Music Analysis, ISMIR 2017, arXiv:1612.01840.

`tracks.csv` has a header of three rows: groups of columns, columns, and the name of the index.
Lists are Python literals. `large` and `full` have the same tracks, as clips of 30 seconds and
whole; a duration is always that of the whole track.
"""

import ast
import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from app.datasets.loaders.dataset import About, Dataset, Genre, artist_name, within
from app.datasets.loaders.sheet import Row, Sheet, number, read_tracks
from app.datasets.tracks import Track, track_id
from app.errors import SetupError

NAME = "fma"

ABOUT = About(
    title="FMA: A Dataset for Music Analysis",
    url="https://github.com/mdeff/fma",
    licence="metadata CC BY 4.0; audio as each artist chose",
    citation="Defferrard et al., ISMIR 2017, arXiv:1612.01840",
    files=("fma_metadata/tracks.csv", "fma_metadata/genres.csv"),
    sha1={
        "fma_metadata.zip": "f0df49ffe5f2a6008d7dc83c6915b31835dfe733",
        "fma_small.zip": "ade154f733639d52e35e32f5593efe5be76c6d70",
        "fma_medium.zip": "c67b69ea232021025fca9231fc1c7c1a063ab50b",
        "fma_large.zip": "497109f4dd721066b5ce5e5f250ec604dc78939e",
        "fma_full.zip": "0f0ace23fbe9ba30ecb7e95f763e435ea802b8ab",
    },
)

SUBSETS = ("small", "medium", "large", "full")
"""Each is contained in the next; `large` and `full` have the same tracks."""

LEVELS = ("genre", "subgenre", "sub-subgenre")
"""By depth in the tree; the few deeper ones count as the last level."""

TAG = "tag"
"""The category of the artists' free tags."""

BIT_RATE = "track.bit_rate"
"""The column of the bit rate in bit/s, which may be missing; unknown ones are -1."""

COLUMNS = (
    "track_id", "set.split", "set.subset", "track.duration", "track.genres_all", "track.license",
    "track.tags", "artist.name",
)  # fmt: skip


def load(folder: Path, subset: str = "large") -> Dataset:
    """Read the metadata.

    Args:
        folder: `fma_metadata`, or its parent folder.
        subset: One of `SUBSETS`.

    Raises:
        SetupError: The subset does not exist, or a file is missing or invalid.
    """
    if subset not in SUBSETS:
        raise SetupError(f"FMA has no subset {subset!r}; choose one of {', '.join(SUBSETS)}")
    metadata = within(folder, "fma_metadata", "tracks.csv")
    genres = read_genres(metadata / "genres.csv")
    sheet = tracks_sheet(metadata)
    wanted = SUBSETS[: SUBSETS.index(subset) + 1]
    bit_rates: dict[str, int] = {}

    def parse(row: Row) -> Track | None:
        """Return the track of a row, and keep its bit rate."""
        track = _track(genres, wanted, row)
        if track and (rate := row.get(BIT_RATE, "")).isdecimal() and int(rate):
            bit_rates[track.id] = int(rate)
        return track

    tracks = tuple(read_tracks(sheet, parse))
    return Dataset(
        NAME,
        ABOUT,
        tracks,
        _categories(genres, tracks),
        tuple(sheet.skipped),
        sheet.missing,
        bit_rates,
        genres,
    )


def tracks_sheet(place: Path) -> Sheet:
    """Return `tracks.csv`, with columns named such as `track.genres_all`."""
    return Sheet(place / "tracks.csv", COLUMNS, csv.excel, _header)


def track_path(row: Row) -> str:
    """Return the path of a track's audio, such as `000/000002.mp3`.

    Raises:
        ValueError: Its track_id is not a number.
    """
    if not row["track_id"].isdecimal():
        raise ValueError(f"track_id: {row['track_id'][:40]!r} is not a number")
    name = f"{int(row['track_id']):06d}"
    return f"{name[:3]}/{name}.mp3"


def read_genres(path: Path) -> dict[int, Genre]:
    """Return the genres by their number.

    Raises:
        SetupError: The file can't be read, or is not a tree.
    """
    rows: dict[str, Row] = {}
    for line, row in Sheet(path, ("genre_id", "parent", "title")):
        if not row["genre_id"].isdecimal() or row["genre_id"] in rows:
            raise SetupError(
                f"{path}: line {line}: genre_id {row['genre_id']!r} is invalid or a duplicate"
            )
        rows[row["genre_id"]] = row
    return {
        int(number): Genre(
            row["title"], LEVELS[min(_depth(path, rows, number), 2)], int(row["parent"]) or None
        )
        for number, row in rows.items()
    }


def _header(rows: Iterator[list[str]]) -> list[str]:
    groups, names, index = next(rows), next(rows), next(rows)
    return [
        index[0],
        *(f"{group}.{name}" for group, name in zip(groups[1:], names[1:], strict=False)),
    ]


def _depth(path: Path, rows: Mapping[str, Row], number: str) -> int:
    for depth in range(len(rows)):
        if number not in rows:
            raise SetupError(f"{path}: genre_id {number!r} is a parent, but has no row")
        number = rows[number]["parent"]
        if number == "0":
            return depth
    raise SetupError(f"{path}: the parents of genre_id {number!r} form a circle")


def _track(genres: Mapping[int, Genre], wanted: tuple[str, ...], row: Row) -> Track | None:
    if row["set.subset"] not in SUBSETS:
        raise ValueError(
            f"set.subset: {row['set.subset'][:40]!r} is not one of {', '.join(SUBSETS)}"
        )
    if row["set.subset"] not in wanted:
        return None
    titles = [_title(genres, number) for number in _list(row, "track.genres_all")]
    path = track_path(row)
    return Track(
        id=track_id(NAME, path),
        dataset=NAME,
        path=path,
        artist=artist_name(row["artist.name"]),
        tags=tuple(dict.fromkeys([*titles, *map(str, _list(row, "track.tags"))])),
        licence=row["track.license"],
        duration_s=number(row["track.duration"], "track.duration"),
    )


def _title(genres: Mapping[int, Genre], number: object) -> str:
    if not isinstance(number, int) or number not in genres:
        raise ValueError(f"track.genres_all: {number!r} is not in genres.csv")
    return genres[number].title


def _list(row: Row, column: str) -> list[object]:
    try:
        value = ast.literal_eval(row[column])
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        value = None
    if not isinstance(value, list):
        raise ValueError(f"{column}: {row[column][:40]!r} is not a list")
    return value


def _categories(
    genres: Mapping[int, Genre], tracks: tuple[Track, ...]
) -> dict[str, frozenset[str]]:
    levels: dict[str, set[str]] = {}
    for genre in genres.values():
        levels.setdefault(genre.title, set()).add(genre.level)
    own = {tag for track in tracks for tag in track.tags if tag not in levels}
    return {title: frozenset(of) for title, of in levels.items()} | dict.fromkeys(
        own, frozenset({TAG})
    )
