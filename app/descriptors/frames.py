"""Cut a track into frames, and compute their spectra in blocks, so that memory stays bounded.

Neither descriptors nor figures call functions of librosa that numba compiles to gufuncs, such as
`onset_detect`: two processes that fill numba's cache at the same time leave one in which each later
call is a segmentation fault.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import librosa
import numpy as np
import numpy.typing as npt

from app.domain import Samples

Magnitudes = npt.NDArray[np.float32]
"""(bins, frames): the magnitudes of a short-time Fourier transform."""

Rows = npt.NDArray[np.float32]
"""(rows, frames): several values of each frame."""

N_FFT = 2048
HOP = 256
BLOCK_FRAMES = 4096
"""The frames of a block: 17 MB of magnitudes."""

MIN_SAMPLE_RATE = 16_000
"""In Hz. Below it, the highest band of the spectral contrast would be empty."""

N_MELS = 64
POWER_FLOOR = 1e-4
"""Power of a mel band that counts as silence, about 75 dB below that of a full-scale tone."""

SILENCE = 1e-2
"""The largest magnitude of a silent frame; a full-scale tone has 512."""


@dataclass(frozen=True)
class Statistic:
    """The mean and the standard deviation over the frames of a track that are not silent."""

    mean: float
    std: float

    @classmethod
    def of(cls, values: npt.NDArray[np.float32]) -> "Statistic":
        """Return the statistic of values, (frames,)."""
        return cls(float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64)))


def check_waveform(samples: Samples, sample_rate: int) -> None:
    """Check the input of the descriptors.

    Args:
        samples: (samples,) float32, mono.
        sample_rate: In Hz.

    Raises:
        ValueError: It is empty, not mono, not finite, or its sample rate is too low.
    """
    if samples.ndim != 1 or not len(samples):
        raise ValueError(f"samples: the shape {samples.shape} is not valid; give (samples,)")
    if not np.isfinite(samples).all():
        raise ValueError("samples: some are not finite; give samples of a decoded file")
    if sample_rate < MIN_SAMPLE_RATE:
        raise ValueError(
            f"sample_rate: {sample_rate} Hz is too low; give at least {MIN_SAMPLE_RATE} Hz"
        )


def magnitude_blocks(samples: Samples) -> Iterator[Magnitudes]:
    """Yield the magnitudes of all whole frames, `BLOCK_FRAMES` frames at a time.

    A track that is shorter than a frame is padded with silence.

    Args:
        samples: (samples,) float32.

    Yields:
        (`N_FFT` / 2 + 1, frames) float32; frame i of the track starts at sample i * `HOP`.
    """
    padded = np.pad(samples, (0, max(0, N_FFT - len(samples))))
    frames = 1 + (len(padded) - N_FFT) // HOP
    for first in range(0, frames, BLOCK_FRAMES):
        count = min(BLOCK_FRAMES, frames - first)
        block = padded[first * HOP : (first + count - 1) * HOP + N_FFT]
        yield np.abs(librosa.stft(block, n_fft=N_FFT, hop_length=HOP, center=False))


def log_mels(magnitudes: Magnitudes, sample_rate: int) -> Rows:
    """Return the mel bands in decibels, with a floor: (`N_MELS`, frames)."""
    mels = librosa.feature.melspectrogram(S=magnitudes**2, sr=sample_rate, n_mels=N_MELS)
    decibels: Rows = librosa.power_to_db(mels, ref=1.0, amin=POWER_FLOOR, top_db=None)
    return decibels
