"""A teacher's scores of unlabelled tracks, which its student is trained on.

The noisy student of Won, Choi & Serra, "Semi-supervised music tagging transformer", ISMIR 2021
(arXiv:2111.13457): the teacher's windows are clean, the student's augmented. Windows are scored on
a grid, overlapping by half.

    <key>/                    by the teacher's weights, architecture, arguments and front end
      <digest>.safetensors    scores of some tracks, by the SHA-256 of their files

The processes of a training divide the tracks among them, and read each other's files. Scores of a
killed run are used again.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import safetensors.numpy
from safetensors import SafetensorError

from app.datasets.audio.audio_store import AudioStore
from app.datasets.audio.cropping import window_at, window_starts
from app.errors import SetupError
from app.files import write_atomically
from app.training.data.batches import Targets
from app.training.data.sampling import Epoch
from app.training.loop.networks import Weights
from app.training.loop.replicas import own_share, wait_for_all
from app.training.recipe.schema import Phase

BATCH = 32

TRACKS_A_FILE = 64


@dataclass(frozen=True, eq=False)
class PseudoLabels:
    """Scores of windows on a grid.

    Attributes:
        hop: Samples between two windows.
        scores: For each track, (windows, tags) float32.
    """

    hop: int
    scores: Sequence[npt.NDArray[np.float32]]

    def on_grid(self, epoch: Epoch) -> Epoch:
        """Return the epoch with its windows moved to the grid."""
        last = np.array([len(scores) - 1 for scores in self.scores])[epoch.tracks]
        places = np.minimum(epoch.starts // self.hop, last)
        return Epoch(epoch.tracks, places * self.hop, epoch.seeds)

    def after(self, labelled: Targets, offset: int) -> Targets:
        """Return the targets of labelled tracks, followed by those of the scored tracks.

        Args:
            labelled: Targets of the labelled tracks.
            offset: The number of labelled tracks.
        """

        def target(track: int, start: int) -> npt.NDArray[np.float32]:
            """Return the targets of a window, (tags,)."""
            if track < offset:
                return labelled(track, start)
            scores: npt.NDArray[np.float32] = self.scores[track - offset][start // self.hop]
            return scores

        return target


@dataclass(frozen=True, eq=False)
class Teacher:
    """A network that computes the targets of a student.

    Attributes:
        phase: The phase that trained it.
        network: Waveform (batch, samples) to scores (batch, tags).
        weights: Its weights, by path.
        window: Length of its window in samples.
    """

    phase: Phase
    network: keras.Model
    weights: Weights
    window: int

    @property
    def key(self) -> str:
        """Return 16 hex digits of the SHA-256 of all that the scores depend on."""
        digest = hashlib.sha256()
        arguments = json.dumps(self.phase.arguments, sort_keys=True, default=str)
        digest.update(f"{self.phase.architecture} {arguments} {self.window}\n".encode())
        if self.phase.front_end:
            digest.update(f"{self.phase.front_end}\n".encode())
        for path, array in sorted(self.weights.items()):
            digest.update(f"{path} {array.shape} {array.dtype}\n".encode() + array.tobytes())
        return digest.hexdigest()[:16]


def pseudo_labels(
    teacher: Teacher, store: AudioStore, ids: Sequence[str], folder: Path
) -> PseudoLabels:
    """Score tracks with a teacher, or read its earlier scores.

    Args:
        teacher: The teacher.
        store: The audio.
        ids: The tracks' ids.
        folder: Where scores are written; all processes of a training must see it.

    Returns:
        The scores of all tracks.

    Raises:
        SetupError: Scores can't be written or read.
    """
    hop = teacher.window // 2
    groups = [ids[first : first + TRACKS_A_FILE] for first in range(0, len(ids), TRACKS_A_FILE)]
    files = [(folder / teacher.key / _name(store, group), group) for group in groups]
    for path, group in own_share(files):
        if _read(path, len(group)) is None:
            scored = [
                _scores(teacher.network, store.samples(each), teacher.window, hop) for each in group
            ]
            arrays = {f"{number:05}": scores for number, scores in enumerate(scored)}
            write_atomically(path, safetensors.numpy.save(arrays))
    wait_for_all()
    scores: list[npt.NDArray[np.float32]] = []
    for path, group in files:
        read = _read(path, len(group))
        if read is None:
            raise SetupError(
                f"{path}: the teacher's scores can't be read; all processes of a training must see "
                "the same folder"
            )
        scores += read
    return PseudoLabels(hop, scores)


def _name(store: AudioStore, ids: Sequence[str]) -> str:
    digests = "\n".join(store.digests[each] for each in ids)
    return f"{hashlib.sha256(digests.encode()).hexdigest()[:16]}.safetensors"


def _read(path: Path, tracks: int) -> list[npt.NDArray[np.float32]] | None:
    """Read the scores of `tracks` tracks; return None if they are missing or damaged."""
    try:
        arrays = safetensors.numpy.load_file(path)
    except (OSError, SafetensorError):
        return None
    return [array for _, array in sorted(arrays.items())] if len(arrays) == tracks else None


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
