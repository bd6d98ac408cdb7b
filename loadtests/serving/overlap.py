"""The default answer against the longer of its two halves: decoding alone, both networks alone.

`python -m loadtests.serving.overlap [ROUNDS]` decodes three minutes of MP3 as the service does, but
in this process; has both networks score its windows on all cores; and uploads it. A request whose
decoding and inference overlapped completely would take as long as the longer one.
"""

import time
from collections import defaultdict
from tempfile import TemporaryFile

import numpy as np
from rich.progress import track

from app.audio.decoders.track_reader import TrackReader
from app.audio.limits import AudioLimits
from app.settings import Settings
from loadtests.engines import best, extractor_of, manifest_of
from loadtests.lookalikes import lookalikes
from loadtests.report import argument, out, publish, spread
from loadtests.service import service
from loadtests.serving.reference_pipeline import RATE, decoded, resampled, scores_of, windows_of
from loadtests.tracks import encoded
from testing.server import Server

ROUNDS = 7
SECONDS = 165
LIMITS = AudioLimits(RATE, 0.5, 600.0)


def main() -> None:
    """Measure and print."""
    rounds = argument(ROUNDS)
    mp3 = encoded(SECONDS)
    waveform = resampled(*decoded(mp3))
    manifests = [manifest_of(name) for name in Settings().models]
    engines = [best(manifest, extractor_of(manifest)) for manifest in manifests]
    windows = [windows_of(waveform, engine) for engine in engines]
    tracks = lookalikes(mp3)
    times = defaultdict[str, list[float]](list)
    with service() as server:
        _request(server, next(tracks))  # warms up
        for _ in track(range(rounds), "overlap", console=out, transient=True):
            times["decoding alone"].append(_decode(mp3))
            begun = time.perf_counter()
            for engine, of_engine in zip(engines, windows, strict=True):
                scores_of(engine, of_engine)
            times["both networks alone"].append(time.perf_counter() - begun)
            times["the request"].append(_request(server, next(tracks)))
    longer = np.maximum(times["decoding alone"], times["both networks alone"])
    rows = [
        {
            "what": what,
            "s": spread(taken),
            "to the longer half": spread(np.divide(taken, longer).tolist(), 2),
        }
        for what, taken in times.items()
    ]
    publish("overlap", f"The default answer to {SECONDS} s of MP3, {rounds} rounds", rows)


def _decode(mp3: bytes) -> float:
    with TemporaryFile(buffering=0) as file:
        file.write(mp3)
        begun = time.perf_counter()
        for _ in TrackReader(file, LIMITS).samples():
            pass
        return time.perf_counter() - begun


def _request(server: Server, mp3: bytes) -> float:
    begun = time.perf_counter()
    answer = server.http.post("/suggest-tags", files={"file": mp3}).raise_for_status()
    seconds = time.perf_counter() - begun
    assert not answer.json()["cached"]
    return seconds


if __name__ == "__main__":
    main()
