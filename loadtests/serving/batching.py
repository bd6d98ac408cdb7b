"""Costs and gains of batching: batch sizes, a single caller, and many at once.

`python -m loadtests.serving.batching [ROUNDS]` feeds the batcher in this process with the windows
of a three-minute track, without decoding. It alternates with calling the engine directly.
"""

import asyncio
import time
from collections import defaultdict

import numpy as np
from rich.progress import track

from app.domain import Windows
from app.inference.batcher import Batcher
from app.inference.engine import Engine
from app.metrics import Metrics
from app.services import make_batch_limits
from app.settings import Settings
from app.stages import StageClock
from loadtests.engines import MODEL, best, extractor_of, manifest_of
from loadtests.report import Row, argument, out, publish, spread
from loadtests.serving.reference_pipeline import decoded, resampled, windows_of
from loadtests.tracks import encoded

ROUNDS = 5
SECONDS = 180
SIZES = (1, 2, 4, 8, 16, 32, 60)
CALLERS = (1, 2, 4, 8, 16)
PIECE_WINDOWS = 4


def main() -> None:
    """Measure and print."""
    rounds = argument(ROUNDS)
    manifest = manifest_of()
    engine = best(manifest, extractor_of(manifest))
    waveform = resampled(*decoded(encoded(SECONDS)))
    windows = windows_of(waveform, engine)
    best_size = sizes(engine, windows, rounds)
    asyncio.run(callers(engine, windows, best_size, rounds))


def sizes(engine: Engine, windows: Windows, rounds: int) -> int:
    """Windows per second by batch size, measured in turns; return the fastest size."""
    rates: dict[int, list[float]] = defaultdict(list)
    for _ in track(range(rounds), "batch sizes", console=out, transient=True):
        for size in SIZES:
            rates[size].append(len(windows) / _direct(engine, windows, size))
    rows: list[Row] = [
        {"batch windows": size, "windows/s min / median / max": spread(rates[size], 0)}
        for size in SIZES
    ]
    title = f"Batch sizes: {MODEL} on {engine.backend} {engine.precision}, {rounds} rounds"
    publish("batching-sizes", title, rows, [f"The service takes {engine.batch_windows}."])
    return max(SIZES, key=lambda size: np.median(rates[size]))


async def callers(engine: Engine, windows: Windows, best_size: int, rounds: int) -> None:
    """Callers at once through the batcher, against the engine alone on as many windows."""
    batcher = Batcher(make_batch_limits(Settings()), Metrics())
    batched: dict[int, list[float]] = defaultdict(list)
    alone: dict[str, list[float]] = defaultdict(list)
    for _ in track(range(rounds), "callers", console=out, transient=True):
        for count in CALLERS:
            seconds = _direct(engine, windows, best_size)
            same_size = _direct(engine, windows, engine.batch_windows)
            begun = time.perf_counter()
            await asyncio.gather(*(_call(batcher, engine, windows) for _ in range(count)))
            batched[count].append(time.perf_counter() - begun)
            alone[f"best {count}"].append(seconds * count)
            alone[f"same {count}"].append(same_size * count)
    await batcher.close()
    rows: list[Row] = []
    for count in CALLERS:
        rates = np.divide(alone[f"best {count}"], batched[count])
        overhead = np.subtract(batched[count], alone[f"same {count}"]) * 1000 / count
        rows.append(
            {
                "callers at once": count,
                "s min / median / max": spread(batched[count]),
                "throughput against the engine alone": spread(rates.tolist(), 2),
                "overhead ms a track": spread(overhead.tolist(), 1),
            }
        )
    notes = [
        f"Each caller has {len(windows)} windows. Throughput: against the engine called in a loop "
        f"at its best batch of {best_size}. Overhead: against batches of the service's own size."
    ]
    publish("batching-callers", f"The batcher, {rounds} rounds", rows, notes)


async def _call(batcher: Batcher, engine: Engine, windows: Windows) -> None:
    with batcher.request_queue(StageClock()) as request_queue:
        for start in range(0, len(windows), PIECE_WINDOWS):
            await batcher.put(request_queue, windows[start : start + PIECE_WINDOWS], [engine])
        await request_queue.scores(engine)


def _direct(engine: Engine, windows: Windows, size: int) -> float:
    begun = time.perf_counter()
    for start in range(0, len(windows), size):
        engine.score(windows[start : start + size])
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
