"""Publishes made-up recommenders: random curators, and a linear model with chosen weights.

Nothing is trained, so that one with 100,000 curators takes seconds.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256

import numpy as np

from app.domain import Scores
from app.recommender.data import Indices
from app.recommender.models.content import CuratorProfiles
from app.recommender.serving.contents import AcceptedTracks, Contents, KnownTracks
from app.recommender.serving.publishing import publish_recommender
from app.recommender.tag_space import TagSpace
from app.store.manifest.recommender import (
    Evaluation,
    RecommenderManifest,
    RecommenderSpec,
    Target,
    TrainedOn,
    Vectors,
)
from app.store.storage.store import Store

SUBGENRES = ("ambient", "dub", "house", "metal", "techno")
COUNTRIES = ("DE", "FR")
ACCEPTED = 3
"""Tracks that each curator accepted."""

FEATURE_WEIGHTS = {
    "acceptance rate": 0.1,
    "liked subgenres": 0.3,
    "disliked subgenres": -0.3,
    "likes all": -0.1,
    "same country": 0.1,
    "accepted tracks": 0.4,
    "declined tracks": 0.0,
}
"""In the order of the model; those of tags are the last two."""

AT = datetime(2026, 1, 1, tzinfo=UTC)


def publish_made(
    store: Store,
    name: str,
    tags: Sequence[str],
    vectors: Vectors | None,
    *,
    subgenres: Sequence[str] = SUBGENRES,
    curators: int = 20,
    tracks: int = 40,
) -> RecommenderManifest:
    """Publish a recommender with the curators `c0`, `c1` and so on, and tracks `t0`, `t1`.

    Args:
        store: Where to publish it.
        name: Its name.
        tags: The tags of its vectors; none for a model without tags.
        vectors: What would have computed the vectors; None without tags.
        subgenres: The names that artists choose from; each curator likes one.
        curators: The number of curators.
        tracks: The number of tracks that it knows.
    """
    spec = RecommenderSpec(
        name=name,
        summary="Made up: nothing was trained.",
        model="linear-tags" if tags else "linear",
        subgenres=tuple(subgenres),
        tags=tuple(tags),
        vectors=vectors,
        trained_on=TrainedOn(
            artists=0,
            curators=curators,
            tracks=tracks if tags else 0,
            interactions=ACCEPTED * curators,
            first_at=AT,
            last_at=AT,
        ),
        target=Target(),
        evaluation=Evaluation(split_at=AT, interactions=0, figures=()),
        taggram="0",
    )
    return publish_recommender(store, spec, _contents(spec, np.random.RandomState(0)))


def known_track_id(number: int) -> str:
    """Return the SHA-256 of a track that made recommenders know."""
    return sha256(f"track {number}".encode()).hexdigest()


def _contents(spec: RecommenderSpec, random: np.random.RandomState) -> Contents:
    tracks, curators, has_tags = spec.trained_on.tracks, spec.curators, bool(spec.tags)
    scores = random.uniform(0, 1, (tracks, len(spec.tags))).astype(np.float32)
    space = TagSpace.of(scores) if has_tags else TagSpace(np.zeros(0), np.ones(0))
    rows = _accepted(tracks, curators, random) if has_tags else np.zeros((curators, 0), np.int64)
    liked = np.eye(len(spec.subgenres), dtype=np.float32)[np.arange(curators) % len(spec.subgenres)]
    profiles = CuratorProfiles(
        liked,
        np.zeros_like(liked),
        random.randint(0, len(COUNTRIES) + 1, curators),
        len(COUNTRIES),
        random.uniform(0, 1, curators),
        _mean_directions(space, scores, rows),
        np.zeros((curators, len(spec.tags))),
    )
    weights = list(FEATURE_WEIGHTS.values())[: None if has_tags else -2]
    return Contents(
        tuple(f"c{number}" for number in range(curators)),
        (),
        COUNTRIES,
        profiles,
        space,
        KnownTracks(
            tuple(f"t{number}" for number in range(tracks)),
            tuple(known_track_id(number) for number in range(tracks)),
            scores,
        ),
        AcceptedTracks(np.cumsum(np.full(curators, rows.shape[1])), rows.ravel()),
        {
            "weights": np.array(weights),
            "mean": np.zeros(len(weights)),
            "spread": np.ones(len(weights)),
            "bias": np.array([0.1]),
        },
    )


def _accepted(tracks: int, curators: int, random: np.random.RandomState) -> Indices:
    """Return the rows of the tracks that each curator accepted, different ones, (curators, n)."""
    first = random.randint(0, tracks, (curators, 1))
    rows: Indices = np.sort((first + np.arange(ACCEPTED) * (tracks // ACCEPTED)) % tracks, axis=1)
    return rows


def _mean_directions(space: TagSpace, scores: Scores, rows: Indices) -> np.ndarray:
    """Return the mean direction of the accepted tracks of each curator, (curators, tags)."""
    directions = space.directions(scores)
    means = np.zeros((len(rows), scores.shape[1]))
    for column in rows.T:
        means += directions[column] / rows.shape[1]
    return means
