"""Arithmetic and speed of models with all filters, without constant and without negligible ones.

    python -m loadtests.serving.folding mtt-musicnn msd-musicnn --rounds 9

They run in OpenVINO, in float32 and, as the service does on CPUs without bf16, in 8 bits. They
take turns, so that the ratios hold on a machine whose speed changes. CPU seconds count all threads.
"""

import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Annotated

import numpy as np
import typer

from app.domain import Precision, Windows
from app.inference.engine import Engine
from app.inference.openvino_engine import OpenVINOEngine
from app.inference.quantisation import computes_int8, has_tall_filters
from app.store.manifest.manifest import Manifest
from app.store.registry.loading import TrackModel, load
from loadtests.engines import STORE, extractor_of, manifest_of, whole
from loadtests.report import Row, publish, spread
from loadtests.zoo.probe import flop

SECONDS = 60
BASE = "without constant filters"

Times = dict[str, list[tuple[float, float]]]
"""For each network the wall and the CPU seconds of each round."""


def main(models: list[str], rounds: Annotated[int, typer.Option(min=1)] = 5) -> None:
    """Measure and print."""
    rows: list[Row] = []
    for name in models:
        manifest = manifest_of(name)
        loaded = networks(manifest)
        extractor = extractor_of(manifest)
        engines = {
            title: OpenVINOEngine(model, precision, extractor)
            for title, (model, precision) in loaded.items()
        }
        times = measure(engines, rounds)
        rows += [
            {
                "model": name,
                "network": title,
                "GFLOP a window": f"{flop(model.network) / 1e9:.3f}",
                "arithmetic": precision,
                "s": spread([wall for wall, _ in times[title]]),
                "CPU s": spread([cpu for _, cpu in times[title]]),
                f"CPU s, {BASE} / this": spread(
                    [
                        base / own
                        for (_, base), (_, own) in zip(times[BASE], times[title], strict=True)
                    ],
                    2,
                ),
            }
            for title, (model, precision) in loaded.items()
        ]
    publish("folding-speed", f"{rounds} rounds of {SECONDS} s (min / median / max)", rows)


def networks(manifest: Manifest) -> dict[str, tuple[TrackModel, Precision]]:
    """The networks of a model, and their arithmetic."""
    served = load(STORE, manifest, exact=False)
    loaded = {
        "published": (whole(manifest, Precision.FLOAT32), Precision.FLOAT32),
        BASE: (load(STORE, manifest), Precision.FLOAT32),
        "without negligible filters": (served, Precision.FLOAT32),
    }
    if has_tall_filters(manifest) and computes_int8():
        loaded["tall filters in 8 bits"] = (served, Precision.INT8)
    return loaded


def measure(engines: Mapping[str, Engine], rounds: int) -> Times:
    """The times of each engine, which score the same windows in turn."""
    times: Times = defaultdict(list)
    spec = next(iter(engines.values())).window_spec
    count = round(SECONDS / spec.window_s)
    random = np.random.default_rng(1)
    windows = random.uniform(0, 4, (count, *spec.window_shape)).astype(np.float32)
    for _ in range(rounds):
        for title, engine in engines.items():
            begun, cpu = time.perf_counter(), time.process_time()
            run(engine, windows)
            times[title].append((time.perf_counter() - begun, time.process_time() - cpu))
    return times


def run(engine: Engine, windows: Windows) -> None:
    """Score windows in batches of the size that the service uses."""
    for start in range(0, len(windows), engine.batch_windows):
        engine.score(windows[start : start + engine.batch_windows])


if __name__ == "__main__":
    typer.run(main)
