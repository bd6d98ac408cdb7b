"""A simulated platform has what was planted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.catalogue.storage import Folder
from app.recommender.data import AGREED, FEEDBACK, UNKNOWN, Platform
from app.recommender.simulation.settings import END, Answer, Choice, Statement
from app.recommender.simulation.simulate import Simulation, write_simulation
from app.recommender.tables.reading import read_platform
from app.recommender.tag_vectors import choose_model, read_raw
from tests.recommender.conftest import SMALL, simulated


def accepted_by(simulation: Simulation, answer: Answer) -> float:
    """Return the acceptance rate of the curators of a kind."""
    made = simulation.platform.interactions
    is_of_kind = np.array([each is answer for each in simulation.world.curators.answers])
    return float(made.accepted[is_of_kind[made.curators]].mean())


def test_the_number_of_interactions_is_that_of_the_sparsity(simulation: Simulation) -> None:
    platform = simulation.platform

    assert len(platform.interactions) == pytest.approx(SMALL.interactions, rel=0.02)
    assert platform.sparsity == pytest.approx(SMALL.sparsity, abs=0.002)
    assert len(platform.artists.ids) == SMALL.artists
    assert min(map(len, platform.tracks_by_artist)) >= 1


def test_curators_accept_what_they_like_and_as_often_as_their_kind(simulation: Simulation) -> None:
    made, world = simulation.platform.interactions, simulation.world
    expected = world.acceptance(made.tracks)[np.arange(len(made)), made.curators]

    assert made.accepted.mean() == pytest.approx(expected.mean(), abs=0.03)
    assert expected[made.accepted].mean() > 2 * expected[~made.accepted].mean()
    rates = [accepted_by(simulation, each) for each in Answer]
    assert rates[1] < rates[0] < rates[2]
    assert np.nanmean(made.ratings[made.accepted]) > np.nanmean(made.ratings[~made.accepted])
    assert np.isnan(made.ratings[made.scores < FEEDBACK]).all()
    assert not made.in_contact[made.scores < AGREED].any()


def test_self_chosen_subgenres_are_noisy_in_the_ways_of_the_thesis(simulation: Simulation) -> None:
    true, chosen = simulation.world.artists.subgenres, simulation.platform.artists.subgenres
    kinds = np.array(simulation.world.artists.choices)
    right = (true * chosen).sum(axis=1)
    counts = chosen.sum(axis=1)

    assert (true == chosen)[kinds == Choice.ACCURATE].all()
    assert not right[kinds == Choice.SUBJECTIVE].any()
    assert (counts[kinds == Choice.TOO_MANY] >= 9).all()
    assert (counts[kinds == Choice.TOO_FEW] <= 1).all()


def test_some_curators_say_that_they_like_all(simulation: Simulation) -> None:
    curators = simulation.platform.curators
    likes_all = curators.liked.all(axis=1)

    assert likes_all.tolist() == [
        each is Statement.LIKES_ALL for each in simulation.world.curators.statements
    ]
    assert not (curators.liked * curators.disliked).any()


def test_a_few_curators_get_most_tracks(simulation: Simulation) -> None:
    made = simulation.platform.interactions
    uniform = simulated(replace(SMALL, popularity=0.0)).platform.interactions

    def top_share(curators: np.ndarray) -> float:
        counts = np.sort(np.bincount(curators, minlength=SMALL.curators))[::-1]
        return float(counts[: SMALL.curators // 10].sum() / counts.sum())

    assert top_share(made.curators) > 1.5 * top_share(uniform.curators)


def test_lists_are_logged_with_positions_and_propensities_and_campaigns_are_not(
    simulation: Simulation,
) -> None:
    platform = simulated(replace(SMALL, lists=200)).platform
    before, after = simulation.platform.interactions, platform.interactions
    is_list = after.at > END

    assert np.array_equal(after.curators[~is_list], before.curators)
    assert (after.positions[~is_list] == UNKNOWN).all()
    assert np.isnan(after.propensities[~is_list]).all()
    logged = after.take(is_list)
    assert len(logged) == 200 * 10
    assert sorted(set(logged.positions)) == list(range(1, 11))
    assert ((logged.propensities > 0) & (logged.propensities < 1)).all()
    keys = after.artists * SMALL.curators + after.curators
    assert not np.isin(keys[is_list], keys[~is_list]).any()  # no curator is contacted twice


def test_nothing_is_before_its_artist_joined(simulation: Simulation) -> None:
    made: Platform = simulation.platform
    joined = made.artists.joined[made.interactions.artists]

    assert (made.interactions.at >= joined).all()
    assert (np.diff(made.interactions.at) >= np.timedelta64(0)).all()


def test_a_seed_gives_the_same_platform(simulation: Simulation) -> None:
    again, other = simulated(SMALL), simulated(replace(SMALL, seed=2))

    assert np.array_equal(again.platform.interactions.at, simulation.platform.interactions.at)
    assert np.array_equal(again.vectors.scores, simulation.vectors.scores)
    assert other.platform.interactions.curators[0] != again.platform.interactions.curators[0]


def test_what_is_written_is_read_with_the_tag_vectors_of_its_catalogue(
    simulation: Simulation, tmp_path: Path
) -> None:
    write_simulation(tmp_path, simulation)

    platform, _ = read_platform(str(tmp_path / "tables"), simulation.platform.subgenres)
    catalogue = Folder(tmp_path / "catalogue")
    vectors = read_raw(catalogue, choose_model(catalogue, None))

    rows = vectors.rows_of(platform.tracks)
    assert np.array_equal(vectors.scores[rows], simulation.vectors.scores)
    assert vectors.tags == simulation.vectors.tags
    assert (tmp_path / "truth" / "artists.csv").read_text().startswith("artist_id,choice,subgenres")
