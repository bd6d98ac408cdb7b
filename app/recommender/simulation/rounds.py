"""Simulates rounds of recommendations by a bandit, which is updated by the answers of each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from app.recommender.data import Floats, Indices, Interactions
from app.recommender.policies.bandit import ThompsonSampling
from app.recommender.simulation.lists import send_list
from app.recommender.simulation.world import World

Choose = Callable[[ThompsonSampling, Floats, np.random.RandomState], tuple[Indices, Floats]]
"""Returns the rows of the curators to recommend, and their propensities, given their features."""


@dataclass(frozen=True, eq=False)
class Round:
    """A round of lists.

    Attributes:
        log: What happened.
        value: The expected score of a recommendation.
    """

    log: Interactions
    value: float


def run_rounds(
    world: World,
    bandit: ThompsonSampling,
    features: Floats,
    choose: Choose,
    random: np.random.RandomState,
    *,
    lists: int,
) -> Iterator[Round]:
    """Yield rounds without end; in each, some artists get a list, then the bandit is updated.

    Args:
        world: What is true.
        bandit: The bandit before the first round.
        features: The features of all pairs, (artists, curators, features).
        choose: Makes a list, by the state of the bandit.
        random: The source of random numbers.
        lists: The number of artists of a round.
    """
    while True:
        artists = random.randint(len(features), size=lists)
        sent = [
            send_list(world, int(artist), *choose(bandit, features[artist], random), random)
            for artist in artists
        ]
        log = world.answer(sent, random)
        expected = world.expected_scores(log.tracks)
        yield Round(log, float(expected[np.arange(len(log)), log.curators].mean()))
        bandit = bandit.update(features[log.artists, log.curators], log.scores)
