"""musicnn 0.1.0 as its authors published it, in its own environment, for `peers.compare`.

`python -m loadtests.peers.musicnn extractor` calls the public function, which builds the graph and
reads the checkpoint for every track and runs windows one by one. `... kept` builds the graph and
the session once and runs a track's windows together; loading, melgram and network are theirs too.

Nothing of theirs is changed on disk. In memory, the melgram stays in float32: their cast to float16
overflows on loud music.
"""

import sys
import time
from collections.abc import Callable
from types import SimpleNamespace

import librosa
import numpy as np
import tensorflow as tf
from musicnn import configuration, extractor, models

from loadtests.peers.protocol import Measure, answer

MODEL = "MSD_musicnn"
WINDOW_FRAMES = 187

ScoresOf = Callable[[str], np.ndarray]
"""From a path to scores, (windows, tags)."""

extractor.np = SimpleNamespace(**{**vars(np), "float16": np.float32})


class TimedLoad:
    """Replacement of `librosa.load`, to time loading separately from inference."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._load = librosa.load

    def __call__(self, path: str, *, sr: int) -> tuple[np.ndarray, int]:
        """As musicnn calls it: mono, at the rate of the model."""
        started = time.perf_counter()
        loaded: tuple[np.ndarray, int] = self._load(path, sr=sr)
        self.seconds = time.perf_counter() - started
        return loaded


def network() -> tuple[tf.compat.v1.Session, tf.Tensor, tf.Tensor]:
    """Their network on their weights: a session, the melgrams that go in, the scores that come out.

    The names are those that essentia expects.
    """
    with tf.Graph().as_default() as graph:
        with tf.name_scope("model"):
            shape = [None, WINDOW_FRAMES, configuration.N_MELS]
            melgrams = tf.compat.v1.placeholder(tf.float32, shape)
            tags = len(configuration.MSD_LABELS)
            logits = models.define_model(melgrams, False, MODEL, tags)[0]
            scores = tf.nn.sigmoid(logits)
        session = tf.compat.v1.Session(graph=graph)
        checkpoint = f"{models.__file__.removesuffix('models.py')}{MODEL}/"
        tf.compat.v1.train.Saver().restore(session, checkpoint)
    return session, melgrams, scores


def by_extractor(path: str) -> np.ndarray:
    """Call the public function, without the features that are not needed here."""
    scores: np.ndarray = extractor.extractor(path, model=MODEL, extract_features=False)[0]
    return scores


def with_session_kept() -> ScoresOf:
    """The same steps on a session that is there already."""
    session, melgrams, scores = network()

    def scores_of(path: str) -> np.ndarray:
        windows, _ = extractor.batch_data(path, WINDOW_FRAMES, WINDOW_FRAMES)
        found: np.ndarray = session.run(scores, {melgrams: windows})
        return found

    return scores_of


def timed(scores_of: ScoresOf) -> Measure:
    """Return the seconds of loading, and the scores."""
    librosa.load = load = TimedLoad()

    def infer(path: str) -> tuple[float, np.ndarray]:
        scores = scores_of(path)
        return load.seconds, scores

    return infer


if __name__ == "__main__":
    answer(timed(by_extractor if sys.argv[1] == "extractor" else with_session_kept()))
