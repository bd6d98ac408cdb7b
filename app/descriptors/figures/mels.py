"""Mel bands, MFCCs, and the scales of frequency and loudness behind them."""

import librosa
import numpy as np
from matplotlib.figure import Figure

from app.descriptors.figures.canvas import (
    DECIBELS,
    HEIGHT,
    WIDTH,
    Excerpt,
    NamedPicture,
    Values,
    draw_heat,
    name_picture,
    scale_hz,
)
from app.descriptors.frames import HOP, N_FFT
from app.plot_style import ACCENT, FONT_PT, INK, SECOND, blank, plain

N_MELS = 96
"""As in the front ends of the shipped models."""
N_MFCC = 20
OFF_SCALE = (0.02, 0.98)
"""Quantiles of the MFCCs at the ends of the colour scale: the first coefficient is far larger."""
HERTZ = np.geomspace(20, 20_000, 400)
LOWEST_DB = -60.0
"""Of the weighting curves: A weighting is below it under 16 Hz only."""


def mel_power(excerpt: Excerpt) -> Values:
    """Return the power of the mel bands, (bands, frames)."""
    mels: Values = librosa.feature.melspectrogram(
        y=excerpt.samples, sr=excerpt.sample_rate, n_fft=N_FFT, hop_length=HOP, n_mels=N_MELS
    )
    return mels


def draw_mels(mels: Values, excerpt: Excerpt) -> tuple[NamedPicture, ...]:
    """Draw the log-mel spectrogram, the MFCCs, and the mel and weighting curves."""
    decibels = librosa.power_to_db(mels, ref=np.max)
    inner = librosa.feature.mfcc(S=librosa.power_to_db(mels), n_mfcc=N_MFCC)[1:]
    return (
        name_picture(
            "log_mel",
            "Log-mel spectrogram",
            f"{N_MELS} bands, from 0 to {excerpt.sample_rate // 2:,} Hz",
            draw_heat(decibels, excerpt, "mel band", legend=DECIBELS),
        ),
        name_picture(
            "mfcc",
            "Mel-frequency cepstral coefficients",
            f"the first {N_MFCC - 1} behind that of the level; 4 % of the values are off the scale",
            draw_heat(
                np.clip(inner, *np.quantile(inner, OFF_SCALE)),
                excerpt,
                "coefficient",
                rows=(0.5, N_MFCC - 0.5),
                legend="value",
            ),
        ),
        name_picture(
            "mel_scale",
            "Mel scale",
            "by Slaney's formula and by that of the HTK book, each in shares of its top",
            _draw_mel_scale(),
        ),
        name_picture(
            "weighting_curves",
            "A, C and Z weighting",
            "the gain at each frequency (IEC 61672-1)",
            _draw_weightings(),
        ),
    )


def _draw_mel_scale() -> Figure:
    figure = blank(WIDTH, HEIGHT)
    axes = figure.subplots()
    for label, htk, colour in (("Slaney", False, ACCENT), ("HTK", True, SECOND)):
        mels = librosa.hz_to_mel(HERTZ, htk=htk)
        axes.plot(HERTZ / 1_000, mels / mels[-1], color=colour, label=label)
    plain(axes, "frequency (kHz)", "share of the mels")
    axes.legend(frameon=False, fontsize=FONT_PT, labelcolor=INK)
    return figure


def _draw_weightings() -> Figure:
    figure = blank(WIDTH, HEIGHT)
    axes = figure.subplots()
    for kind, colour in (("A", ACCENT), ("C", SECOND), ("Z", INK)):
        gains = librosa.frequency_weighting(HERTZ, kind=kind, min_db=LOWEST_DB)
        axes.plot(HERTZ, np.broadcast_to(gains, HERTZ.shape), color=colour, label=kind)
    plain(axes, "frequency (Hz)", DECIBELS)
    scale_hz(axes)
    axes.legend(frameon=False, fontsize=FONT_PT, labelcolor=INK)
    return figure
