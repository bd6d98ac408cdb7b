"""Holds a split against leaks: no track, no artist and no audio in two parts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.datasets.tracks import Split, SplitTrack, Subset
from app.errors import SetupError

OFFICIAL = "official "
"""With which the name of a split begins that others drew; some of them share artists."""

_SHOWN = 5


@dataclass(frozen=True)
class Leaks:
    """What is in more than one part.

    Attributes:
        tracks: Each as `dataset/path`.
        artists: Their names.
        audio: Tracks of which the files are equal, as `dataset/path = dataset/path`.
    """

    tracks: tuple[str, ...]
    artists: tuple[str, ...]
    audio: tuple[str, ...]


def check_leaks(split: Split, digests: Mapping[str, str] | None = None) -> Leaks:
    """Refuse a split that leaks.

    Args:
        split: Its tracks; those that an epoch never hears can't leak.
        digests: Of tracks the SHA-256 of their files, by id, as far as they are known.

    Returns:
        What is let pass: the artists that an official split has in several parts, as all figures on
        it were measured so.

    Raises:
        SetupError: It names what is in two parts.
    """
    leaks = _find(split, digests or {})
    official = split.name.startswith(OFFICIAL)
    found = {
        "the tracks": leaks.tracks,
        "the artists": () if official else leaks.artists,
        "the equal files": leaks.audio,
    }
    said = "; ".join(f"{what} {_named(names)}" for what, names in found.items() if names)
    if said:
        raise SetupError(
            f"the split {split.name!r} leaks: in more than one part are {said}; take all but one "
            "of equal files out of the datasets, and make it anew with `taggram data split`"
        )
    return leaks


def _find(split: Split, digests: Mapping[str, str]) -> Leaks:
    heard = [each for each in split.placed if each.repeats]
    tracks = _shared((each.track.id, each) for each in heard)
    artists = _shared((each.track.artist, each) for each in heard if each.track.artist)
    audio = _shared((digests[each.track.id], each) for each in heard if each.track.id in digests)
    return Leaks(
        tracks=tuple(map(_paths, tracks.values())),
        artists=tuple(artists),
        audio=tuple(map(_paths, audio.values())),
    )


def _shared(keyed: Iterable[tuple[str, SplitTrack]]) -> dict[str, list[SplitTrack]]:
    """What has a key in common, where that is met in two parts."""
    found: dict[str, list[SplitTrack]] = defaultdict(list)
    for key, each in keyed:
        found[key].append(each)
    return {key: found[key] for key in sorted(found) if len(set(map(_side, found[key]))) > 1}


def _side(placed: SplitTrack) -> Subset:
    """Unlabelled tracks are learnt from, as those for training are."""
    return Subset.TRAIN if placed.part is Subset.UNLABELLED else placed.part


def _paths(group: Iterable[SplitTrack]) -> str:
    return " = ".join(sorted({f"{each.track.dataset}/{each.track.path}" for each in group}))


def _named(names: tuple[str, ...]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
