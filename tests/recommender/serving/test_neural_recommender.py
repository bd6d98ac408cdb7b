"""A published neural model: artists by id and by content, and a shortlist by the towers."""

import subprocess
import sys

import numpy as np
import pytest

from app.recommender.models.base import Training
from app.recommender.simulation.simulate import Simulation
from tests.recommender.serving.conftest import Published, check_parity, publish

pytest.importorskip("keras_rs", reason="the extra `recommender` is not installed")

from app.recommender.models.neural import model as neural
from app.recommender.models.neural import training as epochs
from app.recommender.models.neural.model import Neural


@pytest.fixture(scope="module")
def published(
    simulation: Simulation, all_interactions: Training, tmp_path_factory: pytest.TempPathFactory
) -> Published:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(epochs, "EPOCHS", 2)
        model = Neural(has_tags=True)
        return publish(simulation, all_interactions, model, tmp_path_factory.mktemp("neural"))


def test_scores_are_those_of_the_trained_model(published: Published) -> None:
    check_parity(published, range(20), by_id=True)


def test_an_artist_that_is_known_by_id_is_not_cold(published: Published) -> None:
    known = int(np.flatnonzero(published.model.known_artists)[0])

    by_id = published.recommender.recommend(published.query(known, by_id=True), 10)
    by_content = published.recommender.recommend(published.query(known), 10)

    assert not by_id.is_cold
    assert by_content.is_cold
    assert by_id != by_content


def test_with_many_curators_the_towers_choose_which_are_ordered(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neural, "SHORTLIST", 30)
    query = published.query(0)
    whole = published.recommender.recommend(query, 1000)
    ids = [each.curator_id for each in whole.curators]

    rest = published.recommender.recommend(query, 1000, exclude=ids[:10])

    assert len(ids) == 30
    assert not set(ids[:10]) & {each.curator_id for each in rest.curators}
    assert len(rest.curators) == 30
    scores = [each.score for each in rest.curators]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.thorough
def test_serving_needs_no_keras_rs(published: Published) -> None:
    code = f"""
import sys
sys.modules["keras_rs"] = None
from app.recommender.serving.recommender import load_recommender
from app.store.storage.store import Store
load_recommender(Store({str(published.store.folder)!r}), "neural-tags")
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False
    )

    assert ended.returncode == 0, ended.stderr
