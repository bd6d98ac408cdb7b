"""Real music at the models' rate, and what makes their windows."""

from pathlib import Path

import numpy as np
import pytest

from app.audio.decoding import decode
from app.audio.limits import AudioLimits
from app.audio.scratch import scratch_for
from app.domain import Waveform
from app.inference.melgrams import Framing
from app.inference.tensorflow_melgrams import TensorFlowMelgrams
from app.store.manifest import Manifest, read_store

RATE = 16_000
LIMITS = AudioLimits(RATE, min_duration_s=0.5, max_duration_s=600)


@pytest.fixture(scope="session")
def manifests(store: Path) -> dict[str, Manifest]:
    """The published models, by name."""
    return read_store(store)


@pytest.fixture(scope="session")
def music(song: Path) -> Waveform:
    """The whole song."""
    with song.open("rb", buffering=0) as file, scratch_for(file.fileno()) as scratch:
        return Waveform(np.concatenate(list(decode(file, LIMITS, scratch))), RATE)


@pytest.fixture(scope="session")
def framing(manifests: dict[str, Manifest]) -> Framing:
    """How all published models hear."""
    manifest = manifests["msd-musicnn"]
    return Framing(manifest.front, manifest.window_frames, manifest.hop_frames)


@pytest.fixture(scope="session")
def melgrams(framing: Framing) -> TensorFlowMelgrams:
    """Makes the windows of all published models."""
    return TensorFlowMelgrams(framing)
