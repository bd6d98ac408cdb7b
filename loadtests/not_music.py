"""Sounds that are no music: noise and tones computed here, speech recorded and synthetic."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from app.audio.limits import AudioLimits
from app.domain import Samples
from app.errors import RequestError
from testing.sounds import decoded

RATE, SECONDS, WINDOWS = 16_000, 18, 6
"""A clip lasts so long; it holds so many windows."""
TIME = np.arange(SECONDS * RATE) / RATE
ANY_LENGTH = AudioLimits(RATE, 0, 600)

NOT_SPEECH = {"beep", "beeperr", "ascending-2tone", "descending-2tone", "tt-monkeys"}
"""Announcements without a word."""
VOICES = ("en-gb", "en-us", "en-gb-scotland", "en-029", "de", "fr", "es", "it", "pl", "fi")
READ_ALOUD = "The harbour office opens at seven, and the first ferry leaves at ten past eight. " * 5


def sine(hz: float) -> np.ndarray:
    """A pure tone of a clip's length."""
    return np.asarray(np.sin(2 * np.pi * hz * TIME))


def at_level(sound: np.ndarray, dbfs: float = -15) -> Samples:
    """Scale to an RMS level, and clip as a recording would."""
    scaled = (sound - sound.mean()) / sound.std() * 10 ** (dbfs / 20)
    return np.asarray(np.clip(scaled, -1, 1), np.float32)


def noises(random: np.random.RandomState) -> Iterator[Samples]:
    """Coloured, band-limited, swelling, interrupted and crackling noise."""
    hz = np.fft.rfftfreq(len(TIME), 1 / RATE)

    def noise(power: float, low: float = 5, high: float = 8000) -> np.ndarray:
        gain = np.where((hz >= low) & (hz <= high), np.maximum(hz, 1) ** (-power / 2), 0)
        return np.fft.irfft(np.fft.rfft(random.standard_normal(len(TIME))) * gain)

    for level in (-6, -20, -35, -50):
        yield from (at_level(noise(power), level) for power in (0, 1, 2))
        for low, high in ((20, 200), (300, 3400), (900, 1100), (1000, 2000), (4000, 8000)):
            yield at_level(noise(0, low, high), level)
    for swell in (sine(per_second) for per_second in (0.1, 0.5, 2, 4, 8, 30)):
        yield from (at_level(noise(power) * (1 + swell)) for power in (0, 1))
        yield at_level(noise(1) * (swell > 0))
    for per_second in (2, 5, 20, 100, 500):
        hits = random.uniform(size=len(TIME)) < per_second / RATE
        crackle = np.where(hits, random.uniform(-1, 1, len(TIME)), 0).astype(np.float32)
        yield crackle
        yield crackle * np.float32(0.5) + at_level(noise(1), -40)


def tones(random: np.random.RandomState) -> Iterator[Samples]:
    """Sine, square and saw waves, chirps, mains hum, telephone signals, clicks, metronomes."""
    for hz in (55, 110, 220, 440, 660, 880, 1000, 1500, 2000, 3000, 4000, 6000):
        yield from (at_level(sine(hz), level) for level in (-9, -35))
    for hz in (55, 110, 220, 440, 880):
        yield from (at_level(np.sign(sine(hz))), at_level(TIME * hz % 1))
    for low, high, seconds in ((50, 7500, 18), (7500, 50, 18), (100, 4000, 3), (300, 3000, 0.25)):
        rise = np.log(high / low) / seconds
        yield at_level(np.sin(2 * np.pi * low * np.expm1(rise * (TIME % seconds)) / rise))
    for hz in (50, 60):
        hum = np.sum([sine(hz * harmonic) / harmonic for harmonic in (1, 2, 3, 5, 7, 9)], axis=0)
        yield from (at_level(hum, level) for level in (-20, -35, -50))
        yield at_level(hum + random.standard_normal(len(TIME)) / 10)
    yield from telephone(random)
    for bpm in (40, 60, 90, 120, 160, 200):
        since_beat = TIME % (60 / bpm)
        yield np.where(since_beat < 0.001, 0.8, 0).astype(np.float32)
        yield at_level(np.exp(-60 * since_beat) * sine(1000), -25)


def telephone(random: np.random.RandomState) -> Iterator[Samples]:
    """Dial, ring and busy tones, keys held down, and numbers dialled."""
    for low, high, seconds in ((350, 440, 99), (440, 480, 2), (480, 620, 0.5), (425, 425, 0.25)):
        yield at_level((sine(low) + sine(high)) * (TIME % (2 * seconds) < seconds))
    keys = [sine(row) + sine(key) for row in (697, 770, 852, 941) for key in (1209, 1336, 1477)]
    yield from (at_level(key) for key in keys[::3])
    for seconds in (0.1, 0.2):
        dialled = random.randint(len(keys), size=99)[(TIME / seconds / 2).astype(int)]
        yield at_level(np.choose(dialled, keys) * (TIME % (2 * seconds) < seconds))


def with_medleys(steady: list[Samples], random: np.random.RandomState) -> Iterator[Samples]:
    """The clips, and ten that play six of them in turn, so that not all is steady."""
    yield from steady
    for _ in range(10):
        picked = random.choice(len(steady), WINDOWS, replace=False)
        yield np.concatenate([steady[pick][: len(TIME) // WINDOWS] for pick in picked])


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
    """A text read by voices of espeak-ng, where it is installed."""
    for voice in VOICES if shutil.which("espeak-ng") else ():
        for variant in ("", "+f2", "+m3"):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "speech.wav"
                subprocess.run(
                    ["espeak-ng", "-v", voice + variant, "-w", path, READ_ALOUD], check=True
                )
                yield decoded(path, ANY_LENGTH)[: len(TIME)]
