"""The mel bands of essentia's MusiCNN input, computed in float64 from their definition."""

import numpy as np
import scipy

from app.domain import Samples

RATE = 16_000


def hertz(mel: np.ndarray) -> np.ndarray:
    """The scale of Slaney's Auditory Toolbox: 15 mel to 1 kHz, then 27 for each factor of 6.4."""
    return np.where(mel < 15, mel * 200 / 3, 1_000 * 6.4 ** ((mel - 15) / 27))


def triangles() -> np.ndarray:
    """The weights (bins, bands) of 96 triangles of unit area, evenly spaced in mel to 8 kHz."""
    edges = hertz(np.linspace(0, 15 + 27 * np.log(8) / np.log(6.4), 98))
    bins = np.linspace(0, 8_000, 257)[:, np.newaxis]
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    return np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low)


def essentia_powers(waveform: Samples) -> np.ndarray:
    """essentia's TensorflowInputMusiCNN of all frames before the logarithm: (frames, bands).

    The frames of its FrameCutter are centred, from sample 0 on, with zeros around the track; its
    Windowing is a symmetric Hann window that is not normalised. (FrameCutter adds noise of -100 dB
    to frames of silence, and may have one more frame at the end of a track.)
    """
    padded = np.pad(waveform.astype(np.float64), 256)
    parts = np.lib.stride_tricks.sliding_window_view(padded, 512)[::256]
    spectra = scipy.fft.rfft(parts * scipy.signal.windows.hann(512, sym=True))
    return np.abs(spectra) ** 2 @ triangles()


def essentia_mels(waveform: Samples) -> np.ndarray:
    return np.log10(1 + 10_000 * essentia_powers(waveform))
