"""The recommender of made-up curators, as the demo page uses it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from app.domain import Scores
from app.model_catalog import read_catalog
from app.recommender.serving.query import ArtistQuery
from app.recommender.serving.recommender import PublishedRecommender, load_recommender
from app.recommender.serving.tag_source import find_tag_source
from app.recommender.simulation.demo import CURATORS, LEVEL, NAME, publish_demo
from app.settings import Settings
from app.store.storage.store import Store
from app.tagging.catalog import ModelCatalog


@dataclass(frozen=True)
class Demo:
    """The published recommender, and the models whose tags it takes."""

    recommender: PublishedRecommender
    catalog: ModelCatalog

    def tracks(self, tag: str) -> Scores:
        """Return a track in which a tag stands out, (1, tags)."""
        tags = self.recommender.manifest.tags
        scores = np.full((1, len(tags)), 1 / (1 + np.exp(-LEVEL)), np.float32)
        scores[0, tags.index(tag)] = 0.7
        return scores


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = Store(tmp_path_factory.mktemp("store"))
    catalog = read_catalog(Settings(_env_file=None))
    publish_demo(folder, catalog)
    return Demo(load_recommender(folder, NAME), catalog)


def test_the_service_computes_the_tags_that_it_takes(demo: Demo) -> None:
    manifest = demo.recommender.manifest
    assert find_tag_source(manifest, demo.catalog).tags == manifest.tags
    assert set(manifest.subgenres) == set(demo.catalog.vocabularies["subgenres"].tags)
    assert manifest.curators == len(set(CURATORS)) == 60


@pytest.mark.parametrize("tag", ["metal", "techno", "ambient", "country"])
def test_a_track_gets_curators_who_accepted_tracks_like_it(demo: Demo, tag: str) -> None:
    query = ArtistQuery(None, (tag,), "", demo.tracks(tag))
    recommendations = demo.recommender.recommend(query, 5)
    assert recommendations.is_cold
    assert {each.curator_id for each in recommendations.curators} <= set(CURATORS)
    assert any(tag in each.shared_subgenres for each in recommendations.curators)
    shared = [common.tag for each in recommendations.curators for common in each.shared_tags]
    assert tag in shared
    titles = [
        track.external_id for each in recommendations.curators for track in each.similar_tracks
    ]
    assert titles
    assert all(len(title.split()) == 2 for title in titles)


def test_it_is_the_same_each_time(demo: Demo, tmp_path: Path) -> None:
    again = Store(tmp_path)
    assert publish_demo(again, demo.catalog).weights == demo.recommender.manifest.weights
