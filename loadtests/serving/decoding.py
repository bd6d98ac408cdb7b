"""What decoding costs by each library: `python -m loadtests.serving.decoding [ROUNDS]`.

Each file is decoded in this process, by libsndfile alone and as the service does, in turns: the
seconds of CPU, and round by round the ratio.
"""

import time
from dataclasses import replace
from tempfile import TemporaryFile

import numpy as np
import soxr
from rich.progress import track

from app.audio.decoders.track_reader import TrackReader
from app.audio.limits import AudioLimits
from app.domain import Decoders
from app.errors import RequestError
from loadtests.report import argument, out, publish, spread
from loadtests.tracks import RATE, audio, encoded
from testing.sounds import encoded as written

ROUNDS = 3
SECONDS, OPUS_SECONDS = 165, 600
OPUS_RATE = 48_000
LIMITS = AudioLimits(16_000, 0.5, 700.0)
ALONE = replace(LIMITS, decoders=Decoders.SOUNDFILE)


def files() -> dict[str, bytes]:
    """A song in each format, and ten minutes of Opus."""
    endings = ("mp3", "ogg", "flac", "wav", "m4a")
    made = {f"{SECONDS} s of {ending}": encoded(SECONDS, ending=ending) for ending in endings}
    song = np.clip(soxr.resample(audio(OPUS_SECONDS), RATE, OPUS_RATE), -1, 1)
    made[f"{OPUS_SECONDS} s of opus"] = written(song, OPUS_RATE, "OGG", "OPUS")
    return made


def cpu_s(data: bytes, limits: AudioLimits) -> float | None:
    """Return the seconds of CPU; none if it cannot be read."""
    with TemporaryFile(buffering=0) as file:
        file.write(data)
        begun = time.process_time()
        try:
            for _ in TrackReader(file, limits).samples():
                pass
        except RequestError:
            return None
        return time.process_time() - begun


def main() -> None:
    """Measure and print."""
    rounds = argument(ROUNDS)
    rows = []
    for name, data in files().items():
        pairs = [
            (cpu_s(data, LIMITS), cpu_s(data, ALONE))
            for _ in track(range(rounds), name, console=out, transient=True)
        ]
        ours = [taken for taken, _ in pairs if taken]
        alone = [(taken, other) for taken, other in pairs if taken and other]
        rows.append(
            {
                "file": name,
                "the service, s of CPU": spread(ours),
                "libsndfile alone": spread([other for _, other in alone]) if alone else "-",
                "ratio": spread([taken / other for taken, other in alone]) if alone else "-",
            }
        )
    publish("decoding", f"Decoding: min / median / max of {rounds} rounds", rows)


if __name__ == "__main__":
    main()
