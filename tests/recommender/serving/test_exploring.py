"""Recommenders that explore: a bandit chooses from the best curators, and says how probably."""

from pathlib import Path

import numpy as np
import pytest

from app.errors import WeightsError
from app.recommender.models.base import Training
from app.recommender.models.linear import Linear
from app.recommender.models.registry import make_models
from app.recommender.policies.bandit import ThompsonSampling, fit_bandit
from app.recommender.serving.card import recommender_card
from app.recommender.serving.query import Recommendations
from app.recommender.serving.ranking import CANDIDATES
from app.recommender.simulation.simulate import Simulation
from app.store.registry.weights import pack, read_file, unpack_any
from tests.recommender.serving.conftest import Published, publish
from tests.recommender.serving.test_package import Change, reopen, replace, spoil

ARTIST, K = 3, 5


@pytest.fixture(scope="module")
def exploring(
    simulation: Simulation, all_interactions: Training, tmp_path_factory: pytest.TempPathFactory
) -> Published:
    (model,) = make_models(["linear-tags"])
    bandit = fit_bandit(all_interactions, has_tags=True)
    folder = tmp_path_factory.mktemp("store")
    return publish(simulation, all_interactions, model, folder, bandit)


def ids(answer: Recommendations) -> list[str]:
    return [each.curator_id for each in answer.curators]


def test_each_seed_draws_a_list_and_draws_it_again(exploring: Published) -> None:
    query = exploring.query(ARTIST)
    lists = [exploring.recommender.recommend(query, K, seed=seed) for seed in range(20)]

    again = [exploring.recommender.recommend(query, K, seed=seed) for seed in range(20)]
    assert again == lists
    assert len({tuple(ids(each)) for each in lists}) > 1


def test_curators_are_drawn_as_often_as_their_propensities_say(exploring: Published) -> None:
    query, lists = exploring.query(ARTIST), 200
    drawn = [exploring.recommender.recommend(query, K, seed=seed) for seed in range(lists)]
    stated: dict[str, list[float]] = {}
    for each in (each for answer in drawn for each in answer.curators):
        assert 0 < each.propensity <= 1
        stated.setdefault(each.curator_id, []).append(each.propensity)

    for propensities in stated.values():
        mean = float(np.mean(propensities))
        four_deviations = 4 * np.sqrt(mean * (1 - mean) / lists) + 0.02
        assert len(propensities) / lists == pytest.approx(mean, abs=four_deviations)


def test_only_the_best_curators_are_drawn_without_excluded_ones(
    exploring: Published, linear_tags: Published
) -> None:
    query = exploring.query(ARTIST)
    best = ids(linear_tags.recommender.recommend(query, CANDIDATES + 1))
    excluded = best[0]
    for seed in range(20):
        drawn = ids(exploring.recommender.recommend(query, K, [excluded], seed))
        assert set(drawn) <= set(best) - {excluded}


def test_all_curators_at_once_have_the_propensity_1(exploring: Published) -> None:
    everyone = exploring.recommender.recommend(exploring.query(ARTIST), 10_000, seed=1)

    assert {each.propensity for each in everyone.curators} == {1.0}
    assert len(set(ids(everyone))) == len(exploring.simulation.platform.curators.ids)


def test_scores_are_the_model_s(exploring: Published, linear_tags: Published) -> None:
    query = exploring.query(ARTIST)
    ranked = linear_tags.recommender.recommend(query, CANDIDATES)
    scores = {each.curator_id: each.score for each in ranked.curators}

    for each in exploring.recommender.recommend(query, K, seed=1).curators:
        assert each.score == pytest.approx(scores[each.curator_id])


def test_nothing_is_drawn_if_all_are_excluded(exploring: Published) -> None:
    everyone = exploring.simulation.platform.curators.ids
    answer = exploring.recommender.recommend(exploring.query(ARTIST), K, everyone, seed=1)

    assert answer.curators == ()


def test_a_certain_bandit_orders_by_the_same_features_as_in_training(
    linear_tags: Published, simulation: Simulation, all_interactions: Training, tmp_path: Path
) -> None:
    model = Linear(has_tags=True)
    model.fit(all_interactions)
    trained = model.parameters()
    certain = ThompsonSampling(
        trained["mean"],
        trained["spread"],
        float(trained["bias"][0]),
        trained["weights"],
        np.eye(len(trained["weights"])) * 1e12,
    )
    published = publish(simulation, all_interactions, model, tmp_path, certain)

    for artist in range(5):
        query = linear_tags.query(artist)
        by_model = ids(linear_tags.recommender.recommend(query, K))
        assert ids(published.recommender.recommend(query, K, seed=artist)) == by_model


def test_the_card_says_so(exploring: Published, linear_tags: Published) -> None:
    assert "bandit" in recommender_card(exploring.recommender.manifest)
    assert "bandit" not in recommender_card(linear_tags.recommender.manifest)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.pop("bandit.mean"), "bandit.mean is missing"),
        (spoil("bandit.spread", 0), "bandit.spread has numbers below 1e-15"),
        (spoil("bandit.spread", 5e-324), "bandit.spread has numbers below 1e-15"),
        (spoil("bandit.mean", -1e308), r"bandit.mean has numbers beyond 1e\+15"),
        (
            replace("bandit.precision", np.eye(6)),
            r"bandit.precision is .* expected float64",
        ),
        (replace("bandit.precision", np.ones((7, 7))), "not a symmetric positive definite"),
        (replace("bandit.precision", np.eye(7) / 1e300), "not a symmetric positive definite"),
        (spoil("bandit.precision", -1), "bandit.precision is not a symmetric positive definite"),
        (spoil("bandit.precision", 7, 1), "bandit.precision is not a symmetric positive definite"),
        (spoil("bandit.center", np.nan), "bandit.center holds numbers that are not finite"),
    ],
)
def test_hostile_bandits_are_refused(exploring: Published, change: Change, message: str) -> None:
    data = read_file(exploring.store, exploring.recommender.manifest)
    arrays = {name: array.copy() for name, array in unpack_any(data, "").items()}
    change(arrays)

    with pytest.raises(WeightsError, match=message):
        reopen(exploring, pack(arrays))


def test_a_bandit_that_the_manifest_does_not_name_is_refused(exploring: Published) -> None:
    data = read_file(exploring.store, exploring.recommender.manifest)

    with pytest.raises(WeightsError, match="is not an array of a recommender"):
        reopen(exploring, data, explores=False)
