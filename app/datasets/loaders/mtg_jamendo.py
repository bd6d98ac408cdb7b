"""MTG-Jamendo: whole songs, with genres, instruments, and moods or themes.

Source: https://github.com/MTG/mtg-jamendo-dataset; its folder `data` is what is read here.
Licence: CC BY-NC-SA 4.0 for the metadata; the tracks have several Creative Commons licences.
Citation: Bogdanov et al., The MTG-Jamendo Dataset for Automatic Music Tagging, ICML 2019.

The files are ragged: five columns, then as many `category---tag`, with tabs between, as a track
has. `autotagging.tsv` holds all of them (55,609 tracks, 195 tags); the files of the five official
splits together hold those of which each split has enough (55,525 tracks, 183 tags).
"""

import csv
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from app.datasets.loaders.dataset import About, Dataset, Row, Sheet, Skipped, number, read_tracks
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
"""What their files' names begin with."""

LICENCE = "Creative Commons, see the dataset's audio_licenses.txt"

COLUMNS = ("ARTIST_ID", "PATH", "DURATION", "TAGS")


def load(folder: Path, subset: str = "autotagging") -> Dataset:
    """Read the metadata.

    The file of the whole subset is read if it is there; else its parts in the official splits;
    else whatever of it lies beside.

    Args:
        folder: `data` of the dataset's repository, or what it lies in.
        subset: One of `SUBSETS`.

    Raises:
        SetupError: There is no such subset, or no file of it, or one is wrong.
    """
    if subset not in SUBSETS:
        raise SetupError(
            f"MTG-Jamendo has no subset {subset!r}; choose one of {', '.join(SUBSETS)}"
        )
    stem = SUBSETS[subset]
    place = data_folder(folder)
    files = _files(place, stem)
    if not files:
        raise SetupError(f"{place}: neither {stem}.tsv nor a part of it is there")
    return _dataset(map(_sheet, files))


def data_folder(folder: Path) -> Path:
    """Where the tables are: the folder itself, or its `data`."""
    inner = folder / "data"
    return inner if inner.is_dir() else folder


def read_paths(path: Path) -> list[str]:
    """The paths of a part's tracks.

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
    """The union of files, of which each may know other tags of a track."""
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
    """A track whose tags still say their categories."""
    tags = tuple(dict.fromkeys(filter(None, row["TAGS"].split("\t"))))
    for tag in tags:
        if not all(tag.partition("---")):
            raise ValueError(f"TAGS: {tag[:40]!r} is no category---tag")
    if not row["PATH"]:
        raise ValueError("PATH: it is empty")
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
