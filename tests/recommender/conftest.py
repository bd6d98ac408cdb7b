"""A small simulated platform, which many tests read and none changes."""

import numpy as np
import pytest

from app.recommender.simulation.settings import Settings
from app.recommender.simulation.simulate import Simulation, simulate
from app.recommender.simulation.songs import make_songs
from app.tagging.vocabulary_file import read_vocabularies

SMALL = Settings(artists=600, curators=150, sparsity=0.95, seed=1)


def simulated(settings: Settings) -> Simulation:
    """Simulate a platform of made songs."""
    random = np.random.RandomState(settings.seed)
    vocabularies = read_vocabularies((), {})
    songs = make_songs(vocabularies["subgenres"], vocabularies["moodthemes"], random)
    return simulate(songs, settings, random)


@pytest.fixture(scope="session")
def simulation() -> Simulation:
    return simulated(SMALL)
