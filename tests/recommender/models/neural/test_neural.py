"""The neural model: content for what is new, the same result after a kill, and what it finds."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.errors import SetupError
from app.recommender.evaluation import ALL, COLD_ARTISTS, difference, evaluate
from app.recommender.models.base import Recommender, Training, TrainsInEpochs, prepare_training
from app.recommender.models.linear import Linear
from app.recommender.simulation.settings import Settings
from app.recommender.split import Split, split_by_time
from app.recommender.target import TargetWeights
from tests.recommender.conftest import simulated

pytest.importorskip("keras_rs", reason="the extra `recommender` is not installed")

from app.recommender.models.neural import training as epochs
from app.recommender.models.neural.model import Neural


@pytest.fixture(scope="module")
def few_epochs() -> pytest.MonkeyPatch:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(epochs, "EPOCHS", 3)
        yield patch


@pytest.fixture(scope="module")
def trained(
    training: Training, few_epochs: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Neural:
    model = Neural(has_tags=True)
    model.checkpoints = tmp_path_factory.mktemp("trained")
    model.fit(training)
    return model


class KilledError(Exception):
    """Stands for the end of the process."""


def test_scores_have_a_row_for_each_artist_and_a_column_for_each_curator(
    trained: Neural, monkeypatch: pytest.MonkeyPatch
) -> None:
    artists, curators = np.array([5, 0, 7]), np.array([9, 2])
    whole = trained.score(np.arange(20), np.arange(20))

    monkeypatch.setattr("app.recommender.models.neural.model.PAIRS", 4)
    scores = trained.score(artists, curators)

    np.testing.assert_allclose(scores, whole[np.ix_(artists, curators)], atol=1e-4)
    assert isinstance(trained, TrainsInEpochs)


def test_a_new_artist_is_rated_by_its_content_only(
    trained: Neural, training: Training, split: Split
) -> None:
    """Two new artists with the same content are rated alike, other content is rated otherwise."""
    cold = np.flatnonzero(split.cold_artists)
    tables = trained._tables
    artists = trained._artists.take(cold)

    ids = tables.artists(artists, np.zeros((len(cold), tables.sizes.tags)))["id"]

    assert len(cold) > 0
    assert (ids == 0).all()
    ratings = trained.score(cold[:2], np.arange(100))
    assert np.isfinite(ratings).all()
    assert np.abs(ratings[0] - ratings[1]).max() > 1e-3


def test_retrieved_curators_have_the_best_vectors(trained: Neural) -> None:
    every = len(trained._curators)

    few, most = trained.retrieve(np.arange(10), 5), trained.retrieve(np.arange(10), every)

    assert few.shape == (10, 5)
    assert all(set(some) <= set(others) for some, others in zip(few, most, strict=True))
    assert (np.sort(most, axis=1) == np.arange(every)).all()


@pytest.fixture(scope="module")
def killed(
    training: Training, few_epochs: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The checkpoints of a training that was killed after an epoch."""

    def kill(epoch: int, loss: float) -> None:
        raise KilledError

    model = Neural(has_tags=True)
    model.checkpoints, model.on_epoch = tmp_path_factory.mktemp("killed"), kill
    with pytest.raises(KilledError):
        model.fit(training)
    return model.checkpoints


@pytest.mark.thorough
def test_a_killed_training_goes_on_with_the_same_result(
    training: Training, trained: Neural, killed: Path, tmp_path: Path
) -> None:
    seen = []
    resumed = Neural(has_tags=True)
    resumed.checkpoints = Path(shutil.copytree(killed, tmp_path / "copy"))
    resumed.on_epoch = lambda epoch, loss: seen.append(epoch)
    resumed.fit(training)

    assert seen == [2, 3]
    np.testing.assert_allclose(
        resumed.score(np.arange(20), np.arange(50)),
        trained.score(np.arange(20), np.arange(50)),
        atol=1e-3,
    )


def test_a_damaged_checkpoint_is_named(training: Training, trained: Neural, tmp_path: Path) -> None:
    model = Neural(has_tags=True)
    assert trained.checkpoints
    model.checkpoints = Path(shutil.copytree(trained.checkpoints, tmp_path / "copy"))
    (path,) = model.checkpoints.iterdir()
    path.write_bytes(path.read_bytes()[:1000])

    with pytest.raises(SetupError, match=f"{path.name}.*remove it to start again"):
        model.fit(training)


def test_too_few_interactions_are_refused(training: Training) -> None:
    made = training.platform.interactions.take(np.arange(10))
    few = Training(training.platform.with_interactions(made), made.scores)

    with pytest.raises(SetupError, match="at least 50 interactions"):
        Neural(has_tags=False).fit(few)


def test_interactions_without_a_difference_are_refused(training: Training) -> None:
    alike = replace(training, target=np.ones(len(training.target)))

    with pytest.raises(SetupError, match="needs accepted and declined tracks"):
        Neural(has_tags=False).fit(alike)


def test_tag_vectors_are_needed_where_they_are_inputs(training: Training) -> None:
    with pytest.raises(SetupError, match="neural-tags needs tag vectors"):
        Neural(has_tags=True).fit(replace(training, tastes=None))


@pytest.mark.thorough
def test_it_finds_what_is_planted() -> None:
    """It is no worse than the linear model, and tag vectors help, also new artists."""
    made = simulated(Settings(artists=2500, curators=120, sparsity=0.92, seed=3))
    split = split_by_time(made.platform)
    training = prepare_training(split.platform, made.vectors, TargetWeights())
    models: list[Recommender] = [
        Neural(has_tags=True),
        Neural(has_tags=False),
        Linear(has_tags=True),
    ]
    figures = {}
    for model in models:
        model.fit(training)
        figures |= {
            (model.name, each.slice): each
            for each in evaluate(model, split, (10,))
            if each.metric == "auc_sent"
        }

    for part in (ALL, COLD_ARTISTS):
        gain = difference(figures["neural-tags", part], figures["neural", part])
        assert gain.low is not None
        assert gain.low > 0
    loss = difference(figures["neural-tags", ALL], figures["linear-tags", ALL])
    assert loss.high is not None
    assert loss.high > 0
