"""A model's engine without a network: a few lines of NumPy, and no TensorFlow.

For tests of what lies around the networks: limits, keys, errors, caches, pages. Its scores mean
nothing, but they are those of the audio: the same audio gives the same scores, in whichever batch
and after whichever container, and other audio gives others.
"""

import numpy as np

from app.domain import Backend, Frames, Precision, Samples, Scores, Windows
from app.front_ends import FrontEnd
from app.inference.engine import Engine, windows_of
from app.inference.pool import Choice
from app.store.manifest import Manifest

BATCH_S = 48.0


class StubFramer:
    """Frames that hold the level of the samples they are made of, in each bin."""

    def __init__(self, front: FrontEnd) -> None:
        self.front = front

    def frames(self, track: Samples, first: int, last: int) -> Frames:
        """See `app.inference.frames.Framer`."""
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
        framing = manifest.framing
        batch_windows = windows_of(BATCH_S, framing)
        framer = StubFramer(framing.front)
        super().__init__(manifest.ref, Precision.FLOAT32, batch_windows, framing, framer)
        weights = np.random.RandomState(len(manifest.tags.names)).uniform(
            -4, 4, (3, len(manifest.tags.names))
        )
        self._loudness, self._movement, self._bias = weights

    def score(self, windows: Windows) -> Scores:
        """See `app.inference.engine.Engine`; each window is scored by itself."""
        levels = windows.reshape(len(windows), self.framing.window_frames, -1)[..., 0]
        loudness = 10 * levels.mean(axis=1, dtype=np.float64)[:, np.newaxis]
        movement = 100 * levels.std(axis=1, dtype=np.float64)[:, np.newaxis]
        logits = self._loudness * loudness + self._movement * movement + self._bias
        scores: Scores = (1 / (1 + np.exp(-logits))).astype(np.float32)
        return scores


def load_stub_engine(manifest: Manifest, choice: Choice | None) -> Engine:  # noqa: ARG001
    """In the place of `app.inference.selection.choose`: any model is a stub."""
    return StubEngine(manifest)
