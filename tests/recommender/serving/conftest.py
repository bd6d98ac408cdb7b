"""Recommenders of the small simulated platform, published in a store."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from app.recommender.models.base import Training, prepare_training
from app.recommender.models.content_model import ContentModel
from app.recommender.models.registry import make_models
from app.recommender.policies.bandit import ThompsonSampling
from app.recommender.serving.contents import collect_contents
from app.recommender.serving.publishing import publish_recommender
from app.recommender.serving.query import ArtistQuery
from app.recommender.serving.recommender import PublishedRecommender, load_recommender
from app.recommender.simulation.simulate import Simulation
from app.recommender.target import TargetWeights
from app.store.manifest.recommender import (
    Evaluation,
    RecommenderSpec,
    Target,
    TrainedOn,
    Vectors,
)
from app.store.storage.store import Store

AT = datetime(2025, 1, 1, tzinfo=UTC)
K = 10


def make_spec(simulation: Simulation, model: ContentModel, name: str) -> RecommenderSpec:
    platform, vectors = simulation.platform, simulation.vectors
    return RecommenderSpec(
        name=name,
        summary="A small one",
        model=model.name,
        subgenres=platform.subgenres,
        tags=vectors.tags if model.has_tags else (),
        vectors=Vectors(models=vectors.source.models) if model.has_tags else None,
        trained_on=TrainedOn(
            artists=len(platform.artists.ids),
            curators=len(platform.curators.ids),
            tracks=len(platform.tracks.artists) if model.has_tags else 0,
            interactions=len(platform.interactions),
            first_at=AT,
            last_at=AT,
        ),
        target=Target(),
        evaluation=Evaluation(split_at=AT, interactions=1, figures=()),
        taggram="1",
    )


@dataclass(frozen=True, eq=False)
class Published:
    """A trained model, and the recommender that was published of it."""

    simulation: Simulation
    model: ContentModel
    store: Store
    recommender: PublishedRecommender

    def query(self, artist: int, *, by_id: bool = False) -> ArtistQuery:
        """Return an artist of the platform as a client would describe it."""
        platform, vectors = self.simulation.platform, self.simulation.vectors
        rows = vectors.rows_of(platform.tracks)[platform.tracks_by_artist[artist]]
        columns = np.flatnonzero(platform.artists.subgenres[artist])
        has_tags = self.model.has_tags
        return ArtistQuery(
            platform.artists.ids[artist] if by_id else None,
            tuple(platform.subgenres[each] for each in columns),
            platform.artists.countries[artist],
            vectors.scores[rows[rows >= 0]] if has_tags else np.zeros((0, 0), np.float32),
        )


def publish(
    simulation: Simulation,
    training: Training,
    model: ContentModel,
    folder: Path,
    bandit: ThompsonSampling | None = None,
) -> Published:
    model.fit(training)
    store = Store(folder)
    contents = collect_contents(simulation.platform, simulation.vectors, model, bandit)
    spec = make_spec(simulation, model, model.name)
    spec = spec.model_copy(update={"explores": bandit is not None})
    manifest = publish_recommender(store, spec, contents)
    return Published(simulation, model, store, load_recommender(store, str(manifest.ref)))


@pytest.fixture(scope="session")
def all_interactions(simulation: Simulation) -> Training:
    return prepare_training(simulation.platform, simulation.vectors, TargetWeights())


@pytest.fixture(scope="session")
def linear_tags(
    simulation: Simulation, all_interactions: Training, tmp_path_factory: pytest.TempPathFactory
) -> Published:
    (model,) = make_models(["linear-tags"])
    assert isinstance(model, ContentModel)
    return publish(simulation, all_interactions, model, tmp_path_factory.mktemp("store"))


def check_parity(published: Published, artists: range, *, by_id: bool = False) -> None:
    """Check that scores are those of the trained model for the artists of its platform."""
    curators = published.simulation.platform.curators.ids
    offline = published.model.score(np.array(artists), np.arange(len(curators)))
    for artist, expected in zip(artists, offline, strict=True):
        answer = published.recommender.recommend(published.query(artist, by_id=by_id), K)
        found = {each.curator_id: each.score for each in answer.curators}
        scores = list(found.values())
        of_found = [expected[curators.index(each)] for each in found]
        np.testing.assert_allclose(scores, of_found, atol=1e-4)
        np.testing.assert_allclose(scores, np.sort(expected)[::-1][:K], atol=1e-4)
