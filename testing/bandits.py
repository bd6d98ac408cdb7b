"""A bandit whose prior is wrong, and a greedy ranking to compare it with."""

import numpy as np

from app.recommender.data import Floats, Indices
from app.recommender.policies.bandit import PRIOR_SPREAD, ThompsonSampling
from app.recommender.simulation.simulate import Simulation

K = 3
"""The length of a list."""


def one_hot(simulation: Simulation) -> Floats:
    """Features that name the curator, (artists, curators, curators)."""
    artists, curators = (
        len(each.ids) for each in (simulation.platform.artists, simulation.platform.curators)
    )
    return np.broadcast_to(np.eye(curators), (artists, curators, curators))


def curator_values(simulation: Simulation) -> Floats:
    """The expected score of each curator with any track, (curators,)."""
    tracks = np.arange(len(simulation.platform.tracks.artists))
    values: Floats = simulation.world.expected_scores(tracks).mean(axis=0)
    return values


def misled(values: Floats) -> ThompsonSampling:
    """A bandit that takes the best curators for the worst."""
    count, middle = len(values), float(values.mean())
    precision = np.eye(count) / PRIOR_SPREAD**2
    return ThompsonSampling(np.zeros(count), np.ones(count), middle, middle - values, precision)


def explore(
    bandit: ThompsonSampling, features: Floats, random: np.random.RandomState
) -> tuple[Indices, Floats]:
    """The list of the bandit."""
    return bandit.rerank(features, random, K)


def exploit(
    bandit: ThompsonSampling, features: Floats, _: np.random.RandomState
) -> tuple[Indices, Floats]:
    """The curators that are best by what is known."""
    return np.argsort(-(features @ bandit.mean), kind="stable")[:K], np.ones(K)
