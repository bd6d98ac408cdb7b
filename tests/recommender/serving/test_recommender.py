"""What a published recommender answers."""

import numpy as np
import pytest

from app.recommender.models.base import Training
from app.recommender.models.content_model import ContentModel
from app.recommender.models.registry import make_models
from app.recommender.simulation.simulate import Simulation
from tests.recommender.serving.conftest import Published, publish

K = 10
FEW_OF = ("popularity", "subgenre-cosine", "tag-cosine", "linear")


def check_parity(published: Published, artists: range, *, by_id: bool = False) -> None:
    """Scores are those of the trained model for the artists of its platform."""
    curators = published.simulation.platform.curators.ids
    offline = published.model.score(np.array(artists), np.arange(len(curators)))
    for artist, expected in zip(artists, offline, strict=True):
        answer = published.recommender.recommend(published.query(artist, by_id=by_id), K)
        found = {each.curator_id: each.score for each in answer.curators}
        scores = list(found.values())
        np.testing.assert_allclose(
            scores, [expected[curators.index(each)] for each in found], atol=1e-4
        )
        np.testing.assert_allclose(scores, np.sort(expected)[::-1][:K], atol=1e-4)


def test_scores_are_those_of_the_trained_model(linear_tags: Published) -> None:
    check_parity(linear_tags, range(40))


@pytest.mark.parametrize("name", FEW_OF)
def test_scores_of_other_models_are_too(
    name: str, simulation: Simulation, all_interactions: Training, tmp_path
) -> None:
    (model,) = make_models([name])
    assert isinstance(model, ContentModel)
    check_parity(publish(simulation, all_interactions, model, tmp_path), range(10))
