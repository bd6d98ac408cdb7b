"""The published models, each loaded once: as they serve, and as they were published."""

from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from app.audio.limits import AudioLimits
from app.domain import Windows
from app.models import network
from app.models.folding import Weights
from app.models.front_end import track_frames
from app.store.loading import TrackModel, load
from app.store.manifest import read_store
from app.store.store import Store
from app.store.weights import read_weights
from testing.sounds import decoded

MODELS = ("msd-musicnn", "msd-vgg", "mtt-musicnn", "mtt-vgg")


@pytest.fixture(scope="session")
def published(store: Path) -> dict[str, TrackModel]:
    """Every model of the store, by its name."""
    models = Store(store)
    return {name: load(models, manifest) for name, manifest in read_store(models).items()}


@pytest.fixture(scope="session")
def unfolded(store: Path) -> dict[str, keras.Model]:
    """Their networks with every filter that was published."""
    networks, models = {}, Store(store)
    for name, manifest in read_store(models).items():
        networks[name] = network(
            manifest.architecture.name,
            len(manifest.tags.names),
            manifest.framing,
            manifest.architecture.arguments,
        )
        fill(networks[name], read_weights(models, manifest))
    return networks


@pytest.fixture(scope="session")
def music_windows(song: Path, published: Mapping[str, TrackModel]) -> Windows:
    """Half a minute of the song, as the networks hear it."""
    manifest = published["msd-musicnn"].manifest
    samples = decoded(song, AudioLimits(16_000, 0.5, 600.0))[60 * 16_000 : 90 * 16_000]
    framing = manifest.framing
    logs = track_frames(framing.front)(samples[np.newaxis])[0]
    return np.asarray(tf.signal.frame(logs, framing.window_frames, framing.hop_frames, axis=0))


def fill(network: keras.Model, weights: Weights) -> None:
    """Set every variable by its path."""
    assert {variable.path for variable in network.weights} == set(weights)
    for variable in network.weights:
        variable.assign(weights[variable.path])
