"""What `loadtests.serving.gpu` measures.

It is in a file of its own, as each decode process imports the main module.
"""

import asyncio
import math
import os
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from rich.progress import track

from app.audio.worker.processes import Decoder
from app.domain import Precision, Windows
from app.inference.batcher import Batcher
from app.inference.engine import Engine
from app.inference.pipeline import InferencePipeline
from app.inference.tensorflow_engine import has_gpu
from app.metrics import Metrics
from app.services import make_batch_limits
from app.settings import Settings
from app.stages import Stage, StageClock
from app.store.registry.loading import load
from loadtests.engines import MODEL, STORE, extractor_of, manifest_of, served
from loadtests.lookalikes import lookalikes
from loadtests.report import Row, out, publish, spread
from loadtests.serving.gpu_paths import build_paths, compare_paths
from loadtests.tracks import encoded

TRACK_S = 180
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
ROUNDS = 20
MATRIX = 8192
"""Side of the product of matrices that the roofline is measured with."""


def measure(decoder: Decoder, seconds: float) -> None:
    """Measure and print, or report that there is no GPU."""
    if not has_gpu():
        publish("gpu", "On a GPU", [], ["TensorFlow finds no GPU here: nothing was measured."])
        return
    manifest = manifest_of()
    extractor = extractor_of(manifest)
    compare_paths(manifest, TRACK_S, ROUNDS)
    for engine in served(manifest, extractor):
        _batches(engine, _flop(load(STORE, manifest).network))
    for path, engine in build_paths(manifest, Precision.BF16).items():
        asyncio.run(_tracks(decoder, engine, path, seconds))


def _batches(engine: Engine, flop: float) -> None:
    """Windows per second by batch size, and their share of the measured peak."""
    peak = _peak_flops(engine.precision)
    rows: list[Row] = []
    for size in track(SIZES, "batch sizes", console=out, transient=True):
        batch = _noise((size, *engine.input_shape))
        engine.score(batch)
        rates = [size / _seconds(engine, batch) for _ in range(ROUNDS)]
        rows.append(
            {
                "batch windows": size,
                "windows/s min / median / max": spread(rates, 0),
                "GFLOP/s": float(np.median(rates)) * flop / 1e9,
                "share of the peak": float(np.median(rates)) * flop / peak,
            }
        )
    name = f"gpu-batches-{engine.backend}-{engine.precision}"
    title = f"{MODEL} on {engine.backend} {engine.precision}: {flop / 1e9:.2f} GFLOP a window"
    notes = [
        f"Peak: {peak / 1e12:.1f} TFLOP/s, the product of two matrices of {MATRIX} in this run.",
        "The melgram takes part of the time, but is not counted in GFLOP.",
    ]
    publish(name, title, rows, notes)


async def _tracks(decoder: Decoder, engine: Engine, path: str, seconds: float) -> None:
    """Analyse tracks for so long, twice as many at once as there are decoders."""
    settings = Settings()
    pipeline = InferencePipeline(decoder, Batcher(make_batch_limits(settings), Metrics()))
    clocks: list[StageClock] = []
    computing = 0.0
    score = engine.score

    def timed(windows: Windows) -> object:
        nonlocal computing
        begun = time.perf_counter()
        scores = score(windows)
        computing += time.perf_counter() - begun
        return scores

    with tempfile.TemporaryDirectory() as folder:
        paths = _written(Path(folder), 4 * settings.decode_workers)
        engine.score = timed  # type: ignore[method-assign, assignment]
        begun = time.perf_counter()

        async def keep_inferring() -> None:
            while time.perf_counter() - begun < seconds:
                clocks.append(StageClock())
                with next(paths).open("rb") as file:
                    await pipeline.run(file, [engine], clocks[-1])

        await asyncio.gather(*(keep_inferring() for _ in range(2 * settings.decode_workers)))
        elapsed = time.perf_counter() - begun
    await pipeline.close()
    row: Row = {
        "tracks/s": len(clocks) / elapsed,
        "times faster than the music": len(clocks) * TRACK_S / elapsed,
        "share of the time in the network": computing / elapsed,
        "decode s a track": float(np.median([clock.seconds[Stage.DECODE] for clock in clocks])),
        "decoders": settings.decode_workers,
        "cores": os.cpu_count(),
    }
    title = f"Tracks of {TRACK_S} s (MP3) for {elapsed:.0f} s, {path}, {engine.precision}"
    publish(f"gpu-tracks-{path.replace(' ', '-')}", title, [row])


def _written(folder: Path, count: int) -> Iterator[Path]:
    """Files of the same audio, in turns for ever."""
    paths = []
    for number, mp3 in enumerate(islice(lookalikes(encoded(TRACK_S)), count)):
        paths.append(folder / str(number))
        paths[-1].write_bytes(mp3)
    while True:
        yield from paths


def _seconds(engine: Engine, batch: Windows) -> float:
    begun = time.perf_counter()
    engine.score(batch)
    return time.perf_counter() - begun


def _noise(shape: tuple[int, ...]) -> Windows:
    return np.random.RandomState(0).random_sample(shape).astype(np.float32)


def _flop(network: keras.Model) -> float:
    """Arithmetic of one window: a multiplication and an addition for each weight it is held to."""
    flop = 0
    for layer in network.layers:
        if isinstance(layer, keras.layers.Dense):
            flop += 2 * math.prod(layer.kernel.shape)
        elif hasattr(layer, "kernel"):
            flop += 2 * math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1])
    return flop


def _peak_flops(precision: Precision) -> float:
    """What the device reaches on a large product of matrices in this precision."""
    kind = tf.bfloat16 if precision is Precision.BF16 else tf.float32
    matrix = tf.cast(tf.random.uniform((MATRIX, MATRIX)), kind)
    product = tf.function(lambda: tf.reduce_sum(matrix @ matrix))
    product().numpy()
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        product().numpy()
        times.append(time.perf_counter() - begun)
    return 2 * MATRIX**3 / min(times)
