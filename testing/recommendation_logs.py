"""Logs of known policies on a simulated platform, and what other rankings are truly worth."""

import numpy as np

from app.recommender.data import Floats, Interactions
from app.recommender.policies.ranking import RankingPolicy
from app.recommender.simulation.lists import draw_lists
from app.recommender.simulation.settings import END
from app.recommender.simulation.simulate import Simulation
from app.recommender.split import Split


def true_scores(simulation: Simulation) -> Floats:
    """The expected score of each pair, of any track of the artist, (artists, curators)."""
    expected = simulation.world.expected_scores(np.arange(len(simulation.platform.tracks.artists)))
    return np.stack([expected[rows].mean(axis=0) for rows in simulation.platform.tracks_by_artist])


def without_known(simulation: Simulation, scores: Floats) -> Floats:
    """-inf for curators that the artist contacted in a campaign."""
    made, masked = simulation.platform.interactions, scores.copy()
    masked[made.artists, made.curators] = -np.inf
    return masked


def log_lists(
    simulation: Simulation, scores: Floats, policy: RankingPolicy, lists: int, seed: int
) -> Split:
    """A list for each of the first artists, in the time after all campaigns."""
    random = np.random.RandomState(seed)
    shown = without_known(simulation, scores)[:lists]
    sent = draw_lists(simulation.world, np.arange(lists), shown, policy, random)
    return Split(simulation.platform, simulation.world.answer(sent, random), END)


def true_value(
    simulation: Simulation, log: Interactions, scores: Floats, policy: RankingPolicy
) -> float:
    """The expected score of a recommendation by these scores, for the tracks of a log."""
    sent, counts = np.unique(log.tracks, return_counts=True)
    artists = simulation.platform.tracks.artists[sent]
    chosen = policy.probabilities(without_known(simulation, scores)[artists])
    values = (chosen * simulation.world.expected_scores(sent)).sum(axis=1) / policy.k
    return float(np.average(values, weights=counts))
