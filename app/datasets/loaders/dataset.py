"""The metadata of a dataset, as a loader returns them."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.datasets.tracks import Track
from app.errors import SetupError


@dataclass(frozen=True)
class About:
    """The origin of a dataset.

    Attributes:
        title: Its title.
        url: Its web page.
        licence: Its licence.
        citation: The publication to cite.
        files: The files that the loader reads.
        sha1: Known checksums of the published files.
    """

    title: str
    url: str = ""
    licence: str = ""
    citation: str = ""
    files: tuple[str, ...] = ()
    sha1: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Skipped:
    """A row that could not be read.

    Attributes:
        file: The file.
        row: The line on which it starts, from 1; 0 for the file itself.
        why: The reason.
    """

    file: Path
    row: int
    why: str


@dataclass(frozen=True)
class Genre:
    """A node of a tree of genres.

    Attributes:
        title: Its title, which is the tag of its tracks.
        level: The name of its level.
        parent: The number of its parent; None at the top.
    """

    title: str
    level: str
    parent: int | None = None


@dataclass(frozen=True)
class Dataset:
    """The metadata of a dataset.

    Attributes:
        name: As in `Track.dataset`.
        about: Its origin.
        tracks: The tracks, with the dataset's own tags.
        categories: By tag, its categories; empty if the dataset has none.
        skipped: The rows that could not be read.
        missing: By column of its tables, the share of rows without a value.
        bit_rates: By id of a track, its known bit rate in bit/s.
        genres: The tree of its genres by number; empty if it has none.
    """

    name: str
    about: About
    tracks: tuple[Track, ...]
    categories: Mapping[str, frozenset[str]]
    skipped: tuple[Skipped, ...]
    missing: Mapping[str, float] = field(default_factory=dict)
    bit_rates: Mapping[str, int] = field(default_factory=dict)
    genres: Mapping[int, Genre] = field(default_factory=dict)


def within(folder: Path, inner: str, wanted: str) -> Path:
    """Return the folder that has the file `wanted`: `folder`, or `inner` in it.

    Args:
        folder: The folder.
        inner: The name of a folder in it.
        wanted: The name of the file.

    Raises:
        SetupError: Neither has it.
    """
    for place in (folder, folder / inner):
        if (place / wanted).is_file():
            return place
    raise SetupError(f"{folder}: neither {wanted} nor {inner}/{wanted} exists")


def artist_name(name: str) -> str:
    """Normalise an artist's name: in NFC, lower case, with single spaces."""
    return " ".join(composed(name).casefold().split())


def composed(name: str) -> str:
    """Return a name in NFC, in which accents have one encoding."""
    return unicodedata.normalize("NFC", name)
