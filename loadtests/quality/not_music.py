"""Sounds that are not music: generated noise and tones, recorded and synthetic speech."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from zlib import crc32

import numpy as np

from app.audio.limits import AudioLimits
from app.domain import Samples
from app.errors import RequestError
from loadtests.quality.synthetic_sounds import NOISE, RATE, TIME, TONES, make
from testing.sounds import decoded

SOUNDS = 16
"""Of each kind of noise or tones."""
SEED = 20260101
"""Of the made sounds."""
ANY_LENGTH = AudioLimits(RATE, 0, 600)

NOT_SPEECH = {"beep", "beeperr", "ascending-2tone", "descending-2tone", "tt-monkeys"}
"""Announcements without a word."""
VOICES = ("en-gb", "en-us", "en-gb-scotland", "en-029", "de", "fr", "es", "it", "pl", "fi")
READ_ALOUD = "The harbour office opens at seven, and the first ferry leaves at ten past eight. " * 5


def noise_and_tones() -> Iterator[tuple[str, str, Samples]]:
    """Yield sounds with their name and kind; the same ones in each run."""
    for what, kinds in (("noise", NOISE), ("tones", TONES)):
        for name, kind in kinds.items():
            random = np.random.default_rng([SEED, crc32(name.encode())])
            yield from ((what, name, make(kind, random)) for _ in range(SOUNDS))


def announcements(folder: Path) -> Iterator[Samples]:
    """Recorded announcements, one after the other with short breaks, cut into clips."""
    speech = []
    for path in sorted(folder.rglob("*.wav")):
        if path.stem not in NOT_SPEECH:
            with suppress(RequestError):  # silence
                speech += [decoded(path, ANY_LENGTH), np.zeros(RATE // 4, np.float32)]
    joined = np.concatenate(speech)
    yield from joined[: len(joined) // len(TIME) * len(TIME)].reshape(-1, len(TIME))


def synthetic_speech() -> Iterator[Samples]:
    """A text read by voices of espeak-ng, if it is installed."""
    for voice in VOICES if shutil.which("espeak-ng") else ():
        for variant in ("", "+f2", "+m3"):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "speech.wav"
                subprocess.run(
                    ["espeak-ng", "-v", voice + variant, "-w", path, READ_ALOUD], check=True
                )
                yield decoded(path, ANY_LENGTH)[: len(TIME)]
