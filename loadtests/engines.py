"""Engines built by hand, as the service builds them, and as it does not for comparison."""

from collections.abc import Iterator

from app.domain import Backend, Precision
from app.errors import SetupError
from app.inference.engine import Engine
from app.inference.features import FeatureExtractor
from app.inference.openvino_engine import OpenVINOEngine
from app.inference.selection import EnginePreference, choose
from app.inference.tensorflow_engine import TensorFlowEngine
from app.inference.tensorflow_features import TensorFlowFeatureExtractor
from app.settings import Settings
from app.store.manifest.manifest import Manifest, read_store
from app.store.registry.loading import TrackModel, assemble
from app.store.registry.weights import read_weights
from app.store.storage.store import Store

STORE = Store(Settings().model_store)
MODEL = "msd-musicnn"


def manifest_of(name: str = MODEL) -> Manifest:
    """The figures of a published model."""
    return read_store(STORE)[name]


def extractor_of(manifest: Manifest) -> TensorFlowFeatureExtractor:
    """What makes a model's frames."""
    return TensorFlowFeatureExtractor(manifest.front_end)


def best(manifest: Manifest, extractor: FeatureExtractor) -> Engine:
    """The engine that the service chooses on this machine."""
    return choose(STORE, manifest, extractor, EnginePreference("auto", "auto"))


def served(manifest: Manifest, extractor: FeatureExtractor) -> Iterator[Engine]:
    """All engines that the service could choose, those left out that this machine has not."""
    for backend in Backend:
        for precision in Precision:
            try:
                preference = EnginePreference(backend, precision)  # type: ignore[arg-type]
                yield choose(STORE, manifest, extractor, preference)
            except SetupError:
                continue


def as_published(manifest: Manifest, extractor: FeatureExtractor) -> dict[str, Engine]:
    """Engines that compute the whole network, its constant filters too."""
    return {
        "openvino float32": OpenVINOEngine(
            whole(manifest, Precision.FLOAT32), Precision.FLOAT32, extractor
        ),
        "openvino bf16": OpenVINOEngine(
            whole(manifest, Precision.FLOAT32), Precision.BF16, extractor
        ),
        "tensorflow float32": TensorFlowEngine(
            whole(manifest, Precision.FLOAT32), Precision.FLOAT32, extractor
        ),
        "tensorflow bf16": TensorFlowEngine(
            whole(manifest, Precision.BF16), Precision.BF16, extractor
        ),
    }


def whole(manifest: Manifest, precision: Precision) -> TrackModel:
    """A model as it was published, with its constant filters."""
    arguments = manifest.architecture.arguments
    return assemble(manifest, arguments, read_weights(STORE, manifest), precision)
