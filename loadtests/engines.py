"""Engines built by hand, as the service builds them, and as it does not for comparison."""

from collections.abc import Iterator
from pathlib import Path

from app.domain import Backend, Precision
from app.errors import SetupError
from app.inference.engine import Engine
from app.inference.melgrams import Framing, Melgrams
from app.inference.openvino_engine import OpenVINOEngine
from app.inference.selection import Wish, choose
from app.inference.tensorflow_engine import TensorFlowEngine
from app.inference.tensorflow_melgrams import TensorFlowMelgrams
from app.settings import Settings
from app.store.loading import TrackModel, assemble
from app.store.manifest import Manifest, read_store
from app.store.weights import read_weights

STORE: Path = Settings().model_store
MODEL = "msd-musicnn"


def manifest_of(name: str = MODEL) -> Manifest:
    """What is said about a published model."""
    return read_store(STORE)[name]


def melgrams_of(manifest: Manifest) -> TensorFlowMelgrams:
    """What makes a model's windows."""
    return TensorFlowMelgrams(Framing(manifest.front, manifest.window_frames, manifest.hop_frames))


def best(manifest: Manifest, melgrams: Melgrams) -> Engine:
    """The engine that the service chooses on this machine."""
    return choose(STORE, manifest, melgrams, Wish("auto", "auto"))


def served(manifest: Manifest, melgrams: Melgrams) -> Iterator[Engine]:
    """All engines that the service could choose, those left out that this machine has not."""
    for backend in Backend:
        for precision in Precision:
            try:
                yield choose(STORE, manifest, melgrams, Wish(backend, precision))
            except SetupError:
                continue


def as_published(manifest: Manifest, melgrams: Melgrams) -> dict[str, Engine]:
    """Engines that compute the whole network, its constant filters too."""
    return {
        "openvino float32": OpenVINOEngine(
            _whole(manifest, Precision.FLOAT32), Precision.FLOAT32, melgrams
        ),
        "openvino bf16": OpenVINOEngine(
            _whole(manifest, Precision.FLOAT32), Precision.BF16, melgrams
        ),
        "tensorflow float32": TensorFlowEngine(
            _whole(manifest, Precision.FLOAT32), Precision.FLOAT32, melgrams
        ),
        "tensorflow bf16": TensorFlowEngine(
            _whole(manifest, Precision.BF16), Precision.BF16, melgrams
        ),
    }


def _whole(manifest: Manifest, precision: Precision) -> TrackModel:
    arguments = manifest.architecture.arguments
    return assemble(manifest, arguments, read_weights(STORE, manifest), precision)
