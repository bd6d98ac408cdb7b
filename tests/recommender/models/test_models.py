"""Models recover what was planted, as far as they can."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from app.errors import SetupError
from app.recommender.data import Indices
from app.recommender.evaluation import ALL, COLD_ARTISTS, Figure, difference, evaluate
from app.recommender.metrics.quotient import Interval
from app.recommender.models.base import Recommender, Training, prepare_training
from app.recommender.models.baselines import Popularity, SubgenreCosine, TagCosine
from app.recommender.models.linear import Linear
from app.recommender.models.neighbours import ArtistNeighbours, CuratorNeighbours, nearest_rows
from app.recommender.models.sequential import Sequential
from app.recommender.similarity import cosine_rows
from app.recommender.simulation.settings import Answer, Choice, Settings, Statement
from app.recommender.simulation.simulate import Simulation
from app.recommender.split import Split, split_by_time
from app.recommender.target import TargetWeights
from tests.recommender.conftest import simulated

MODELS = (
    Popularity,
    CuratorNeighbours,
    ArtistNeighbours,
    Sequential,
    SubgenreCosine,
    TagCosine,
    partial(Linear, has_tags=False),
    partial(Linear, has_tags=True),
)


class Oracle:
    """Knows how likely each curator accepts a track of an artist."""

    name = "oracle"
    predicts_scores = False

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def fit(self, training: Training) -> None:
        pass

    def score(self, artists: Indices, curators: Indices) -> np.ndarray:
        world, tracks = self._simulation.world, self._simulation.platform.tracks_by_artist
        means = [world.acceptance(tracks[artist]).mean(axis=0) for artist in artists]
        return np.stack(means)[:, curators]


@pytest.fixture(scope="module")
def larger() -> Simulation:
    return simulated(Settings(artists=2500, curators=120, sparsity=0.92, seed=3))


@pytest.fixture(scope="module")
def larger_split(larger: Simulation) -> Split:
    return split_by_time(larger.platform)


@pytest.fixture(scope="module")
def larger_training(larger: Simulation, larger_split: Split) -> Training:
    return prepare_training(larger_split.platform, larger.vectors, TargetWeights())


Figures = dict[tuple[str, str, str], Figure]


def evaluated(models: Sequence[Recommender], split: Split, training: Training) -> Figures:
    """Return the figures of models by model, slice and metric."""
    found = []
    for model in models:
        model.fit(training)
        found += evaluate(model, split, (10,))
    return {(each.model, each.slice, each.metric): each for each in found}


@pytest.fixture(scope="module")
def figures(split: Split, training: Training) -> Figures:
    return evaluated([kind() for kind in MODELS], split, training)


@pytest.mark.parametrize("kind", MODELS)
def test_scores_have_a_row_for_each_artist_and_a_column_for_each_curator(
    kind: Callable[[], Recommender], training: Training
) -> None:
    model = kind()
    model.fit(training)
    artists, curators = np.array([5, 0, 7]), np.array([9, 2])

    scores = model.score(artists, curators)

    assert scores.shape == (3, 2)
    whole = model.score(np.arange(20), np.arange(20))
    np.testing.assert_allclose(scores, whole[np.ix_(artists, curators)], atol=1e-12)


@pytest.mark.thorough
def test_what_is_planted_is_found_in_the_expected_order(
    larger: Simulation, larger_split: Split, larger_training: Training
) -> None:
    models: list[Recommender] = [*(kind() for kind in MODELS), Oracle(larger)]
    figures = evaluated(models, larger_split, larger_training)

    def auc(model: str) -> float:
        value = figures[model, ALL, "auc_sent"].interval.value
        assert value is not None
        return value

    assert auc("oracle") > 0.85
    assert auc("tag-cosine") > 0.6
    assert auc("subgenre-cosine") > 0.5
    assert auc("oracle") > max(auc(kind().name) for kind in MODELS)


def auc_difference(split: Split, training: Training, part: str) -> Interval:
    """Return what tag vectors add to the linear model in a slice."""
    found = []
    for has_tags in (True, False):
        model = Linear(has_tags=has_tags)
        model.fit(training)
        figures = evaluate(model, split, (10,))
        found += [each for each in figures if (each.slice, each.metric) == (part, "auc_sent")]
    return difference(*found)


@pytest.mark.thorough
def test_tag_vectors_help_cold_artists_and_those_with_noisy_subgenres(
    larger: Simulation, larger_split: Split, larger_training: Training
) -> None:
    split = larger_split
    assert auc_difference(split, larger_training, COLD_ARTISTS).low > 0
    choices = np.array(larger.world.artists.choices)[split.test.artists]
    noisy = replace(split, test=split.test.take(choices != Choice.ACCURATE))

    assert auc_difference(noisy, larger_training, ALL).low > 0


@pytest.mark.thorough
def test_penalties_lower_the_rank_of_curators_who_like_all_or_accept_all(
    larger: Simulation, larger_split: Split
) -> None:
    def mean_rank(weights: TargetWeights, is_kind: np.ndarray) -> float:
        model = Linear(has_tags=True)
        model.fit(prepare_training(larger_split.platform, larger.vectors, weights))
        scores = model.score(np.arange(200), np.arange(120))
        ranks = np.argsort(np.argsort(-scores, axis=1), axis=1)
        return float(ranks[:, is_kind].mean())

    curators = larger.world.curators
    likes_all = np.array(curators.statements) == Statement.LIKES_ALL
    accepts_all = np.array(curators.answers) == Answer.ACCEPTS_ALL

    plain = TargetWeights()
    assert mean_rank(TargetWeights(likes_all=1), likes_all) > mean_rank(plain, likes_all) + 10
    bonus = TargetWeights(selectiveness=1)
    assert mean_rank(bonus, accepts_all) > mean_rank(plain, accepts_all) + 10


def test_popularity_recommends_the_same_to_all(
    figures: Figures,
) -> None:
    def whole(model: str, metric: str) -> float:
        value = figures[model, ALL, f"{metric}@10"].interval.value
        assert value is not None
        return value

    assert whole("popularity", "personalisation") < 0.2  # but for those whom an artist knows
    assert whole("tag-cosine", "personalisation") > 0.8
    assert whole("popularity", "coverage") < whole("tag-cosine", "coverage")


def test_predictions_have_errors_and_mere_orders_have_none(
    figures: Figures,
) -> None:
    assert 0 < figures["linear-tags", ALL, "rmse"].interval.value < 0.4
    assert ("popularity", ALL, "rmse") not in figures


def test_known_curators_are_not_recommended_again(split: Split, training: Training) -> None:
    from app.recommender.evaluation import _score

    model = Popularity()
    model.fit(training)

    top = _score(model, split, split.test, 20).recommended

    known = set(zip(split.train.artists.tolist(), split.train.curators.tolist(), strict=True))
    pairs = {
        (artist, curator)
        for artist, row in zip(top.artists.tolist(), top.curators.tolist(), strict=True)
        for curator in row
    }
    assert not known & pairs


def test_training_on_the_future_is_refused(simulation: Simulation, split: Split) -> None:
    leaky = replace(split, platform=simulation.platform)

    with pytest.raises(SetupError, match="from the time of the evaluation"):
        evaluate(Popularity(), leaky)


def test_a_model_of_tags_needs_a_catalogue(split: Split) -> None:
    with pytest.raises(SetupError, match="tag-cosine needs tag vectors"):
        TagCosine().fit(prepare_training(split.platform, None, TargetWeights()))


def test_the_nearest_rows_are_those_with_the_largest_cosines(training: Training) -> None:
    dense = training.matrix.toarray()[:60]
    expected = cosine_rows(dense, dense)
    np.fill_diagonal(expected, 0)

    found = nearest_rows(type(training.matrix)(dense), 5).toarray()

    assert (np.count_nonzero(found, axis=1) <= 5).all()
    np.testing.assert_allclose(
        np.sort(found, axis=1)[:, -5:], np.sort(expected, axis=1)[:, -5:], atol=1e-12
    )


def test_of_several_scores_of_a_pair_the_matrix_has_the_highest(simulation: Simulation) -> None:
    made = simulation.platform.interactions.take(np.array([0, 0, 0]))
    several = type(made)(**{**vars(made), "scores": np.array([0.25, 1.0, 0.0])})
    platform = simulation.platform.with_interactions(several)

    matrix = Training(platform, several.scores).matrix

    assert matrix.sum() == 1.0
