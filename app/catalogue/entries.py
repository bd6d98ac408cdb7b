"""The tracks of a source: the platform's id, the place of the file, and the artist."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.errors import Kind

REQUIRED = ("external_id", "uri")
COLUMNS = (*REQUIRED, "artist_id")
"""The columns of a table that is a source."""

Row = Mapping[str, Any]
"""A row of such a table."""

OK = "ok"
"""The status of a track with scores."""


class Problem(StrEnum):
    """Why a track has no scores, if `app.errors.Kind` has no name for it.

    A status in the dataset is `ok`, one of these, or a kind of error.
    """

    INVALID_ENTRY = "invalid_entry"
    DUPLICATE_ID = "duplicate_id"
    NOT_FOUND = "not_found"
    NOT_PERMITTED = "not_permitted"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    DECODER_DIED = "decoder_died"


PASSING = {
    *(Problem.NOT_FOUND, Problem.NOT_PERMITTED, Problem.UNREADABLE, Problem.DECODER_DIED),
    *(Kind.OVERLOADED, Kind.NOT_READY, Kind.DEADLINE_EXCEEDED, Kind.ENGINE_FAILED),
    Kind.INTERNAL_ERROR,
}
"""Problems that may have gone by the next run, which therefore tries these tracks again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A track of the platform.

    Attributes:
        external_id: The platform's id of the track.
        uri: The path or URL of its file.
        artist_id: The platform's id of the artist, if it is known.
    """

    external_id: str
    uri: str
    artist_id: str | None = None


@dataclass(frozen=True)
class Listing:
    """The tracks of a source.

    Attributes:
        entries: The tracks, each id once.
        invalid: The problem and the detail of each entry that can't be used, by its place.
        skipped: Files and folders that are left out, with the reason.
    """

    entries: list[Entry] = field(default_factory=list)
    invalid: dict[str, tuple[Problem, str]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def collect(places: Iterator[tuple[str, Entry | str]]) -> Listing:
    """Return the entries of a table; one whose id has another file already is refused.

    Args:
        places: The place of each entry, such as a line, and the entry, or why it is not valid.
    """
    listing = Listing()
    uris: dict[str, str] = {}
    for place, entry in places:
        if isinstance(entry, str):
            listing.invalid[place] = Problem.INVALID_ENTRY, entry
            continue
        uri = uris.setdefault(entry.external_id, entry.uri)
        if uri != entry.uri:
            why = f"{entry.external_id!r} is the id of {uri} too; expected one file for each id"
            listing.invalid[place] = Problem.DUPLICATE_ID, why
        elif len(uris) > len(listing.entries):  # not a repetition of the same row
            listing.entries.append(entry)
    return listing


def check_columns(names: Sequence[str]) -> None:
    """Refuse a table without the required columns.

    Raises:
        ValueError: One is missing.
    """
    for column in REQUIRED:
        if column not in names:
            found = ", ".join(names) or "none"
            raise ValueError(
                f"it has the columns {found}; expected {', '.join(REQUIRED)}, and maybe artist_id"
            )
