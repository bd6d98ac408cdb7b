"""The published models, each loaded when a test asks for it: as they serve, as published."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from app.audio.limits import AudioLimits
from app.domain import Frames, Samples, Windows
from app.front_ends import FrontEnd
from app.models import network
from app.models.folding import Weights
from app.models.front_end import track_frames
from app.store.manifest.manifest import Manifest, read_store
from app.store.registry.loading import TrackModel, load
from app.store.registry.weights import read_weights
from app.store.storage.store import Store
from testing.sounds import decoded

TOLERANCE = 5e-5
"""Between two ways to compute a score in float32, on whichever machine."""

Published = Callable[[str], TrackModel]
Unfolded = Callable[[str], keras.Model]


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Gives new networks the same weights in every run, in whichever order the tests run."""
    keras.utils.set_random_seed(1)


@pytest.fixture(scope="session")
def manifests(store: Path) -> dict[str, Manifest]:
    """What is published."""
    return read_store(Store(store))


@pytest.fixture(scope="session")
def published(store: Path, manifests: Mapping[str, Manifest]) -> Published:
    """Loads a published model, once."""
    return cache(lambda name: load(Store(store), manifests[name]))


@pytest.fixture(scope="session")
def unfolded(store: Path, manifests: Mapping[str, Manifest]) -> Unfolded:
    """Builds its network with every filter that was published, once."""

    @cache
    def build(name: str) -> keras.Model:
        manifest = manifests[name]
        architecture, n_tags = manifest.architecture, len(manifest.tags.names)
        built = network(architecture.name, n_tags, manifest.window_spec, architecture.arguments)
        fill(built, read_weights(Store(store), manifest))
        return built

    return build


@pytest.fixture(scope="session")
def music_windows(clip: Path, manifests: Mapping[str, Manifest]) -> Windows:
    """Twelve seconds of a song, at the sample rate of the networks."""
    manifest = manifests["msd-musicnn"]
    samples = decoded(clip, AudioLimits(16_000, 0.5, 600.0))
    window_spec = manifest.window_spec
    logs = track_frames(window_spec.front)(samples[np.newaxis])[0]
    return np.asarray(
        tf.signal.frame(logs, window_spec.window_frames, window_spec.hop_frames, axis=0)
    )


def fill(network: keras.Model, weights: Weights) -> None:
    """Set every variable by its path."""
    assert {variable.path for variable in network.weights} == set(weights)
    for variable in network.weights:
        variable.assign(weights[variable.path])


def tones_and_noise(rate: int = 16_000) -> Samples:
    """Three seconds, (samples,)."""
    random = np.random.RandomState(5)
    time = np.arange(3 * rate) / rate
    tones = sum(np.sin(2 * np.pi * hertz * time) for hertz in (55.0, 440.0, 1234.5, 7000.0))
    return (0.2 * tones + 0.05 * random.standard_normal(len(time))).astype(np.float32)


def frames_of(front: FrontEnd, waveform: Samples) -> Frames:
    """The frames of a waveform by kapre's layers, (frames, ...)."""
    return np.asarray(track_frames(front)(waveform[np.newaxis]))[0]
