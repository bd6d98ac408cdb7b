"""Valid files with extreme samples."""

import numpy as np

from app.errors import Kind
from testing.corpus.hostile import Files, Hostile
from testing.corpus.wav import FLOAT, wav
from testing.sounds import noise, tone

SILENT, UNDECODABLE = Kind.SILENT_AUDIO, Kind.UNDECODABLE_AUDIO

RATE = 16_000


def floats(samples: np.ndarray, rate: int = RATE, bits: int = 32) -> bytes:
    """A WAV of floats, (samples,) or (samples, channels)."""
    channels = samples.shape[1] if samples.ndim > 1 else 1
    data = samples.astype(f"<f{bits // 8}").tobytes()
    return wav(data, tag=FLOAT, bits=bits, rate=rate, channels=channels)


def with_one(value: float, bits: int = 32) -> bytes:
    """Noise with one sample of this value."""
    samples = noise(RATE).astype(np.float64)
    samples[RATE // 2] = value
    return floats(samples, bits=bits)


def constant(value: float, seconds: float = 1.0) -> bytes:
    """The same sample all along."""
    return floats(np.full(round(seconds * RATE), value))


def ultrasound() -> bytes:
    """A tone at 30 kHz that fades in and out, as sudden edges would be audible."""
    samples = np.sin(2 * np.pi * 30_000 * np.arange(96_000) / 96_000) * np.hanning(96_000)
    return floats(samples, 96_000)


FILES: Files = {
    "sound with a NaN": Hostile(UNDECODABLE, lambda: with_one(np.nan)),
    "sound of NaN": Hostile(UNDECODABLE, lambda: constant(np.nan)),
    "sound with an infinity": Hostile(UNDECODABLE, lambda: with_one(np.inf)),
    "sound with a negative infinity": Hostile(UNDECODABLE, lambda: with_one(-np.inf)),
    "sound with a sample of 3e38": Hostile(UNDECODABLE, lambda: with_one(3e38)),
    "sound with a sample of -4e8": Hostile(UNDECODABLE, lambda: with_one(-4e8)),
    "sound with a sample of 1e300": Hostile(UNDECODABLE, lambda: with_one(1e300, bits=64)),
    "sound with a sample of 900": Hostile(1.0, lambda: with_one(900.0)),
    "sound with a NaN in the second channel": Hostile(
        UNDECODABLE, lambda: floats(np.stack([noise(RATE), np.full(RATE, np.nan)], axis=1))
    ),
    "sound whose channels overflow in their sum": Hostile(
        UNDECODABLE, lambda: floats(np.full((RATE, 2), 3e38))
    ),
    "sound whose infinities cancel out": Hostile(
        UNDECODABLE, lambda: floats(np.stack([np.full(RATE, np.inf), np.full(RATE, -np.inf)], 1))
    ),
    "sound whose huge channels cancel out": Hostile(
        SILENT, lambda: floats(np.stack([np.full(RATE, 1e30), np.full(RATE, -1e30)], 1))
    ),
    "silence": Hostile(SILENT, lambda: constant(0.0)),
    "silence of negative zeros": Hostile(SILENT, lambda: constant(-0.0)),
    "silence of denormals": Hostile(SILENT, lambda: constant(1e-40)),
    "silence at -66 dB": Hostile(SILENT, lambda: floats(tone(RATE, 1.0) * 1e-3)),
    "a sound at -54 dB": Hostile(1.0, lambda: floats(tone(RATE, 1.0) * 4e-3)),
    "a constant": Hostile(1.0, lambda: constant(0.5)),
    "one click": Hostile(1.0, lambda: floats(np.eye(1, RATE, RATE // 2)[0])),
    "a clipped sound": Hostile(1.0, lambda: floats(np.sign(tone(RATE, 1.0)))),
    "channels that cancel each other out": Hostile(
        SILENT, lambda: floats(np.stack([noise(RATE), -noise(RATE)], axis=1))
    ),
    "ultrasound only": Hostile(SILENT, ultrasound),
    "0.49 s": Hostile(Kind.AUDIO_TOO_SHORT, lambda: constant(0.5, 0.49)),
    "0.5 s": Hostile(0.5, lambda: constant(0.5, 0.5)),
    "one sample": Hostile(Kind.AUDIO_TOO_SHORT, lambda: floats(np.ones(1))),
    "600 s of silence": Hostile(SILENT, lambda: wav(b"\x80" * 8_000 * 600, bits=8, rate=8_000)),
    "601 s of silence": Hostile(
        Kind.AUDIO_TOO_LONG, lambda: wav(b"\x80" * 8_000 * 601, bits=8, rate=8_000)
    ),
}
