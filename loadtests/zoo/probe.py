"""One architecture on one engine, in a separate process: `python -m loadtests.zoo.probe`.

Prints one line of JSON. Memory is that of the process with the model ready, minus that before it
was built, with TensorFlow imported.
"""

import gc
import json
import statistics
import sys
import time
from dataclasses import replace

import keras
import numpy as np
import psutil
import tensorflow as tf

from app.domain import Backend, Precision
from app.errors import SetupError
from app.front_ends import FrontEnd, WindowSpec
from app.inference.engine import Engine
from app.inference.openvino_engine import OpenVINOEngine, computes_bf16
from app.inference.tensorflow_engine import TensorFlowEngine, has_gpu
from app.inference.tensorflow_features import TensorFlowFeatureExtractor
from app.models import architectures, network, variables
from app.spectra import Mel
from app.store.manifest.manifest import read_store
from app.store.registry.loading import TrackModel, load
from app.store.storage.store import Store
from testing.random_models import sounds

LEAST_ROUNDS, LEAST_S = 3, 4.0


def main() -> None:
    """Measure what the command line names: folder of the store, architecture, engine, precision."""
    folder, architecture, backend, precision = sys.argv[1:]
    print(json.dumps(probe(Store(folder), architecture, Backend(backend), Precision(precision))))


def probe(
    store: Store, architecture: str, backend: Backend, precision: Precision
) -> dict[str, float | None]:
    """Figures of one engine."""
    manifest = read_store(store)[architecture.replace("_", "-")]
    extractor = TensorFlowFeatureExtractor(manifest.front_end)
    if precision is Precision.BF16 and not (computes_bf16() or has_gpu()):
        raise SetupError("this machine computes no bf16")
    before = _held()
    begun = time.perf_counter()
    model = load(store, manifest, precision if backend is Backend.TENSORFLOW else Precision.FLOAT32)
    engine = _engine(backend, precision, model, extractor)
    load_s = time.perf_counter() - begun
    del model  # as in the service, which keeps the engine alone
    memory = _held() - before
    exact = load(store, manifest).network
    windows = _windows(manifest.window_spec)
    rates = _rates(engine, windows)
    off = np.max(np.abs(engine.score(windows) - np.asarray(exact(windows, training=False))))
    return {
        "windows_low": min(rates),
        "windows_median": statistics.median(rates),
        "windows_high": max(rates),
        "window_s": manifest.window_spec.window_s,
        "load_s": load_s,
        "memory_mib": memory / 2**20,
        "off": float(off),
    }


def size(architecture: str, n_mels: int | None = None) -> dict[str, float]:
    """Trainable weights, and the network's arithmetic for a minute of audio.

    Args:
        architecture: Its name.
        n_mels: The number of mel bands; by default that of its front end.
    """
    known = architectures()[architecture]
    front_end = _with_mels(known.front_end, n_mels) if n_mels else known.front_end
    window_spec = WindowSpec(front_end, known.window_frames, known.window_frames)
    built = network(architecture, 50, window_spec, {})
    trainable_weights = [each for each in variables(built).values() if each.trainable]
    return {
        "parameters": sum(int(np.prod(each.shape)) for each in trainable_weights),
        "gflop_a_minute": flop(built) / 1e9 * 60 / window_spec.window_s,
    }


def _with_mels(front_end: FrontEnd, n_mels: int) -> FrontEnd:
    spectrum = front_end.spectrum
    if spectrum is None or not isinstance(spectrum.bands, Mel):
        raise ValueError("the front end has no mel bands")
    bands = replace(spectrum.bands, n_mels=n_mels)
    return replace(front_end, spectrum=replace(spectrum, bands=bands))


def flop(built: keras.Model) -> float:
    """Of one window, as TensorFlow's profiler counts it; the steps of a loop count once."""
    spec = tf.TensorSpec((1, *built.input_shape[1:]), tf.float32)
    graph = tf.function(lambda x: built(x, training=False)).get_concrete_function(spec).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    return float(tf.compat.v1.profiler.profile(graph, options=options).total_float_ops)


def _engine(
    backend: Backend, precision: Precision, model: TrackModel, extractor: TensorFlowFeatureExtractor
) -> Engine:
    if backend is Backend.OPENVINO:
        return OpenVINOEngine(model, precision, extractor)
    return TensorFlowEngine(model, precision, extractor)


def _windows(window_spec: WindowSpec) -> np.ndarray:
    extractor = TensorFlowFeatureExtractor(window_spec.front)
    return np.stack(
        [extractor.frames(sound, 0, window_spec.window_frames) for sound in sounds(window_spec)]
    )


def _rates(engine: Engine, windows: np.ndarray) -> list[float]:
    """Windows a second, batch after batch of the size that the service takes."""
    batch = np.resize(windows, (engine.batch_windows, *windows.shape[1:]))
    rates: list[float] = []
    since = time.perf_counter()
    while len(rates) < LEAST_ROUNDS or time.perf_counter() - since < LEAST_S:
        begun = time.perf_counter()
        engine.score(batch)
        rates.append(len(batch) / (time.perf_counter() - begun))
    return rates


def _held() -> int:
    gc.collect()
    held: int = psutil.Process().memory_info().rss
    return held


if __name__ == "__main__":
    main()
