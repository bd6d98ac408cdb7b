"""The small platform, split by time, and what models are trained on."""

import pytest

from app.recommender.models.base import Training, prepare_training
from app.recommender.simulation.simulate import Simulation
from app.recommender.split import Split, split_by_time
from app.recommender.target import TargetWeights


@pytest.fixture(scope="module")
def split(simulation: Simulation) -> Split:
    return split_by_time(simulation.platform)


@pytest.fixture(scope="module")
def training(simulation: Simulation, split: Split) -> Training:
    return prepare_training(split.platform, simulation.vectors, TargetWeights())
