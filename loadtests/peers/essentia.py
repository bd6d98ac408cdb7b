"""essentia-tensorflow on musicnn's published weights, in its own environment.

`python -m loadtests.peers.essentia GRAPH`, which `loadtests.peers.compare` runs. Its choices are
those that were fastest: the linear resampling that its own examples use, and few windows at a time.
"""

import sys
import time

import essentia
import numpy as np
from essentia.standard import MonoLoader, TensorflowPredictMusiCNN

from loadtests.peers.protocol import Measure, answer

RATE = 16_000
LINEAR = 4
WINDOW_FRAMES = 187
WINDOWS_AT_A_TIME = 4


def pipeline(graph: str) -> Measure:
    """The algorithms, made once."""
    load = MonoLoader()
    predict = TensorflowPredictMusiCNN(
        graphFilename=graph, patchHopSize=WINDOW_FRAMES, batchSize=WINDOWS_AT_A_TIME
    )

    def infer(path: str) -> tuple[float, np.ndarray]:
        started = time.perf_counter()
        load.configure(filename=path, sampleRate=RATE, resampleQuality=LINEAR)
        samples = load()
        load_s = time.perf_counter() - started
        return load_s, predict(samples)

    return infer


if __name__ == "__main__":
    essentia.log.infoActive = False
    essentia.log.warningActive = False  # it repeats one for every frame
    answer(pipeline(sys.argv[1]))
