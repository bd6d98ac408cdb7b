"""Check a split for leaks: no track, artist or audio may be in two parts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.datasets.tracks import Split, SplitTrack, Subset
from app.errors import SetupError

OFFICIAL = "official "
"""The prefix of the names of published splits; some of them share artists."""

_SHOWN = 5


@dataclass(frozen=True)
class Leaks:
    """Tracks, artists and audio that are in more than one part.

    Attributes:
        tracks: Each as `dataset/path`.
        artists: Their names.
        audio: Tracks with identical files, as `dataset/path = dataset/path`.
    """

    tracks: tuple[str, ...]
    artists: tuple[str, ...]
    audio: tuple[str, ...]


def check_leaks(split: Split, digests: Mapping[str, str] | None = None) -> Leaks:
    """Refuse a split that leaks.

    Args:
        split: The split; tracks that no epoch uses can't leak.
        digests: Known SHA-256 of the tracks' files, by id.

    Returns:
        The permitted leaks: artists that an official split has in several parts, as all published
        figures on it were measured so.

    Raises:
        SetupError: Something is in two parts; the message names it.
    """
    leaks = _find(split, digests or {})
    official = split.name.startswith(OFFICIAL)
    found = {
        "the tracks": leaks.tracks,
        "the artists": () if official else leaks.artists,
        "the identical files": leaks.audio,
    }
    leaking = "; ".join(f"{what} {_named(names)}" for what, names in found.items() if names)
    if leaking:
        raise SetupError(
            f"the split {split.name!r} leaks: in more than one part are {leaking}; remove all but "
            "one of identical files from the datasets, and run `taggram data split` again"
        )
    return leaks


def _find(split: Split, digests: Mapping[str, str]) -> Leaks:
    used = [each for each in split.placed if each.repeats]
    tracks = _shared((each.track.id, each) for each in used)
    artists = _shared((each.track.artist, each) for each in used if each.track.artist)
    audio = _shared((digests[each.track.id], each) for each in used if each.track.id in digests)
    return Leaks(
        tracks=tuple(map(_paths, tracks.values())),
        artists=tuple(artists),
        audio=tuple(map(_paths, audio.values())),
    )


def _shared(keyed: Iterable[tuple[str, SplitTrack]]) -> dict[str, list[SplitTrack]]:
    """Group tracks by key; return the groups that are in two parts."""
    found: dict[str, list[SplitTrack]] = defaultdict(list)
    for key, each in keyed:
        found[key].append(each)
    return {key: found[key] for key in sorted(found) if len(set(map(_side, found[key]))) > 1}


def _side(placed: SplitTrack) -> Subset:
    """Return a track's part; unlabelled tracks count as training, as they are trained on too."""
    return Subset.TRAIN if placed.part is Subset.UNLABELLED else placed.part


def _paths(group: Iterable[SplitTrack]) -> str:
    return " = ".join(sorted({f"{each.track.dataset}/{each.track.path}" for each in group}))


def _named(names: tuple[str, ...]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
