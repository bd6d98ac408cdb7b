"""The target of training, term by term."""

from dataclasses import replace

import numpy as np
import pytest

from app.recommender.simulation.settings import Answer, Statement
from app.recommender.simulation.simulate import Simulation
from app.recommender.target import (
    TargetWeights,
    acceptance_rates,
    likes_all_penalty,
    make_target,
    match_of_others,
)
from tests.recommender.small import small_platform


def shifts(simulation: Simulation, weights: TargetWeights) -> np.ndarray:
    made = simulation.platform.interactions
    directions = simulation.world.tracks.directions[made.tracks]
    return make_target(simulation.platform, weights, directions) - made.scores


def test_without_weights_the_target_is_what_happened(simulation: Simulation) -> None:
    target = make_target(simulation.platform, TargetWeights())

    assert target.tolist() == simulation.platform.interactions.scores.tolist()


def test_each_term_adds_its_own_shift_and_weights_scale_it(simulation: Simulation) -> None:
    names = ("likes_all", "selectiveness", "subgenres", "tags")
    alone = {name: shifts(simulation, TargetWeights(**{name: 1.0})) for name in names}

    whole = shifts(simulation, TargetWeights(1, 1, 1, 1))
    half = shifts(simulation, TargetWeights(tags=0.5))

    np.testing.assert_allclose(whole, sum(alone.values()), atol=1e-12)
    np.testing.assert_allclose(half, alone["tags"] / 2, atol=1e-12)
    assert all(np.abs(shift).max() > 0 for shift in alone.values())


def test_curators_who_like_all_are_penalised_and_others_are_not(simulation: Simulation) -> None:
    shift = shifts(simulation, TargetWeights(likes_all=1))
    statements = np.array(simulation.world.curators.statements)
    likes_all = statements[simulation.platform.interactions.curators] == Statement.LIKES_ALL

    assert (shift[likes_all] == -1).all()
    assert (shift[~likes_all] == 0).all()


@pytest.mark.parametrize(("liked", "penalty"), [(0, 0), (8, 0), (9, 0.5), (10, 1)])
def test_the_penalty_grows_from_nearly_all_to_all(liked: int, penalty: float) -> None:
    row = (np.arange(10) < liked).astype(np.float32)[np.newaxis]

    assert likes_all_penalty(row)[0] == pytest.approx(penalty, abs=1e-6)


def test_selective_curators_get_a_bonus_and_those_who_accept_all_a_penalty(
    simulation: Simulation,
) -> None:
    shift = shifts(simulation, TargetWeights(selectiveness=1))
    answers = np.array(simulation.world.curators.answers)[simulation.platform.interactions.curators]

    assert shift[answers == Answer.SELECTIVE].mean() > 0.01
    assert shift[answers == Answer.ACCEPTS_ALL].mean() < -0.2


def test_rates_of_few_answers_are_shrunk_to_the_mean(simulation: Simulation) -> None:
    made = simulation.platform.interactions
    first = made.take(np.flatnonzero(made.accepted)[:1])
    both = made.take(np.sort(np.append(np.flatnonzero(made.accepted)[:1], [0, 1, 2, 3, 4])))

    rates = acceptance_rates(both, 150)

    assert rates[first.curators[0]] < 0.5  # although all that is known of it was accepted
    unknown = np.setdiff1d(np.arange(150), both.curators)
    np.testing.assert_allclose(rates[unknown], both.accepted.mean())
    many = acceptance_rates(made, 150, prior=0.0)
    plain = [made.accepted[made.curators == curator].mean() for curator in range(5)]
    np.testing.assert_allclose(many[:5], plain)


def test_the_match_of_subgenres_is_that_of_equation_2_4() -> None:
    platform, weights = small_platform, TargetWeights(subgenres=1)

    assert make_target(platform([1, 0], [1, 0], [0, 1]), weights)[0] == pytest.approx(1.5)
    assert make_target(platform([1, 0], [0, 1], [1, 0]), weights)[0] == pytest.approx(-0.5)
    assert make_target(platform([1, 1], [1, 0], [0, 0]), weights)[0] == pytest.approx(
        0.5 + np.sqrt(0.5)
    )
    assert make_target(platform([0, 0], [1, 1], [0, 0]), weights)[0] == pytest.approx(0.5)


def test_tag_vectors_match_the_planted_tastes(simulation: Simulation) -> None:
    shift = shifts(simulation, TargetWeights(tags=1))
    made, world = simulation.platform.interactions, simulation.world
    affinity = np.einsum(
        "it,it->i", world.tracks.directions[made.tracks], world.curators.tastes[made.curators]
    )

    assert np.corrcoef(shift, affinity)[0, 1] > 0.15


def test_an_interaction_is_compared_with_the_others_only() -> None:
    directions = np.array([[1.0, 0], [0, 1.0], [1.0, 0]])
    curators, chosen = np.array([0, 0, 1]), np.array([True, True, True])

    assert match_of_others(curators, chosen, directions, 2).tolist() == [0, 0, 0]
    same = match_of_others(np.array([0, 0, 0]), chosen, directions, 2)
    np.testing.assert_allclose(same, [np.sqrt(0.5), 0, np.sqrt(0.5)])
    not_chosen = match_of_others(np.zeros(3, int), np.array([True, False, True]), directions, 1)
    np.testing.assert_allclose(not_chosen, [1, 0, 1], atol=1e-12)


def test_scores_do_not_leak_through_the_match(simulation: Simulation) -> None:
    """With random music the match knows nothing of the score."""
    made = simulation.platform.interactions
    random = np.random.RandomState(0)
    directions = random.normal(size=(len(made), 40))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    shuffled = replace(made, scores=random.permutation(made.scores))

    target = make_target(
        simulation.platform.with_interactions(shuffled), TargetWeights(tags=1), directions
    )

    assert abs(np.corrcoef(target - shuffled.scores, shuffled.scores)[0, 1]) < 0.1
