"""A teacher's scores of unlabelled tracks: what its student takes for their tags.

The noisy student of Won, Choi & Serra, "Semi-supervised music tagging transformer", ISMIR 2021
(arXiv:2111.13457): the teacher hears what is clean, the student what is augmented. The scores are
of windows on a grid, half overlapping, and are made once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from app.training.audio_store import AudioStore
from app.training.cropping import window_at, window_starts
from app.training.epochs import Epoch
from app.training.pipeline import Targets

BATCH = 32


@dataclass(frozen=True, eq=False)
class PseudoLabels:
    """Scores on a grid.

    Attributes:
        hop: Samples between two windows.
        scores: For each track (windows, tags).
    """

    hop: int
    scores: Sequence[npt.NDArray[np.float32]]

    def on_grid(self, epoch: Epoch) -> Epoch:
        """The same windows, moved to where scores are."""
        last = np.array([len(scores) - 1 for scores in self.scores])[epoch.tracks]
        places = np.minimum(epoch.starts // self.hop, last)
        return Epoch(epoch.tracks, places * self.hop, epoch.seeds)

    def after(self, labelled: Targets, offset: int) -> Targets:
        """Targets of labelled tracks, and from number `offset` on of these."""

        def target(track: int, start: int) -> npt.NDArray[np.float32]:
            if track < offset:
                return labelled(track, start)
            scores: npt.NDArray[np.float32] = self.scores[track - offset][start // self.hop]
            return scores

        return target


def pseudo_labels(
    teacher: keras.Model, store: AudioStore, ids: Sequence[str], window: int
) -> PseudoLabels:
    """Have a teacher hear tracks: waveform (batch, samples) to scores (batch, tags)."""
    hop = window // 2
    return PseudoLabels(hop, [_scores(teacher, store.samples(each), window, hop) for each in ids])


def _scores(
    teacher: keras.Model, track: npt.NDArray[np.int16], window: int, hop: int
) -> npt.NDArray[np.float32]:
    starts = window_starts(len(track), window, hop)
    scored = []
    for first in range(0, len(starts), BATCH):
        windows = [window_at(track, int(start), window) for start in starts[first : first + BATCH]]
        scored.append(np.asarray(teacher(np.stack(windows), training=False), np.float32))
    scores: npt.NDArray[np.float32] = np.concatenate(scored)
    return scores
