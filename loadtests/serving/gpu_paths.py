"""On a GPU: one function from waveform to scores, against frames and scores from two functions.

Part of `loadtests.serving.gpu`. The first is what the service runs; if it is the slower one, it
should not be.
"""

import time
from collections import Counter
from functools import partial

import numpy as np
import tensorflow as tf
from rich.progress import track

from app.domain import Precision, Scores, Waveform
from app.inference.engine import Engine
from app.inference.tensorflow_engine import TensorFlowEngine
from app.inference.waveform_engine import WaveformEngine
from app.store.manifest.manifest import Manifest
from app.store.registry.loading import load
from loadtests.engines import STORE, extractor_of
from loadtests.report import Row, out, publish, spread
from loadtests.serving.reference_pipeline import decoded, resampled
from loadtests.tracks import encoded
from testing.tensorflow_trace import FUNCTION_CALLS, TO_DEVICE, TO_HOST, traced

ONE, TWO = "one function", "two functions"


def build_paths(manifest: Manifest, precision: Precision) -> dict[str, Engine]:
    """Return an engine of each path."""
    model = load(STORE, manifest, precision)
    return {
        ONE: WaveformEngine(model, precision),
        TWO: TensorFlowEngine(model, precision, extractor_of(manifest)),
    }


def compare_paths(manifest: Manifest, track_s: int, rounds: int) -> None:
    """Score one track on each path, in turns; print times, copies and differences to a CPU."""
    waveform = resampled(*decoded(encoded(track_s)))
    exact = _cpu_scores(manifest, waveform)
    rows: list[Row] = []
    for precision in Precision:
        engines = build_paths(manifest, precision)
        times: dict[str, list[float]] = {path: [] for path in engines}
        for _ in track(range(rounds), f"paths, {precision}", console=out, transient=True):
            for path, engine in engines.items():
                begun = time.perf_counter()
                engine.scores(waveform)
                times[path].append(time.perf_counter() - begun)
        for path, engine in engines.items():
            ratios = np.divide(times[path], times[ONE]).tolist()
            rows.append(
                {
                    "path": path,
                    "precision": precision,
                    "ms a track min / median / max": spread([1000 * s for s in times[path]], 1),
                    f"ratio to {ONE}": spread(ratios, 2),
                    **_copies(traced(partial(engine.scores, waveform))),
                    "largest difference to a CPU": f"{_difference(engine, waveform, exact):.1e}",
                }
            )
    title = f"A decoded track of {track_s} s, {len(exact)} windows of {manifest.ref}"
    publish("gpu-paths", title, rows, ["Differences are to TensorFlow in float32 on the CPU."])


def _cpu_scores(manifest: Manifest, waveform: Waveform) -> Scores:
    with tf.device("CPU:0"):
        return build_paths(manifest, Precision.FLOAT32)[TWO].scores(waveform)


def _copies(events: Counter[str]) -> Row:
    return {
        "function calls": events[FUNCTION_CALLS],
        "copies to the device": events[TO_DEVICE],
        "copies back": events[TO_HOST],
    }


def _difference(engine: Engine, waveform: Waveform, exact: Scores) -> float:
    return float(np.abs(engine.scores(waveform) - exact).max())
