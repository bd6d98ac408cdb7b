"""Recommenders on HetRec 2011, 1,892 users of Last.fm and 17,632 artists.

    python -m loadtests.recommender.hetrec FOLDER

Users stand in for curators: what they played is accepted. A fifth of each user's artists is held
back. Two directions are measured: artists ranked for a user, as the literature does, and users
ranked for an artist, as Taggram serves curators. There are no declines, and no times.

A fifth of the played artists were tagged by the same user, so that their tags would reveal the
answer. Tag vectors are therefore made of the tags of every second user, and only the other users
are evaluated. The data is for non-commercial research: only figures are kept.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from app.recommender.data import (
    SHARED,
    UNKNOWN,
    Artists,
    Curators,
    Floats,
    Indices,
    Interactions,
    Mask,
    Platform,
    TagVectors,
    Tracks,
    VectorSource,
)
from app.recommender.evaluation import ALL, COLD_ARTISTS, WARM, Figure, evaluate
from app.recommender.metrics.quotient import Interval
from app.recommender.models.base import Recommender, Training, prepare_training
from app.recommender.models.baselines import Popularity, TagCosine
from app.recommender.models.factorisation import Factorisation
from app.recommender.models.neighbours import ArtistNeighbours, CuratorNeighbours
from app.recommender.split import Split
from app.recommender.target import TargetWeights
from loadtests.report import publish

TEST_SHARE = 0.2
SEED = 20260101
FEWEST_USES = 20
"""Tags that were assigned less often are left out."""

BEFORE, AFTER = np.datetime64("2011-01-01", "us"), np.datetime64("2011-01-02", "us")
"""The data has no times: what is held back is a day later."""


@dataclass(frozen=True, eq=False)
class HetRec:
    """The files.

    Attributes:
        users: The index of the user of each pair, (pairs,).
        artists: The index of the artist of each pair, (pairs,).
        counts: The number of users and of artists.
        vectors: The tags of artists, by the index as text, without those of evaluated users.
    """

    users: Indices
    artists: Indices
    counts: tuple[int, int]
    vectors: TagVectors

    @property
    def is_evaluated(self) -> Mask:
        """Which pairs are of users whose tags are not in the vectors, (pairs,)."""
        is_evaluated: Mask = self.users % 2 == 0
        return is_evaluated


class Transposed:
    """A model with its two sides exchanged."""

    predicts_scores = False

    def __init__(self, model: Recommender) -> None:
        self.name = model.name
        self._model = model

    def fit(self, training: Training) -> None:
        """Do nothing: the model is trained."""

    def score(self, artists: Indices, curators: Indices) -> Floats:
        """See `Recommender`."""
        return self._model.score(curators, artists).T


def main(
    folder: Annotated[Path, typer.Argument(help="The folder with user_artists.dat.")],
) -> None:
    """Measure both directions, print, and keep as JSON."""
    data = read(folder)
    held_back = _held_back(data)
    of_users = [each for each in _for_users(data, held_back) if each.slice == ALL]
    figures = {
        "artists for a user": of_users,
        "users for an artist": _for_artists(data, held_back),
    }
    rows = [
        {"direction": direction, **row}
        for direction, found in figures.items()
        for row in _rows(found)
    ]
    publish("hetrec", "Recommenders on HetRec 2011", rows, NOTES)


METRICS = ("ndcg@10", "map@10", "hit_rate@10", "coverage@10")
SLICES = (ALL, WARM, COLD_ARTISTS)

NOTES = (
    "Intervals are 95 % bootstrap intervals over the side that is recommended to.",
    "Evaluated are the users whose tags are not in the tag vectors.",
)


def read(folder: Path) -> HetRec:
    """Read the pairs and the tags."""
    pairs = _columns(folder / "user_artists.dat")[:, :2]
    tags = _columns(folder / "user_taggedartists.dat")[:, :3]
    user_ids, artist_ids = np.unique(pairs[:, 0]), np.unique(pairs[:, 1])
    users, artists = (
        np.searchsorted(user_ids, pairs[:, 0]),
        np.searchsorted(artist_ids, pairs[:, 1]),
    )
    is_known = np.isin(tags[:, 0], user_ids) & np.isin(tags[:, 1], artist_ids)
    by = np.searchsorted(user_ids, tags[:, 0])
    tags = tags[is_known & (by % 2 == 1)]
    names, uses = np.unique(tags[:, 2], return_counts=True)
    tags = tags[np.isin(tags[:, 2], names[uses >= FEWEST_USES])]
    names, columns = np.unique(tags[:, 2], return_inverse=True)
    rows = np.searchsorted(artist_ids, tags[:, 1])
    counts = np.zeros((len(artist_ids), len(names)), np.float32)
    np.add.at(counts, (rows, columns), 1)
    tagged = np.flatnonzero(counts.any(axis=1))
    scores = counts[tagged] / counts[tagged].max(axis=1, keepdims=True)
    known = {str(artist): row for row, artist in enumerate(tagged.tolist())}
    vectors = TagVectors(tuple(map(str, names)), scores, known, {}, VectorSource(("HetRec",)))
    return HetRec(users, artists, (len(user_ids), len(artist_ids)), vectors)


def _for_artists(data: HetRec, held_back: Mask) -> list[Figure]:
    """Rank users for each artist."""
    platform = _platform(data.artists, data.users, data.counts[::-1], held_back)
    test = _interactions(data.artists, data.users, held_back & data.is_evaluated, AFTER)
    training = prepare_training(platform, data.vectors, TargetWeights())
    return _evaluate(_models(TagCosine()), training, Split(platform, test, AFTER))


def _for_users(data: HetRec, held_back: Mask) -> list[Figure]:
    """Rank artists for each user."""
    forward = _platform(data.artists, data.users, data.counts[::-1], held_back)
    tags = TagCosine()
    tags.fit(prepare_training(forward, data.vectors, TargetWeights()))
    platform = _platform(data.users, data.artists, data.counts, held_back)
    test = _interactions(data.users, data.artists, held_back & data.is_evaluated, AFTER)
    training = prepare_training(platform, None, TargetWeights())
    return _evaluate(_models(Transposed(tags)), training, Split(platform, test, AFTER))


def _models(tags: Recommender) -> list[Recommender]:
    return [Popularity(), CuratorNeighbours(), ArtistNeighbours(), Factorisation(), tags]


def _evaluate(models: list[Recommender], training: Training, split: Split) -> list[Figure]:
    found = []
    for model in models:
        model.fit(training)
        found += evaluate(model, split, (10,))
    return found


def _held_back(data: HetRec) -> Mask:
    """Return which pairs are held back: a share of those of each user, (pairs,)."""
    random = np.random.RandomState(SEED)
    order = np.lexsort((random.uniform(size=len(data.users)), data.users))
    starts = np.searchsorted(data.users[order], np.arange(data.counts[0] + 1))
    place = np.arange(len(order)) - starts[data.users[order]]
    held_back = np.zeros(len(order), bool)
    held_back[order] = place < TEST_SHARE * np.diff(starts)[data.users[order]]
    return held_back


def _platform(
    rows: Indices, columns: Indices, counts: tuple[int, int], held_back: Mask
) -> Platform:
    """Return a platform with the pairs that are not held back."""
    ids, curator_ids = (tuple(map(str, range(count))) for count in counts)
    nothing = [np.zeros((count, 1), np.float32) for count in counts]
    empty = ("",) * counts[0], ("",) * counts[1]
    joined = np.full(counts[0], BEFORE)
    return Platform(
        ("",),
        Artists(ids, nothing[0], empty[0], joined, empty[0], ((),) * counts[0]),
        Curators(curator_ids, nothing[1], nothing[1], nothing[1], empty[1], empty[1]),
        Tracks(ids, empty[0], np.arange(counts[0])),
        _interactions(rows, columns, ~held_back, BEFORE),
    )


def _interactions(rows: Indices, columns: Indices, chosen: Mask, at: np.datetime64) -> Interactions:
    count = int(chosen.sum())
    nothing = np.full(count, np.nan)
    return Interactions(
        artists=rows[chosen],
        curators=columns[chosen],
        tracks=np.full(count, UNKNOWN),
        scores=np.full(count, SHARED),
        at=np.full(count, at),
        positions=np.full(count, UNKNOWN),
        propensities=nothing,
        ratings=nothing,
        in_contact=nothing,
        viewed_s=nothing,
    )


def _columns(path: Path) -> Indices:
    """Return the numbers of a file with a head and tabs, (rows, columns)."""
    with path.open(encoding="latin-1", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t"))[1:]
    return np.array([[int(cell) for cell in row] for row in rows], np.int64)


def _rows(figures: list[Figure]) -> Iterator[dict[str, str]]:
    """Yield a row for each model and slice."""
    values = {(each.model, each.slice, each.metric): each.interval for each in figures}
    for model, part in dict.fromkeys((each.model, each.slice) for each in figures):
        if part in SLICES:
            cells = {metric: _cell(values[model, part, metric]) for metric in METRICS}
            yield {"model": model, "slice": part, **cells}


def _cell(interval: Interval) -> str:
    around = "" if interval.low is None else f" ({interval.low:.3f} to {interval.high:.3f})"
    return f"{interval.value:.3f}{around}"


if __name__ == "__main__":
    typer.run(main)
