"""Compute embeddings: the output of a published network before its last layer.

They are cached by the SHA-256 of the file and of everything in the manifest that scores depend on.
"""

from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from app.datasets.audio.cropping import FULL_SCALE
from app.domain import Precision, Waveform
from app.errors import SetupError
from app.evaluation.scoring import hash_manifest
from app.evaluation.window_files import has_windows, read_windows, write_windows
from app.inference.tensorflow_engine import TensorFlowEngine
from app.inference.tensorflow_features import TensorFlowFeatureExtractor
from app.store.manifest.manifest import manifests
from app.store.registry.aliases import resolve
from app.store.registry.loading import TrackModel, load_folded
from app.store.registry.weights import read_weights
from app.store.storage.store import Store

Embeddings = npt.NDArray[np.float32]
"""(windows, dimensions)."""


class Encoder:
    """A published network without its last layer.

    Attributes:
        manifest: The model's manifest.
        weights: The model's weights, by path.
    """

    def __init__(self, models: Store, wanted: str, cache: Path) -> None:
        """Load the model, which takes seconds.

        Args:
            models: The store.
            wanted: `name`, `name/version` or `name/alias`.
            cache: The folder of cached embeddings.

        Raises:
            SetupError: The model does not exist, does not match its manifest, or its last layer
                can't be removed.
        """
        self.manifest = resolve(models, manifests(models), wanted)
        self.weights = read_weights(models, self.manifest)
        headless = _headless(load_folded(self.manifest, self.weights))
        extractor = TensorFlowFeatureExtractor(self.manifest.front_end)
        self._engine = TensorFlowEngine(headless, Precision.FLOAT32, extractor)
        self._folder = cache / "embeddings" / hash_manifest(self.manifest)
        self._dimensions = headless.network.output_shape[-1]

    def cached(self, digest: str) -> Embeddings | None:
        """Return cached embeddings, (windows, dimensions), or None if there are no valid ones."""
        return read_windows(self._path(digest), self._dimensions)

    def has(self, digest: str) -> bool:
        """Return whether a file's embeddings are cached; only reads their header and length."""
        return has_windows(self._path(digest), self._dimensions)

    def embed(self, samples: npt.NDArray[np.int16], digest: str) -> Embeddings:
        """Compute the embeddings of a track, (samples,), and cache them by its file's SHA-256.

        Returns:
            (windows, dimensions) float32.

        Raises:
            SetupError: An embedding is not finite, or they can't be written.
        """
        waveform = Waveform(
            samples.astype(np.float32) / np.float32(FULL_SCALE), self.manifest.front_end.sample_rate
        )
        windows = self._engine.scores(waveform)
        if not np.isfinite(windows).all():
            raise SetupError(f"{self.manifest.ref}: an embedding of {digest} is not finite")
        write_windows(self._path(digest), windows)
        return windows

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest}.npy"


def _headless(model: TrackModel) -> TrackModel:
    try:
        embedding = model.network.get_layer("tags").input
    except ValueError:
        raise SetupError(
            f"{model.manifest.ref}: its architecture {model.manifest.architecture.name} has no "
            "last layer for tags to replace; choose a model of a single network"
        ) from None
    return TrackModel(model.manifest, keras.Model(model.network.input, embedding, name="encoder"))
