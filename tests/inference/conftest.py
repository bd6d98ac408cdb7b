"""Real music at the models' sample rate, and their feature extractors."""

from pathlib import Path

import numpy as np
import pytest

from app.audio.decoders.track_reader import TrackReader
from app.audio.limits import AudioLimits
from app.domain import Waveform
from app.front_ends import WindowSpec
from app.inference.tensorflow_features import TensorFlowFeatureExtractor
from app.store.manifest.manifest import Manifest, read_store
from app.store.storage.store import Store

RATE = 16_000
LIMITS = AudioLimits(RATE, min_duration_s=0.5, max_duration_s=600)


@pytest.fixture(scope="session")
def manifests(store: Path) -> dict[str, Manifest]:
    """The published models, by name."""
    return read_store(Store(store))


@pytest.fixture(scope="session")
def music(song: Path) -> Waveform:
    """The whole song."""
    with song.open("rb", buffering=0) as file:
        return Waveform(np.concatenate(list(TrackReader(file, LIMITS).samples())), RATE)


@pytest.fixture(scope="session")
def window_spec(manifests: dict[str, Manifest]) -> WindowSpec:
    """The windows of all published models."""
    return manifests["msd-musicnn"].window_spec


@pytest.fixture(scope="session")
def extractor(window_spec: WindowSpec) -> TensorFlowFeatureExtractor:
    """Makes the frames of all published models."""
    return TensorFlowFeatureExtractor(window_spec.front)
