"""Each stage of a request alone, and the whole request: the overhead between them.

`python -m loadtests.serving.stages [ROUNDS]` analyses three minutes of music in each format, in
turns: the stages in this process, one after the other, then the whole request over HTTP. Each round
has new tracks. It also compares the engines on the same windows, with and without the constant
filters that `app.models.folding` removes.

With `--timeline` it draws instead what the service computes when: see `loadtests.serving.timeline`.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
from rich.progress import track

from app.inference.engine import Engine
from app.inference.features import FeatureExtractor
from app.store.manifest.manifest import Manifest
from loadtests.engines import MODEL, as_published, best, extractor_of, manifest_of, served
from loadtests.report import Row, argument, out, publish, spread
from loadtests.service import service, stage_seconds
from loadtests.serving import timeline
from loadtests.serving.reference_pipeline import decoded, resampled, scores_of, windows_of
from loadtests.tracks import FORMATS, encoded
from testing.server import Server

ROUNDS = 4
SECONDS = 180

T = TypeVar("T")
Times = dict[str, list[float]]


def main() -> None:
    """Measure and print."""
    rounds = argument(ROUNDS)
    manifest = manifest_of()
    extractor = extractor_of(manifest)
    engine = best(manifest, extractor)
    engine_rounds(manifest, extractor, rounds)
    alone: Times = defaultdict(list)
    whole: Times = defaultdict(list)
    durations: Times = defaultdict(list)
    with service({"TAGGRAM_MODELS": f'["{MODEL}"]'}) as server:
        for ending in FORMATS:
            _post(server, encoded(SECONDS, 300, ending), ending, durations)  # warms up
        durations.clear()
        for number in track(range(rounds), "stages", console=out, transient=True):
            for ending in FORMATS:
                file = encoded(SECONDS, number, ending)
                _stages(file, ending, engine, alone)
                whole[ending].append(_post(server, file, ending, durations))
    _publish_stages(rounds, engine, alone, durations)
    _publish_ratios(rounds, alone, whole)


def engine_rounds(manifest: Manifest, extractor: FeatureExtractor, rounds: int) -> None:
    """Compare the engines on the windows of one track, in turns."""
    waveform = resampled(*decoded(encoded(SECONDS)))
    engines = {f"{e.backend} {e.precision}": e for e in served(manifest, extractor)}
    engines |= {f"{name}, all filters": e for name, e in as_published(manifest, extractor).items()}
    windows = {name: windows_of(waveform, engine) for name, engine in engines.items()}
    exact = "tensorflow float32, all filters"
    reference = scores_of(engines[exact], windows[exact])
    times: Times = defaultdict(list)
    for _ in track(range(rounds), "engines", console=out, transient=True):
        for name, engine in engines.items():
            _timed(times[name], scores_of, engine, windows[name])
    fastest = min(engines, key=lambda name: np.median(times[name]))
    rows: list[Row] = []
    for name, engine in engines.items():
        off = np.abs(scores_of(engine, windows[name]) - reference)
        rows.append(
            {
                "engine": name,
                "s min / median / max": spread(times[name]),
                f"ratio to {fastest}": spread(np.divide(times[name], times[fastest]).tolist(), 2),
                "largest difference": f"{off.max():.1e}",
            }
        )
    title = f"The network alone: {len(reference)} windows of {MODEL}, {rounds} rounds"
    notes = [
        "Differences are to TensorFlow with all filters. On a GPU frames are part of the network."
    ]
    publish("stages-engines", title, rows, notes)


def _stages(file: bytes, ending: str, engine: Engine, times: Times) -> None:
    """Time each stage alone, one after the other."""
    samples = _timed(times[f"decode {ending}"], decoded, file)
    waveform = _timed(times[f"mix and resample {ending}"], resampled, *samples)
    windows = _timed(times["mel"], windows_of, waveform, engine)
    _timed(times["CNN"], scores_of, engine, windows)
    times[f"sum {ending}"].append(
        sum(times[stage][-1] for stage in (*_of_format(ending), "mel", "CNN"))
    )


def _of_format(ending: str) -> tuple[str, str]:
    return f"decode {ending}", f"mix and resample {ending}"


def _timed(times: list[float], work: Callable[..., T], *arguments: object) -> T:
    begun = time.perf_counter()
    result = work(*arguments)
    times.append(time.perf_counter() - begun)
    return result


def _post(server: Server, file: bytes, ending: str, durations: Times) -> float:
    """Upload a track; return the client's seconds, and those of each stage of the server."""
    begun = time.perf_counter()
    answer = server.http.post("/suggest-tags", params={"model": MODEL}, files={"file": file})
    seconds = time.perf_counter() - begun
    answer.raise_for_status()
    assert not answer.json()["cached"]
    for stage, stage_s in stage_seconds(answer.headers).items():
        durations[f"{ending}: {stage}"].append(stage_s)
    return seconds


def _publish_stages(rounds: int, engine: Engine, alone: Times, durations: Times) -> None:
    rows: list[Row] = [
        {"stage": stage, "s min / median / max": spread(times)}
        for stage, times in alone.items()
        if not stage.startswith("sum ")
    ]
    title = f"Each stage alone: {SECONDS} s, {engine.backend} {engine.precision}, {rounds} rounds"
    publish("stages-alone", title, rows)
    rows = [
        {"stage": stage, "s min / median / max": spread(times)}
        for stage, times in durations.items()
    ]
    notes = ["Decoding and inference overlap: their sum is more than the total."]
    publish("stages-told", "The same in the service, by its Server-Timing", rows, notes)


def _publish_ratios(rounds: int, alone: Times, whole: Mapping[str, list[float]]) -> None:
    rows: list[Row] = [
        {
            "format": ending,
            "stages one by one s": spread(alone[f"sum {ending}"]),
            "whole request s": spread(times),
            "ratio": spread(np.divide(times, alone[f"sum {ending}"]).tolist(), 2),
        }
        for ending, times in whole.items()
    ]
    notes = [
        "Stages one by one: soundfile.read, channels added, soxr HQ, mel, CNN, in one process. The "
        "request is timed by its client, upload and answer included. Minimum / median / maximum."
    ]
    publish("stages-whole", f"The request against its stages, {rounds} rounds", rows, notes)


if __name__ == "__main__":
    if "--timeline" in sys.argv:
        timeline.main()
    else:
        main()
