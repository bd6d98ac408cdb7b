"""Tempo and onsets, from the mean rise of the mel bands between frames."""

import math
from dataclasses import dataclass

import librosa
import numpy as np
import numpy.typing as npt
from librosa.onset import onset_strength
from scipy.ndimage import gaussian_filter1d, uniform_filter1d
from scipy.signal import find_peaks

from app.descriptors.frames import HOP, Rows

Envelope = npt.NDArray[np.float64]
"""(frames,): the mean rise of the mel bands since the frame before, in dB."""

Correlation = npt.NDArray[np.float64]
"""(lags,): the autocorrelation of an envelope, 1 at lag 0."""

SLOWEST_BPM, FASTEST_BPM = 40, 240
LIKELY_BPM = 120
"""Of a beat's multiples, which an autocorrelation can't tell apart, the nearest to this tempo in
octaves is the first candidate."""

MIN_STRENGTH = 0.3
"""Below it the tempo is unknown: bursts at random times have up to .13, and of four songs with .25
to .3 none had the same tempo in both halves."""

MIN_RISE_DB = 1.5
"""The rise of an onset, and the least standard deviation of a whole track's envelope, times 10."""

MIN_GAP_S = 0.05
"""The least time between two onsets."""

TREND_S = 4.0
"""Slower changes of the envelope are no beat."""

SMOOTHING_FRAMES = 1.5
REFINING_BEATS = (2, 4, 8)


@dataclass(frozen=True)
class Tempo:
    """A tempo, which is None if the track has no regular beat.

    Attributes:
        bpm: The likeliest tempo, in beats per minute.
        half_bpm: Half of it, which a person may tap as well.
        double_bpm: Double of it, likewise.
        strength: The autocorrelation of the onsets at a beat, 0 to 1; also of an unknown tempo.
    """

    bpm: float | None
    half_bpm: float | None
    double_bpm: float | None
    strength: float


def measure_envelope(mels: Rows, sample_rate: int) -> Envelope:
    """Return the onset envelope of mel bands in decibels, (bands, frames)."""
    envelope: Envelope = onset_strength(
        S=mels, sr=sample_rate, hop_length=HOP, center=False
    ).astype(np.float64)
    return envelope


def measure_onset_rate(envelope: Envelope, sample_rate: int) -> float:
    """Return the onsets per second."""
    frames_per_s = sample_rate / HOP
    peaks, _ = find_peaks(
        envelope, prominence=MIN_RISE_DB, distance=max(1, round(MIN_GAP_S * frames_per_s))
    )
    return len(peaks) / (len(envelope) / frames_per_s)


def measure_tempo(envelope: Envelope, sample_rate: int) -> Tempo:
    """Return the tempo by the autocorrelation of an onset envelope."""
    frames_per_s = sample_rate / HOP
    correlation = _correlate(envelope, frames_per_s)
    lag = _choose_lag(correlation, frames_per_s)
    strength = float(np.clip(correlation[lag], 0, 1)) if lag else 0.0
    if strength < MIN_STRENGTH:
        return Tempo(None, None, None, strength)
    bpm = 60 * frames_per_s / _refine(correlation, lag)
    return Tempo(bpm, bpm / 2, bpm * 2, strength)


def _correlate(envelope: Envelope, frames_per_s: float) -> Correlation:
    """Return the autocorrelation for lags of up to half of the track; empty if it has no onsets."""
    trend = uniform_filter1d(envelope, max(1, round(TREND_S * frames_per_s)))
    changes = gaussian_filter1d(envelope - trend, SMOOTHING_FRAMES)
    if changes.std() < MIN_RISE_DB / 10:
        return np.zeros(0)
    longest = max(REFINING_BEATS) * 60 * frames_per_s / SLOWEST_BPM
    lags = min(len(changes) // 2, round(longest) + 1)
    sums: Correlation = librosa.autocorrelate(changes, max_size=max(1, lags))
    pairs = len(changes) - np.arange(len(sums))
    scaled: Correlation = sums / pairs / (sums[0] / len(changes))
    return scaled


def _choose_lag(correlation: Correlation, frames_per_s: float) -> int:
    """Return the lag of a beat, in frames; 0 if there is no peak."""
    peaks, _ = find_peaks(correlation)
    shortest = math.floor(60 * frames_per_s / FASTEST_BPM)
    longest = math.ceil(60 * frames_per_s / SLOWEST_BPM)
    peaks = peaks[(peaks >= shortest) & (peaks <= longest)]
    if not len(peaks):
        return 0
    likely = np.exp(-0.5 * np.log2(60 * frames_per_s / peaks / LIKELY_BPM) ** 2)
    return int(peaks[np.argmax(correlation[peaks] * likely)])


def _refine(correlation: Correlation, lag: int) -> float:
    """Return the length of a beat in frames, from the peaks at several beats as far as they go."""
    length = _vertex(correlation, lag)
    for beats in REFINING_BEATS:
        reach = max(1, beats // 2)
        centre = round(length * beats)
        around = correlation[centre - reach : centre + reach + 1]
        if centre + reach + 1 >= len(correlation):
            break
        peak = centre - reach + int(np.argmax(around))
        if abs(peak - centre) == reach > 1 or correlation[peak] < correlation[lag] / 2:
            break
        length = _vertex(correlation, peak) / beats
    return length


def _vertex(correlation: Correlation, peak: int) -> float:
    """Return the place of the highest point of a parabola through a peak and its neighbours."""
    before, at, after = correlation[peak - 1 : peak + 2].tolist()
    bend = before - 2 * at + after
    return peak + (0.5 * (before - after) / bend if bend < 0 else 0.0)
