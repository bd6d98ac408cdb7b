"""How fast models are, each in turn with the default one, on the engines that a service chooses.

    TAGGRAM_MODEL_STORE=... python -m loadtests.serving.models yamnet genres --rounds 7

A head is measured with its backbone. A round scores a minute of audio with every model.
"""

import time
from collections import defaultdict
from typing import Annotated

import numpy as np
import typer

from app.domain import Waveform
from app.inference.engine import Engine
from app.inference.selection import AUTO
from app.inference.stacked_engine import choose_whole
from app.store.importers.networks.plausibility import make_clip
from loadtests.engines import MODEL, STORE, manifest_of
from loadtests.report import Row, publish, spread

SECONDS = 60


def main(models: list[str], rounds: Annotated[int, typer.Option(min=1)] = 5) -> None:
    """Measure and print."""
    names = [MODEL, *models]
    engines = {name: choose_whole(STORE, manifest_of(name), AUTO) for name in names}
    taken = defaultdict[str, list[float]](list)
    for _ in range(rounds):
        for name, engine in engines.items():
            taken[name].append(measure(engine))
    rows: list[Row] = [
        {
            "model": name,
            "engine": f"{engine.backend} {engine.precision}",
            "seconds of audio a second": spread([SECONDS / each for each in taken[name]], 0),
            f"times the time of {MODEL}": spread(
                [own / base for own, base in zip(taken[name], taken[MODEL], strict=True)], 2
            ),
        }
        for name, engine in engines.items()
    ]
    publish("models", f"{rounds} rounds of {SECONDS} s (min / median / max)", rows)


def measure(engine: Engine) -> float:
    """Return the seconds that a minute of audio takes, front end included."""
    rate = engine.window_spec.front.sample_rate
    clip = np.resize(make_clip(rate, rate), SECONDS * rate)
    start = time.perf_counter()
    engine.scores(Waveform(clip, rate))
    return time.perf_counter() - start


if __name__ == "__main__":
    typer.run(main)
