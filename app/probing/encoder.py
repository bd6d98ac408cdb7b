"""Compute embeddings: the output of a published network before its last layer.

They are cached by the SHA-256 of the file and of everything in the manifest that scores depend on.
"""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from app.datasets.audio.cropping import FULL_SCALE
from app.domain import Precision, Times, Waveform
from app.errors import SetupError
from app.evaluation.scoring import PREFERENCE, hash_manifest
from app.evaluation.window_files import has_windows, read_windows, write_windows
from app.inference.engine import Engine
from app.inference.stacked_engine import choose_whole
from app.inference.tensorflow_engine import TensorFlowEngine
from app.inference.tensorflow_features import TensorFlowFeatureExtractor
from app.store.manifest.manifest import Manifest, manifests
from app.store.registry.aliases import resolve
from app.store.registry.loading import TrackModel, find_embedding, load
from app.store.storage.store import Store

Embeddings = npt.NDArray[np.float32]
"""(windows, dimensions)."""


@dataclass(frozen=True, eq=False)
class EmbeddedTrack:
    """The embeddings of a track.

    Attributes:
        starts_s: The start of each window, (windows,), in seconds.
        windows: (windows, dimensions).
    """

    starts_s: Times
    windows: Embeddings


class Encoder:
    """A published network without its last layer, or an imported one with an embedding.

    Attributes:
        manifest: The model's manifest.
    """

    def __init__(self, models: Store, wanted: str, cache: Path) -> None:
        """Load the model, which takes seconds.

        Args:
            models: The store.
            wanted: `name`, `name/version` or `name/alias`.
            cache: The folder of cached embeddings.

        Raises:
            SetupError: The model does not exist, does not match its manifest, or has no embedding.
        """
        self.manifest = resolve(models, manifests(models), wanted)
        self._engine, self._dimensions = _load(models, self.manifest)
        self._folder = cache / "embeddings" / hash_manifest(self.manifest)

    def cached(self, digest: str) -> EmbeddedTrack | None:
        """Return cached embeddings, or None if there are no valid ones."""
        table = read_windows(self._path(digest), 1 + self._dimensions)
        if table is None:
            return None
        return EmbeddedTrack(table[:, 0].astype(np.float64), np.ascontiguousarray(table[:, 1:]))

    def has(self, digest: str) -> bool:
        """Return whether a file's embeddings are cached; only reads their header and length."""
        return has_windows(self._path(digest), 1 + self._dimensions)

    def embed(self, samples: npt.NDArray[np.int16], digest: str) -> EmbeddedTrack:
        """Compute the embeddings of a stored track, and cache them by its file's SHA-256.

        Raises:
            SetupError: An embedding is not finite, or they can't be written.
        """
        waveform = Waveform(
            samples.astype(np.float32) / np.float32(FULL_SCALE), self.manifest.front_end.sample_rate
        )
        windows = self._engine.scores(waveform)[:, -self._dimensions :]
        if not np.isfinite(windows).all():
            raise SetupError(f"{self.manifest.ref}: an embedding of {digest} is not finite")
        starts_s = self.manifest.window_spec.starts_s(len(samples))
        write_windows(self._path(digest), np.column_stack([starts_s, windows]).astype(np.float32))
        return EmbeddedTrack(starts_s, windows)

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest}.npy"


def _load(models: Store, manifest: Manifest) -> tuple[Engine, int]:
    """Return an engine with outputs that end in the embedding, and the embedding's width."""
    if manifest.network is None:
        headless = _headless(load(models, manifest))
        extractor = TensorFlowFeatureExtractor(manifest.front_end)
        engine = TensorFlowEngine(headless, Precision.FLOAT32, extractor)
        return engine, headless.network.output_shape[-1]
    if not manifest.network.embedding:
        advice = (
            f"choose {manifest.backbone}" if manifest.backbone else "import it with --embedding"
        )
        raise SetupError(f"{manifest.ref}: the imported network has no embedding; {advice}")
    return choose_whole(models, manifest, PREFERENCE), manifest.network.embedding


def _headless(model: TrackModel) -> TrackModel:
    network = keras.Model(model.network.input, find_embedding(model), name="encoder")
    return TrackModel(model.manifest, network)
