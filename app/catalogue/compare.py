"""Compares the tags of two models on the same files, before one of them replaces the other."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappush, heappushpop
from itertools import count

import numpy as np
import numpy.typing as npt

from app.catalogue.scored import score_matrix, scored_rows
from app.catalogue.storage import Storage
from app.catalogue.tables import stored_tags
from app.domain import ModelRef, Scores
from app.errors import SetupError
from app.tagging.projection import Projection

TOP = 5
"""A track has the tags with the highest scores, this many."""

EXAMPLES = 10
"""Tracks that are listed because they change most."""


@dataclass(frozen=True)
class Side:
    """One of the two models.

    Attributes:
        out: The catalogue with its scores.
        ref: The model.
        tags: The tags to compare, in the order of the scores.
        score: Makes (tracks, tags) of mean raw scores, (tracks, raw tags).
    """

    out: Storage
    ref: ModelRef
    tags: tuple[str, ...]
    score: Callable[[Scores], Scores]


@dataclass(frozen=True)
class TopChange:
    """A change of the best tag, and the number of tracks with it."""

    old: str
    new: str
    tracks: int


@dataclass(frozen=True)
class TagChange:
    """The change of a tag.

    Attributes:
        tag: The tag.
        old_mean: Its mean score over the tracks, of the old model.
        new_mean: The same, of the new model.
        gained: The share of tracks that have it only with the new model.
        lost: The share of tracks that have it only with the old model.
    """

    tag: str
    old_mean: float
    new_mean: float
    gained: float
    lost: float

    @property
    def shift(self) -> float:
        """Return the change of the mean."""
        return self.new_mean - self.old_mean


@dataclass(frozen=True)
class TrackChange:
    """A track that changes much.

    Attributes:
        external_id: The platform's id, in the new catalogue.
        track_id: SHA-256 of the file.
        change: The mean absolute change of its scores.
        old: Its tags with the old model, best first.
        new: Its tags with the new model.
    """

    external_id: str
    track_id: str
    change: float
    old: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """The differences between two models.

    Attributes:
        old: The old model.
        new: The new model.
        files: Number of distinct files with scores of both.
        only_old: Number of files with scores of the old model alone.
        only_new: Number of files with scores of the new model alone.
        top_changed: The share of files whose best tag changes.
        top_changes: What changes to what, most frequent first.
        tags: Each tag that both know; the largest change of the mean first.
        only_old_tags: Tags that the old model alone knows; they are not compared.
        only_new_tags: Tags that the new model alone knows.
        tracks: The tracks that change most.
    """

    old: str
    new: str
    files: int
    only_old: int
    only_new: int
    top_changed: float
    top_changes: tuple[TopChange, ...]
    tags: tuple[TagChange, ...]
    only_old_tags: tuple[str, ...]
    only_new_tags: tuple[str, ...]
    tracks: tuple[TrackChange, ...]


def raw_side(out: Storage, ref: ModelRef) -> Side:
    """Return a model with its raw tags, as they are in the catalogue.

    Raises:
        SetupError: A file can't be read, or has other tags.
    """
    names = {stored_tags(table): path for path, table in scored_rows(out, ref, ())}
    if len(names) != 1:
        raise SetupError(f"{out.where()}: its files of {ref} have different tags; tag them again")
    return Side(out, ref, next(iter(names)), lambda scores: scores)


def vocabulary_sides(
    old: tuple[Storage, Projection], new: tuple[Storage, Projection]
) -> tuple[Side, Side]:
    """Return two models with all tags and genres of a vocabulary that one of them knows.

    What a model does not suggest, or does not know, scores 0.

    Args:
        old: The catalogue of the old model, and the vocabulary for this model alone.
        new: The same of the new model.
    """
    rows = [row.name for _, projection in (old, new) for row in projection.rows]
    names = tuple(dict.fromkeys(rows))
    return _vocabulary_side(*old, names), _vocabulary_side(*new, names)


def _vocabulary_side(out: Storage, projection: Projection, names: tuple[str, ...]) -> Side:
    (model,) = projection.models
    columns = [names.index(row.name) for row in projection.rows]

    def score(means: Scores) -> Scores:
        suggested = projection.score_tracks([means])
        scores = np.zeros((len(means), len(names)), np.float32)
        scores[:, columns] = np.where(np.isfinite(suggested), suggested, 0)
        return scores

    return Side(out, model.ref, names, score)


def compare(old: Side, new: Side) -> Comparison:
    """Compare two models on the files that both have scored, identical files once.

    The scores of the old model are in memory.

    Raises:
        SetupError: They have no file or no tag in common, or a file can't be read.
    """
    names = tuple(tag for tag in new.tags if tag in old.tags)
    if not names:
        raise SetupError(
            f"{old.ref} and {new.ref} have no tag in common; compare them with --vocabulary"
        )
    before = _Scores(old, names)
    changes = _Changes(names)
    seen: set[str] = set()
    for ids, track_ids, scores in _read(new, names):
        first = _take_first(track_ids, seen)
        places = [place for place in first if track_ids[place] in before.rows]
        changes.add(
            [(ids[place], track_ids[place]) for place in places],
            before.scores[[before.rows[track_ids[place]] for place in places]],
            scores[places],
        )
    if not changes.files:
        raise SetupError(f"{old.ref} and {new.ref} have scored no file in common, by SHA-256")
    return changes.result(old, new, len(before.rows) - changes.files, len(seen) - changes.files)


class _Scores:
    """The scores of a model for each distinct file."""

    def __init__(self, side: Side, names: Sequence[str]) -> None:
        self.rows: dict[str, int] = {}
        seen: set[str] = set()
        blocks = [np.empty((0, len(names)), np.float32)]
        for _, track_ids, scores in _read(side, names):
            places = _take_first(track_ids, seen)
            for place in places:
                self.rows[track_ids[place]] = len(self.rows)
            blocks.append(scores[places])
        self.scores = np.concatenate(blocks)


def _take_first(track_ids: Sequence[str], seen: set[str]) -> list[int]:
    """Return the places of files that were not seen before, and add them to those that were."""
    places = []
    for place, track_id in enumerate(track_ids):
        if track_id not in seen:
            seen.add(track_id)
            places.append(place)
    return places


def _read(side: Side, names: Sequence[str]) -> Iterator[tuple[list[str], list[str], Scores]]:
    """Yield external ids, ids of files, and (tracks, tags) scores of the named tags."""
    columns = [side.tags.index(name) for name in names]
    for _, table in scored_rows(side.out, side.ref, ("track_id", "scores")):
        scores = side.score(score_matrix(table))[:, columns]
        yield table["external_id"].to_pylist(), table["track_id"].to_pylist(), scores


@dataclass
class _Changes:
    """Sums over the files so far."""

    names: tuple[str, ...]
    files: int = 0
    sums: npt.NDArray[np.float64] = field(init=False)
    exchanged: npt.NDArray[np.int64] = field(init=False)
    tops: Counter[tuple[int, int]] = field(default_factory=Counter)
    largest: list[tuple[float, int, TrackChange]] = field(default_factory=list)
    order: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.sums = np.zeros((2, len(self.names)))
        self.exchanged = np.zeros((2, len(self.names)), np.int64)

    def add(self, ids: Sequence[tuple[str, str]], old: Scores, new: Scores) -> None:
        """Add files: external id and track id, and their scores, (files, tags)."""
        self.files += len(ids)
        self.sums += [old.sum(axis=0, dtype=np.float64), new.sum(axis=0, dtype=np.float64)]
        best = [np.argsort(-scores, axis=1, kind="stable")[:, :TOP] for scores in (old, new)]
        had, has = (_membership(each, len(self.names)) for each in best)
        self.exchanged += [(has & ~had).sum(axis=0), (had & ~has).sum(axis=0)]
        self.tops.update(zip(best[0][:, 0].tolist(), best[1][:, 0].tolist(), strict=True))
        changes = np.abs(new - old).mean(axis=1).tolist()
        for (external_id, track_id), change, *tops in zip(ids, changes, *best, strict=True):
            if len(self.largest) == EXAMPLES and change <= self.largest[0][0]:
                continue
            had_tags, has_tags = (tuple(self.names[tag] for tag in each) for each in tops)
            track = TrackChange(external_id, track_id, change, had_tags, has_tags)
            push = heappushpop if len(self.largest) == EXAMPLES else heappush
            push(self.largest, (change, -next(self.order), track))

    def result(self, old: Side, new: Side, only_old: int, only_new: int) -> Comparison:
        """Return what the sums say."""
        means = self.sums / self.files
        shares = self.exchanged / self.files
        columns = zip(self.names, *means.tolist(), *shares.tolist(), strict=True)
        tags = [TagChange(*values) for values in columns]
        names = self.names
        changed = [
            TopChange(names[had], names[has], tracks)
            for (had, has), tracks in self.tops.most_common()
            if had != has
        ]
        return Comparison(
            *(str(old.ref), str(new.ref), self.files, only_old, only_new),
            top_changed=sum(change.tracks for change in changed) / self.files,
            top_changes=tuple(changed),
            tags=tuple(sorted(tags, key=lambda tag: -abs(tag.shift))),
            only_old_tags=tuple(tag for tag in old.tags if tag not in names),
            only_new_tags=tuple(tag for tag in new.tags if tag not in names),
            tracks=tuple(track for *_, track in sorted(self.largest, reverse=True)),
        )


def _membership(best: npt.NDArray[np.int64], tags: int) -> npt.NDArray[np.bool_]:
    """Return whether each tag, (files, tags), is among the best, (files, at most `TOP`)."""
    is_in = np.zeros((len(best), tags), bool)
    np.put_along_axis(is_in, best, values=True, axis=1)
    return is_in
