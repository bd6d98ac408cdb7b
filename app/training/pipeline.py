"""Batches of windows, read and augmented beside the training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from app.domain import Samples
from app.training.audio_store import AudioStore
from app.training.augmentation import Augmenter
from app.training.cropping import window_at
from app.training.epochs import Epoch

Targets = Callable[[int, int], npt.NDArray[np.float32]]
"""What a window is to be scored: (tags,), from the number of its track and its first sample."""


@dataclass(frozen=True, eq=False)
class Source:
    """Where windows come from.

    Attributes:
        store: The audio.
        ids: Of the tracks, in the order of their numbers.
        targets: What each window is to be scored.
        window: Length of a window in samples.
        augmenter: What changes them, if anything does.
    """

    store: AudioStore
    ids: Sequence[str]
    targets: Targets
    window: int
    augmenter: Augmenter | None = None

    def heard(self, track: int, start: int, seed: int) -> Samples:
        """One window, (samples,)."""
        samples = window_at(self.store.samples(self.ids[track]), start, self.window)
        return self.augmenter(samples, seed) if self.augmenter else samples


def batches(source: Source, epoch: Epoch, size: int) -> tf.data.Dataset:
    """Batches of (windows (batch, samples), targets (batch, tags)), in the epoch's order."""

    def read(number: int) -> tuple[Samples, npt.NDArray[np.float32]]:
        rows = range(number * size, min((number + 1) * size, len(epoch)))
        places = [(int(epoch.tracks[row]), int(epoch.starts[row])) for row in rows]
        windows = [
            source.heard(track, start, int(epoch.seeds[row]))
            for row, (track, start) in zip(rows, places, strict=True)
        ]
        return np.stack(windows), np.stack([source.targets(*place) for place in places])

    def shaped(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        windows, targets = tf.numpy_function(read, [number], [tf.float32, tf.float32])
        windows.set_shape((None, source.window))
        targets.set_shape((None, len(source.targets(0, 0))))
        return windows, targets

    numbers = tf.data.Dataset.range(steps(epoch, size))
    return numbers.map(shaped, tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)


def steps(epoch: Epoch, size: int) -> int:
    """How many batches an epoch has."""
    return -(-len(epoch) // size)
