"""What else was tried to make the network faster: XLA, oneDNN's mixed precision, int8.

`python -m loadtests.tried [ROUNDS]` hears the windows of one track with each, in turns with the
engines that the service chooses from, and says how far the scores move. int8 needs NNCF (`pip
install nncf`), which calibrates it on another track; without it that row is left out.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Callable
from importlib.util import find_spec

import keras
import numpy as np
import openvino
import tensorflow as tf
from rich.progress import track

from app.domain import Scores, Windows
from app.store.loading import load
from loadtests.engines import MODEL, STORE, framer_of, manifest_of, served
from loadtests.hearing import decoded, resampled, scores_of, windows_of
from loadtests.report import Row, out, publish, spread
from loadtests.tracks import encoded

ROUNDS = 9
SECONDS = 180
BATCH = 4
ONEDNN_OPTION = "auto_mixed_precision_onednn_bfloat16"

Hear = Callable[[Windows], Scores]


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    manifest = manifest_of()
    framer = framer_of(manifest)
    windows, others = (
        windows_of(resampled(*decoded(encoded(SECONDS, start_s))), framer, manifest.framing)
        for start_s in (0, 90)
    )
    network = load(STORE, manifest).network
    contenders: dict[str, Hear] = {
        f"{engine.backend} {engine.precision}": lambda w, e=engine: scores_of(e, w)
        for engine in served(manifest, framer)
    }
    contenders["tensorflow, XLA"] = _in_batches(_tensorflow(network, xla=True))
    contenders["tensorflow, oneDNN bf16"] = _onednn_bf16(network)
    notes = [f"Batches of {BATCH}; the differences are to TensorFlow in float32."]
    if find_spec("nncf"):
        contenders["openvino int8"] = _in_batches(_int8(network, others))
    else:
        notes.append("int8 was left out: NNCF is not installed.")
    reference = contenders["tensorflow float32"](windows)
    times: dict[str, list[float]] = defaultdict(list)
    for _ in track(range(rounds), "tried", console=out, transient=True):
        for name, hear in contenders.items():
            begun = time.perf_counter()
            hear(windows)
            times[name].append(time.perf_counter() - begun)
    fastest = min(times, key=lambda name: np.median(times[name]))
    rows = [
        _row(name, times, fastest, hear(windows) - reference) for name, hear in contenders.items()
    ]
    publish("tried", f"{len(windows)} windows of {MODEL}, {rounds} rounds", rows, notes)


def _row(name: str, times: dict[str, list[float]], fastest: str, off: Scores) -> Row:
    return {
        "what": name,
        "s min / median / max": spread(times[name]),
        f"ratio to {fastest}": spread(np.divide(times[name], times[fastest]).tolist(), 2),
        "largest difference, a window": f"{np.abs(off).max():.1e}",
        "of the mean": f"{np.abs(off.mean(axis=0)).max():.1e}",
    }


def _in_batches(score: Hear) -> Hear:
    def hear(windows: Windows) -> Scores:
        starts = range(0, len(windows), BATCH)
        return np.concatenate([np.asarray(score(windows[s : s + BATCH])) for s in starts])

    return hear


def _tensorflow(network: keras.Model, *, xla: bool) -> Hear:
    score: Hear = tf.function(
        lambda windows: network(windows, training=False),
        input_signature=[tf.TensorSpec(network.input_shape, tf.float32)],
        jit_compile=xla,
    )
    return score


def _onednn_bf16(network: keras.Model) -> Hear:
    """TensorFlow rewrites a graph anew whenever the option changes, so it is on for this one."""
    hear = _in_batches(_tensorflow(network, xla=False))

    def rewritten(windows: Windows) -> Scores:
        tf.config.optimizer.set_experimental_options({ONEDNN_OPTION: True})
        try:
            return hear(windows)
        finally:
            tf.config.optimizer.set_experimental_options({ONEDNN_OPTION: False})

    rewritten(np.zeros((BATCH, *network.input_shape[1:]), np.float32))
    return rewritten


def _int8(network: keras.Model, calibration: Windows) -> Hear:
    """Quantised after training, with the ranges that another track shows."""
    import nncf

    model = openvino.convert_model(keras.Model([network.input], network.output))
    model.reshape({model.inputs[0]: [-1, *network.input_shape[1:]]})
    dataset = nncf.Dataset([calibration[s : s + 1] for s in range(len(calibration))])
    compiled = openvino.compile_model(nncf.quantize(model, dataset), "CPU")
    request = compiled.create_infer_request()
    return lambda windows: request.infer({0: windows})[0].copy()


if __name__ == "__main__":
    main()
