"""Load MTG-Jamendo: whole songs, with genres, instruments, and moods or themes.

Source: https://github.com/MTG/mtg-jamendo-dataset; its folder `data` is read here.
Licence: CC BY-NC-SA 4.0 for the metadata; the tracks have several Creative Commons licences.
Citation: Bogdanov et al., The MTG-Jamendo Dataset for Automatic Music Tagging, ICML 2019.

The rows are ragged: five columns, then the track's tags as `category---tag`, separated by tabs.
`autotagging.tsv` has all tracks (55,609 tracks, 195 tags); the files of the five official splits
together have those with tags that are frequent enough in each split (55,525 tracks, 183 tags).
"""

import csv
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from app.datasets.loaders.dataset import About, Dataset, Skipped
from app.datasets.loaders.sheet import Row, Sheet, number, read_tracks
from app.datasets.tracks import Track, track_id
from app.errors import SetupError

NAME = "mtg-jamendo"

ABOUT = About(
    title="The MTG-Jamendo Dataset",
    url="https://github.com/MTG/mtg-jamendo-dataset",
    licence="metadata CC BY-NC-SA 4.0; audio under several Creative Commons licences",
    citation="Bogdanov et al., ICML 2019",
    files=("autotagging.tsv, or autotagging_*.tsv", "splits/split-*/autotagging*.tsv"),
)

SUBSETS = {
    "autotagging": "autotagging",
    "genre": "autotagging_genre",
    "instrument": "autotagging_instrument",
    "moodtheme": "autotagging_moodtheme",
    "top50tags": "autotagging_top50tags",
}
"""The prefixes of their files' names."""

LICENCE = "Creative Commons, see the dataset's audio_licenses.txt"

COLUMNS = ("ARTIST_ID", "PATH", "DURATION", "TAGS")


def load(folder: Path, subset: str = "autotagging") -> Dataset:
    """Read the metadata.

    The file of the whole subset is read if it exists; otherwise its parts in the official splits;
    otherwise any parts in the same folder.

    Args:
        folder: `data` of the dataset's repository, or its parent folder.
        subset: One of `SUBSETS`.

    Raises:
        SetupError: The subset does not exist, it has no file, or one is invalid.
    """
    if subset not in SUBSETS:
        raise SetupError(
            f"MTG-Jamendo has no subset {subset!r}; choose one of {', '.join(SUBSETS)}"
        )
    stem = SUBSETS[subset]
    place = data_folder(folder)
    files = _files(place, stem)
    if not files:
        raise SetupError(f"{place}: neither {stem}.tsv nor a part of it exists")
    return _dataset(map(_sheet, files))


def data_folder(folder: Path) -> Path:
    """Return the folder of the tables: the folder itself, or its `data`."""
    inner = folder / "data"
    return inner if inner.is_dir() else folder


def read_paths(path: Path) -> list[str]:
    """Return the paths of a part's tracks.

    Raises:
        SetupError: It can't be read.
    """
    return [row["PATH"] for _, row in _sheet(path)]


def _sheet(path: Path) -> Sheet:
    return Sheet(path, COLUMNS, csv.excel_tab, ragged=True)


def _files(place: Path, stem: str) -> list[Path]:
    places = (f"{stem}.tsv", f"splits/split-*/{stem}*.tsv", f"{stem}*.tsv")
    found = (sorted(place.glob(pattern)) for pattern in places)
    return next(filter(None, found), [])


def _dataset(sheets: Iterable[Sheet]) -> Dataset:
    """Return the union of the files; they may list different tags of one track."""
    tracks: dict[str, Track] = {}
    tags: dict[str, dict[str, None]] = {}
    skipped: list[Skipped] = []
    missing: dict[str, float] = {}
    for sheet in sheets:
        for track in read_tracks(sheet, _track):
            tracks.setdefault(track.path, track)
            tags.setdefault(track.path, {}).update(dict.fromkeys(track.tags))
        skipped += sheet.skipped
        missing |= sheet.missing
    plain = (replace(track, tags=_words(tags[path])) for path, track in tracks.items())
    return Dataset(NAME, ABOUT, tuple(plain), _categories(tags.values()), tuple(skipped), missing)


def _track(row: Row) -> Track:
    """Return a track with tags that still have their categories as prefixes."""
    tags = tuple(dict.fromkeys(filter(None, row["TAGS"].split("\t"))))
    for tag in tags:
        if not all(tag.partition("---")):
            raise ValueError(f"TAGS: {tag[:40]!r} is not of the form category---tag")
    if not row["PATH"]:
        raise ValueError("PATH: the cell is empty")
    return Track(
        id=track_id(NAME, row["PATH"]),
        dataset=NAME,
        path=row["PATH"],
        artist=row["ARTIST_ID"],
        tags=tags,
        licence=LICENCE,
        duration_s=number(row["DURATION"], "DURATION"),
    )


def _words(tags: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag.partition("---")[2] for tag in tags))


def _categories(tags: Iterable[Iterable[str]]) -> dict[str, frozenset[str]]:
    categories: dict[str, frozenset[str]] = {}
    for tag in set[str]().union(*tags):
        category, _, word = tag.partition("---")
        categories[word] = categories.get(word, frozenset()) | {category}
    return categories
