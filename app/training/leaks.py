"""Holds a split against leaks: no track, no artist and no audio in two parts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.errors import SetupError
from app.training.tracks import Part, Placed, Split

OFFICIAL = "official "
"""With which the name of a split begins that others drew; some of them share artists."""

_SHOWN = 5


@dataclass(frozen=True)
class Leaks:
    """What is in more than one part, by what it is of."""

    tracks: tuple[str, ...]
    artists: tuple[str, ...]
    audio: tuple[str, ...]


def find_leaks(split: Split, digests: Mapping[str, str] | None = None) -> Leaks:
    """Look for what training knows and validation or test ask for.

    Args:
        split: Its tracks; those that an epoch never hears can't leak.
        digests: Of tracks the SHA-256 of their files, as far as they are known.
    """
    heard = [each for each in split.placed if each.copies]
    known = digests or {}
    return Leaks(
        _shared((each.track.id, each) for each in heard),
        _shared((each.track.artist, each) for each in heard if each.track.artist),
        _shared((known[each.track.id], each) for each in heard if each.track.id in known),
    )


def check_leaks(split: Split, digests: Mapping[str, str] | None = None) -> None:
    """Refuse a split that leaks; an official one may share artists, as its figures always did.

    Raises:
        SetupError: It names what is in two parts.
    """
    leaks = find_leaks(split, digests)
    artists = () if split.name.startswith(OFFICIAL) else leaks.artists
    found = {"track": leaks.tracks, "artist": artists, "same audio of track": leaks.audio}
    said = [f"{what} {_named(names)}" for what, names in found.items() if names]
    if said:
        raise SetupError(
            f"the split {split.name!r} leaks; in more than one part are: {'; '.join(said)}. "
            "Make it anew with `taggram data split`"
        )


def _shared(keyed: Iterable[tuple[str, Placed]]) -> tuple[str, ...]:
    """Keys that are met in two parts; unlabelled tracks are learnt from, as those for training."""
    learnt: dict[str, set[Part]] = {}
    for key, each in keyed:
        part = Part.TRAIN if each.part is Part.UNLABELLED else each.part
        learnt.setdefault(key, set()).add(part)
    return tuple(sorted(key for key, parts in learnt.items() if len(parts) > 1))


def _named(names: tuple[str, ...]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
