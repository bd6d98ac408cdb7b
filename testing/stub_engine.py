"""A model's engine without a network: a few lines of NumPy, and no TensorFlow.

For tests of everything around the networks: limits, keys, errors, caches, pages. Its scores mean
nothing but depend on the audio: the same audio gives the same scores, in any batch and from any
container, and other audio gives others.

If the environment variable FAULT_FILE names a file, engines fail as its content says: `nan`,
`raise`, or `halt` for as long as it holds that word. If it is empty, they work.
"""

import os
import time
from pathlib import Path

import numpy as np

from app.domain import Backend, Frames, Precision, Samples, Scores, Windows
from app.front_ends import FrontEnd
from app.inference.engine import Engine, windows_of
from app.inference.pool import EngineSpec
from app.store.manifest.manifest import Manifest

BATCH_S = 48.0


class StubFeatureExtractor:
    """Frames that hold the level of the samples they are made of, in each bin."""

    def __init__(self, front: FrontEnd) -> None:
        self.front = front

    def frames(self, track: Samples, first: int, last: int) -> Frames:
        """See `app.inference.features.FeatureExtractor`."""
        hop = self.front.hop
        piece = np.asarray(track[first * hop : last * hop], np.float32)
        padded = np.pad(piece, (0, (last - first) * hop - len(piece)))
        levels = np.abs(padded.reshape(last - first, hop)).mean(axis=1)
        bins = np.ones(self.front.shape, np.float32)
        frames: Frames = np.multiply.outer(levels, bins)
        return frames


class StubEngine(Engine):
    """Scores a window by its levels; each tag weights loudness and movement in its own way."""

    backend = Backend.TENSORFLOW

    def __init__(self, manifest: Manifest) -> None:
        window_spec = manifest.window_spec
        batch_windows = windows_of(BATCH_S, window_spec)
        extractor = StubFeatureExtractor(window_spec.front)
        super().__init__(manifest.ref, Precision.FLOAT32, batch_windows, window_spec, extractor)
        weights = np.random.RandomState(len(manifest.tags.names)).uniform(
            -4, 4, (3, len(manifest.tags.names))
        )
        self._loudness, self._movement, self._bias = weights

    def score(self, windows: Windows) -> Scores:
        """See `app.inference.engine.Engine`; each window is scored by itself."""
        levels = windows.reshape(len(windows), self.window_spec.window_frames, -1)[..., 0]
        loudness = 10 * levels.mean(axis=1, dtype=np.float64)[:, np.newaxis]
        movement = 100 * levels.std(axis=1, dtype=np.float64)[:, np.newaxis]
        logits = self._loudness * loudness + self._movement * movement + self._bias
        scores: Scores = (1 / (1 + np.exp(-logits))).astype(np.float32)
        return scores


class FaultyEngine(StubEngine):
    """A stub with the fault that a file names."""

    def __init__(self, manifest: Manifest, fault: Path) -> None:
        super().__init__(manifest)
        self._fault = fault

    def score(self, windows: Windows) -> Scores:
        """See `app.inference.engine.Engine`."""
        while (fault := self._fault.read_text()) == "halt":
            time.sleep(0.01)
        if fault == "raise":
            raise RuntimeError("as the test wants")
        scores = super().score(windows)
        return np.full_like(scores, np.nan) if fault == "nan" else scores


def load_stub_engine(manifest: Manifest, choice: EngineSpec | None) -> Engine:  # noqa: ARG001
    """In the place of `app.inference.selection.choose`: any model is a stub."""
    fault = os.environ.get("FAULT_FILE")
    return FaultyEngine(manifest, Path(fault)) if fault else StubEngine(manifest)
