"""Batches of windows, read and augmented in parallel with the training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from app.datasets.audio.audio_store import AudioStore
from app.datasets.audio.cropping import window_at
from app.domain import Samples
from app.errors import SetupError
from app.samples import ShortTrack
from app.training.data.augmenter import Augmenter
from app.training.data.sampling import Epoch

Targets = Callable[[int, int], npt.NDArray[np.float32]]
"""Returns a window's targets, (tags,), by the number of its track and its first sample."""


Part = tuple[Samples, npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""Windows, (rows, samples) or in stereo (rows, samples, 2), weights of mixing, (rows, 1), and
targets, (rows, tags)."""


def mix_with_previous(
    rows: npt.NDArray[np.float32], weights: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return the weighted mean of each row, (rows, ...), and the one before it.

    Args:
        rows: (rows, ...).
        weights: (rows, 1), of the row itself.
    """
    weights = weights.reshape(-1, *[1] * (rows.ndim - 1))
    mixed: npt.NDArray[np.float32] = weights * rows + (1 - weights) * np.roll(rows, 1, axis=0)
    return mixed


@dataclass(frozen=True, eq=False)
class WindowSource:
    """Reads and augments windows.

    Attributes:
        store: The audio.
        ids: The tracks' ids, in the order of their numbers.
        targets: Returns each window's targets.
        window: Length of a window in samples.
        augmenter: Augments windows; None for no augmentation.
        short_track: How a track that is shorter than a window fills one.
    """

    store: AudioStore
    ids: Sequence[str]
    targets: Targets
    window: int
    augmenter: Augmenter | None = None
    short_track: ShortTrack = ShortTrack.REPEAT

    def read(self, track: int, start: int, seed: int) -> Samples:
        """Return a window, (samples,) or in stereo (samples, 2), float32, augmented.

        Args:
            track: The number of the track.
            start: The window's first sample.
            seed: Seed of the augmentation.
        """
        stored = self.store.samples(self.ids[track])
        samples = window_at(stored, start, self.window, self.short_track)
        return self.augmenter(samples, seed) if self.augmenter else samples


@dataclass(frozen=True)
class Share:
    """The replicas of this process, for which it reads a part of each batch.

    Attributes:
        first: Number of the first one.
        count: Number of replicas of this process.
        of: Number of replicas of all processes.
    """

    first: int
    count: int
    of: int


WHOLE = Share(0, 1, 1)


@dataclass(frozen=True, eq=False)
class Mixing:
    """How examples are mixed with the one before them in their part of a batch, and their tags too.

    Attributes:
        weights: (windows,), the weight of the window itself; 1 leaves it as it is.
        embeddings: Whether the network mixes embeddings; otherwise windows are mixed here.
    """

    weights: npt.NDArray[np.float32]
    embeddings: bool

    def of(self, first: int, last: int) -> npt.NDArray[np.float32]:
        """Return the weights of a part, (rows, 1); its first row has none before it."""
        weights = self.weights[first:last, np.newaxis].copy()
        weights[0] = 1
        return weights


@dataclass(frozen=True, eq=False)
class BatchDataset:
    """The windows of an epoch in batches, in the epoch's order.

    Attributes:
        source: Reads the windows.
        epoch: The windows.
        size: Windows of a batch. The last batch is smaller, or larger by a rest that is too small
            for all replicas: each gets at least two windows, as contrastive training needs pairs.
        mixing: How examples are mixed; None for not at all.
    """

    source: WindowSource
    epoch: Epoch
    size: int
    mixing: Mixing | None = None

    def steps(self, replicas: int = 1) -> int:
        """Return the number of batches.

        Raises:
            SetupError: There are too few windows for the number of replicas.
        """
        whole, rest = divmod(len(self.epoch), self.size)
        if replicas > 1 and min(self.size, len(self.epoch)) < 2 * replicas:
            raise SetupError(
                f"{len(self.epoch)} windows in batches of {self.size} are too few for {replicas} "
                "devices: each needs two windows of a batch; use fewer devices"
            )
        return max(1, whole + (rest >= 2 * replicas))

    def parts(self, share: Share = WHOLE) -> tf.data.Dataset:
        """Return windows, (batch, samples), and targets, (batch, tags), for each replica in turn.

        Stereo windows are (batch, samples, 2). If embeddings are mixed, the weights, (batch, 1),
        follow each part's windows.

        Raises:
            SetupError: There are too few windows for the number of replicas.
        """
        bounds, tags = self._bounds(share), len(self.source.targets(0, 0))

        def read(first: int, last: int) -> Part:
            """Return the rows from `first` to before `last`."""
            tracks, starts, seeds = self.epoch.tracks, self.epoch.starts, self.epoch.seeds
            rows = range(first, last)
            places = [(int(tracks[row]), int(starts[row])) for row in rows]
            windows = np.stack(
                [
                    self.source.read(track, start, int(seeds[row]))
                    for row, (track, start) in zip(rows, places, strict=True)
                ]
            )
            targets = np.stack([self.source.targets(*place) for place in places])
            return self._mixed(windows, targets, first, last)

        def shaped(bound: tf.Tensor) -> tuple[tf.Tensor | tuple[tf.Tensor, tf.Tensor], tf.Tensor]:
            """Return the tensors of a part."""
            windows, weights, targets = tf.numpy_function(
                read, [bound[0], bound[1]], [tf.float32] * 3
            )
            windows.set_shape((None, self.source.window, *self.source.store.sample_shape))
            weights.set_shape((None, 1))
            targets.set_shape((None, tags))
            if self.mixing is not None and self.mixing.embeddings:
                return (windows, weights), targets
            return windows, targets

        parts = tf.data.Dataset.from_tensor_slices(bounds)
        return parts.map(shaped, tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)

    def _mixed(
        self, windows: Samples, targets: npt.NDArray[np.float32], first: int, last: int
    ) -> "Part":
        """Mix the rows from `first` to before `last`."""
        if self.mixing is None:
            return windows, np.ones((len(windows), 1), np.float32), targets
        weights = self.mixing.of(first, last)
        if not self.mixing.embeddings:
            windows = mix_with_previous(windows, weights)
        return windows, weights, mix_with_previous(targets, weights)

    def _bounds(self, share: Share) -> npt.NDArray[np.int64]:
        """Return the first window of each part and the one after its last, (parts, 2)."""
        steps = self.steps(share.of)
        ends = [*(number * self.size for number in range(1, steps)), len(self.epoch)]
        bounds = []
        for first, last in pairwise([0, *ends]):
            pairs = (last - first) // 2
            cuts = [first + 2 * (pairs * number // share.of) for number in range(share.of)] + [last]
            bounds += list(pairwise(cuts))[share.first : share.first + share.count]
        return np.array(bounds)
