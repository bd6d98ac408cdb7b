"""Sounds as samples and as files, and properties of decoded files."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile

from app.audio.decoders.track_reader import TrackReader
from app.audio.limits import AudioLimits
from app.samples import sample_shape

Sound = npt.NDArray[np.float32]

LIMITS = AudioLimits(sample_rate=16_000, min_duration_s=0.5, max_duration_s=10.0)
BLOCK_FRAMES = 2**17
"""libsndfile's Vorbis encoder crashes on more at a time."""

TONE_HZ = 440.0
TONE_LEVEL = 0.5


def decoded(file: Path | bytes, limits: AudioLimits = LIMITS) -> Sound:
    """A whole file, or the bytes of one, decoded in this very process."""
    with opened(file) as source:
        nothing = np.empty((0, *sample_shape(limits.channels)), np.float32)
        return np.concatenate([nothing, *TrackReader(source, limits).samples()])


@contextmanager
def opened(file: Path | bytes) -> Iterator[BinaryIO]:
    """A file as decoders are given one: open and without a buffer."""
    if isinstance(file, Path):
        with file.open("rb", buffering=0) as source:
            yield source
    else:
        with TemporaryFile(buffering=0) as source:
            source.write(file)
            source.seek(0)
            yield source


def tone(rate: int, seconds: float = 2.0) -> Sound:
    """A sine, (samples,)."""
    time = np.arange(round(rate * seconds)) / rate
    return (TONE_LEVEL * np.sin(2 * np.pi * TONE_HZ * time)).astype(np.float32)


def pitch_hz(sound: Sound) -> float:
    """Return the frequency, in Hz, of the highest peak in the spectrum of decoded samples."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum)) * LIMITS.sample_rate / len(sound)


def noise(samples: int, seed: int = 1) -> Sound:
    """White noise at a tenth of full scale, (samples,)."""
    return (0.1 * np.random.RandomState(seed).standard_normal(samples)).astype(np.float32)


def encoded(sound: Sound, rate: int, container: str = "WAV", codec: str | None = None) -> bytes:
    """A file as libsndfile writes it, (samples,) or (samples, channels)."""
    file = io.BytesIO()
    channels = 1 if sound.ndim == 1 else sound.shape[1]
    with soundfile.SoundFile(file, "w", rate, channels, codec, format=container) as writer:
        for start in range(0, len(sound), BLOCK_FRAMES):
            writer.write(sound[start : start + BLOCK_FRAMES])
    return file.getvalue()


def piped(flac: bytes) -> bytes:
    """The FLAC as an encoder writes it to a pipe, which cannot seek back to write the length.

    STREAMINFO begins at byte 8; the length in samples is the low 36 bits of its bytes 13 to 17.
    """
    return flac[:21] + bytes([flac[21] & 0xF0, 0, 0, 0, 0]) + flac[26:]
