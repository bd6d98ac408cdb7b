"""Computes frames with the frozen graph of kapre's layers, without importing TensorFlow."""

import logging

import numpy as np

from app.domain import Frames, Samples
from app.front_ends import FrontEnd
from app.inference.conversion_cache import make_key, read_entry, write_entry
from app.inference.features import FeatureExtractor, cut_part
from app.inference.gpus import has_gpu
from app.inference.tensorflow_library import GraphRunner, load_library

log = logging.getLogger(__name__)

SAMPLES, FRAMES = "samples", "frames"
"""The names of the input and the output of a frozen graph."""

TITLE = "the front end"


class FrozenFeatureExtractor:
    """See `app.inference.features.FeatureExtractor`. Its frames equal those of kapre's layers."""

    def __init__(self, front: FrontEnd) -> None:
        """Load the graph, from the cache or from kapre, and run it once.

        Raises:
            OSError, RuntimeError: TensorFlow's library can't run it.
        """
        self.front = front
        load_library()
        key = make_key(kind="front end", front_end=front)
        graph = read_entry(TITLE, key)
        if graph is None:
            graph = _freeze(front)
            write_entry(TITLE, key, graph)
        self._runner = GraphRunner(graph, SAMPLES, FRAMES)
        self.frames(np.zeros((front.sample_rate, *front.sample_shape), np.float32), 0, 1)

    def frames(self, track: Samples, first: int, last: int) -> Frames:
        """See `app.inference.features.FeatureExtractor`.

        Args:
            track: (samples, *front.sample_shape) float32.
            first: Index of the first frame.
            last: Index behind the last frame.

        Returns:
            (frames, *front.shape) float32.
        """
        return self._runner.run(cut_part(self.front, track, first, last))


def make_extractor(front: FrontEnd) -> FeatureExtractor:
    """Return the extractor of a front end.

    With a GPU the networks need TensorFlow's package, and so the frames use it too.
    """
    if not has_gpu():
        try:
            return FrozenFeatureExtractor(front)
        except (OSError, RuntimeError) as error:
            log.warning("the package tensorflow is imported, as its library can't run: %s", error)
    from app.inference.tensorflow_features import TensorFlowFeatureExtractor

    return TensorFlowFeatureExtractor(front)


def _freeze(front: FrontEnd) -> bytes:
    from app.inference.tensorflow_features import freeze

    return freeze(front, SAMPLES, FRAMES)
