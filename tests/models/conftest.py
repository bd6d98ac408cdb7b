"""The published models, each loaded once."""

from pathlib import Path

import pytest

from app.store.loading import TrackModel, load
from app.store.manifest import read_store

MODELS = ("msd-musicnn", "msd-vgg", "mtt-musicnn", "mtt-vgg")


@pytest.fixture(scope="session")
def published(store: Path) -> dict[str, TrackModel]:
    """Every model of the store, by its name."""
    return {name: load(store, manifest) for name, manifest in read_store(store).items()}
