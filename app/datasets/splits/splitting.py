"""Make splits without leaks: all tracks of an artist are in one part, and tags keep their shares.

The thesis at first split melgrams, so that songs were both in training and in the test, and then
split songs (section 8). We split artists: a model that knows an artist's sound scores their songs
too well (Flexer, "A closer look on artist filters for musical genre classification", ISMIR 2007).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.datasets.splits.leaks import OFFICIAL
from app.datasets.splits.stratification import stratify
from app.datasets.tracks import Merged, Split, SplitTrack, Subset, Track
from app.errors import SetupError

PARTS = (Subset.TRAIN, Subset.VALIDATION, Subset.TEST)
SHARES = (0.85, 0.10, 0.05)


UNTAGGED = "without tags, and of an artist in validation or test"
OUTSIDE = "in no part of the official split"


@dataclass(frozen=True)
class SplitResult:
    """A split and its statistics.

    Attributes:
        split: The split.
        left_out: Number of tracks in no part, by reason.
        unknown_artists: Number of tracks with an unknown artist; each counts as an artist of its
            own.
        lacking: For each part, the tags without a track.
    """

    split: Split
    left_out: Mapping[str, int]
    unknown_artists: int
    lacking: Mapping[Subset, tuple[str, ...]]


def divide(merged: Merged, shares: Sequence[float] = SHARES, seed: int = 1) -> SplitResult:
    """Split the tracks by artist.

    A track without tags becomes unlabelled, unless its artist is in validation or test.

    Args:
        merged: The tracks.
        shares: The shares of training, validation and test.
        seed: The same seed leads to the same split, independent of the order of the tracks.

    Returns:
        The split and its statistics.

    Raises:
        SetupError: The shares do not add up to 1, the merged table is inconsistent, or there are
            too few artists for three parts.
    """
    _check_shares(shares)
    _check(merged)
    groups = _groups(track for track in merged.tracks if track.tags)
    numbers = stratify(groups, merged.tags, shares, seed)
    part_of = {artist: PARTS[number] for artist, number in numbers.items()}
    name = f"artists apart, {'/'.join(f'{share:g}' for share in shares)}, seed {seed}"
    divided = _divided(merged, name, lambda track: part_of.get(_artist(track), Subset.TRAIN))
    if empty := [part for part in PARTS if not divided.split.part(part)]:
        raise SetupError(
            f"{len(groups)} artists with tags are too few: none is left for {', '.join(empty)}; "
            "merge more tracks, or name their artists"
        )
    return divided


def official(merged: Merged, parts: Mapping[str, Subset], name: str) -> SplitResult:
    """Apply a published split, so that figures can be compared; tracks outside of it are left out.

    Args:
        merged: The tracks.
        parts: The part of each track, by `Track.id`.
        name: The split's name.

    Returns:
        The split and its statistics.

    Raises:
        SetupError: The merged table is inconsistent, or none of its tracks is in the split.
    """
    _check(merged)
    divided = _divided(merged, f"{OFFICIAL}{name}", lambda track: parts.get(track.id))
    if not divided.split.placed:
        raise SetupError(f"no track is in the official split {name!r}; is it of another dataset?")
    return divided


def _check_shares(shares: Sequence[float]) -> None:
    positive = len(shares) == len(PARTS) and all(share > 0 for share in shares)
    if not positive or abs(sum(shares) - 1) > 1e-6:  # noqa: PLR2004 - rounding
        raise SetupError(
            f"shares: {' '.join(map(str, shares))} are not three positive shares that add up to 1, "
            "such as .85 .1 .05"
        )


def _check(merged: Merged) -> None:
    ids = Counter(track.id for track in merged.tracks)
    known = set(merged.tags)
    for track in merged.tracks:
        if ids[track.id] > 1:
            raise SetupError(
                f"the track {track.dataset}/{track.path} is in the table twice; run "
                "`taggram data merge` again"
            )
        if unknown := set(track.tags) - known:
            raise SetupError(
                f"the track {track.dataset}/{track.path} has tags that are not in "
                f"{merged.task!r}: {', '.join(sorted(unknown))}; run `taggram data merge` again"
            )


def _divided(merged: Merged, name: str, part_of: Callable[[Track], Subset | None]) -> SplitResult:
    placed: list[SplitTrack] = []
    left_out: Counter[str] = Counter()
    for track in sorted(merged.tracks, key=lambda track: track.id):
        part = part_of(track)
        if part is None:
            left_out[OUTSIDE] += 1
        elif track.tags:
            placed.append(SplitTrack(track, part))
        elif part is Subset.TRAIN:
            placed.append(SplitTrack(track, Subset.UNLABELLED))
        else:
            left_out[UNTAGGED] += 1
    split = Split(merged.task, merged.tags, name, tuple(placed))
    unknown = sum(not each.track.artist for each in placed)
    return SplitResult(split, left_out, unknown, _lacking(split))


def _lacking(split: Split) -> dict[Subset, tuple[str, ...]]:
    found: dict[Subset, tuple[str, ...]] = {}
    for part in PARTS:
        present = {tag for each in split.part(part) for tag in each.track.tags}
        found[part] = tuple(tag for tag in split.tags if tag not in present)
    return found


def _artist(track: Track) -> str:
    return track.artist or f"\0{track.id}"  # unknown: an artist of its own


def _groups(tracks: Iterable[Track]) -> dict[str, list[Track]]:
    """Group tracks by artist, ordered by name, so that the order of the tracks has no effect."""
    groups: dict[str, list[Track]] = defaultdict(list)
    for track in tracks:
        groups[_artist(track)].append(track)
    return dict(sorted(groups.items()))
