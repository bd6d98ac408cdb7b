"""The measuring behind `loadtests.serving.guards`."""

import asyncio
import time
from collections import defaultdict
from tempfile import TemporaryFile

from rich.progress import track

from app.audio.decoders.track_reader import TrackReader
from app.audio.limits import AudioLimits
from app.audio.worker.processes import Decoder
from app.stages import StageClock
from loadtests.report import argument, out, publish, spread
from loadtests.tracks import FORMATS, encoded

ROUNDS = 10
SECONDS = (5, 180)
RATE = 16_000
LIMITS = AudioLimits(RATE, 0.5, 600.0)


async def guarded(decoder: Decoder, data: bytes) -> float:
    """Milliseconds in a decode process."""
    with TemporaryFile(buffering=0) as file:
        file.write(data)
        file.seek(0)
        begun = time.perf_counter()
        async with decoder.decoding(file, StageClock()) as decoding:
            async for _ in decoding.progress():
                pass
        return (time.perf_counter() - begun) * 1000


def bare(data: bytes) -> float:
    """Milliseconds of the same decoder in this process, without any guard."""
    with TemporaryFile(buffering=0) as file:
        file.write(data)
        begun = time.perf_counter()
        for _ in TrackReader(file, LIMITS).samples():
            pass
        return (time.perf_counter() - begun) * 1000


def main() -> None:
    """Measure and print."""
    rounds = argument(ROUNDS)
    decoder = Decoder(LIMITS, workers=1, timeout_s=30)
    files = {(ending, seconds): encoded(seconds, ending=ending)
             for seconds in SECONDS for ending in (*FORMATS, "m4a")}  # fmt: skip
    taken = defaultdict(list)
    with asyncio.Runner() as runner:
        for _ in track(range(rounds), "rounds", console=out, transient=True):
            for name, data in files.items():
                taken[name].append((runner.run(guarded(decoder, data)), bare(data)))
    publish(
        "guards",
        f"Decoding as the service does, and bare: ms, min / median / max of {rounds} rounds",
        [
            {
                "file": f"{seconds} s of {ending}",
                "guarded": spread([ours for ours, _ in pairs], 1),
                "bare": spread([theirs for _, theirs in pairs], 1),
                "more, ms": spread([ours - theirs for ours, theirs in pairs], 1),
            }
            for (ending, seconds), pairs in taken.items()
        ],
    )
