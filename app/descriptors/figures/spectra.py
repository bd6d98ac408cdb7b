"""The waveform, its Fourier transforms, and how their magnitudes are distributed."""

from collections.abc import Mapping

import librosa
import numpy as np
from matplotlib.figure import Figure
from scipy.fft import dct, idct
from scipy.ndimage import uniform_filter1d

from app.descriptors.figures.canvas import (
    DECIBELS,
    HEIGHT,
    TIME,
    WIDTH,
    Excerpt,
    NamedPicture,
    Values,
    draw_curve,
    draw_heat,
    name_picture,
)
from app.descriptors.frames import HOP, N_FFT, Magnitudes
from app.plot_style import ACCENT, FONT_PT, INK, MUTED, SECOND, blank, plain

POINTS = 1_000
"""About the width of a figure in pixels."""

LOWEST_HZ = 20.0
ENVELOPE_COEFFICIENTS = 24
"""The cepstral coefficients of the envelope: it follows formants, and not harmonics."""

SMOOTHED_FRAMES = 31
"""Half a second: single frames would make a line a blur."""

GAIN = 10_000
"""That of the logarithm, `log10(1 + GAIN * x)`, in the front ends of MusiCNN."""
BINS = 80


def draw_spectra(excerpt: Excerpt) -> tuple[NamedPicture, ...]:
    """Draw the waveform, the DFT, the STFT, and the envelope and shape of the spectrum."""
    magnitudes = np.abs(librosa.stft(excerpt.samples, n_fft=N_FFT, hop_length=HOP))
    decibels = librosa.amplitude_to_db(magnitudes, ref=np.max)
    kilohertz = excerpt.sample_rate / 2_000
    return (
        name_picture(
            "waveform",
            "Waveform",
            "the lowest and highest sample of each of 1,000 stretches",
            _draw_waveform(excerpt),
        ),
        name_picture(
            "dft",
            "Discrete Fourier transform",
            "the largest magnitude in each of 1,000 bands",
            _draw_dft(excerpt),
        ),
        name_picture(
            "stft",
            "Short-time Fourier transform",
            f"frames of {N_FFT:,} samples, {HOP} apart",
            draw_heat(decibels, excerpt, "frequency (kHz)", rows=(0, kilohertz), legend=DECIBELS),
        ),
        name_picture(
            "spectral_envelope",
            "Spectral envelope",
            f"the mean spectrum, smoothed by keeping {ENVELOPE_COEFFICIENTS} cepstral coefficients",
            _draw_envelope(magnitudes, excerpt.sample_rate),
        ),
        *_draw_shape(magnitudes, decibels, excerpt),
    )


def draw_histograms(mels: Values) -> NamedPicture:
    """Draw the histograms of mel magnitudes before and after the logarithm.

    Args:
        mels: (bands, frames), the power of the mel bands.
    """
    figure = blank(WIDTH, HEIGHT)
    before, after = figure.subplots(1, 2)
    logarithms = np.log10(1 + GAIN * mels)
    for axes, values, label in (
        (before, mels, "power"),
        (after, logarithms, f"log10(1 + {GAIN:,} * power)"),
    ):
        axes.hist(values.ravel(), BINS, color=ACCENT)
        axes.set_yscale("log")
        axes.tick_params(which="minor", length=0)
        plain(axes, label, "values", grid="y")
    return name_picture(
        "magnitude_histograms",
        "Magnitudes before and after the logarithm",
        "most values are near 0 before it, and spread out after it",
        figure,
    )


def _draw_waveform(excerpt: Excerpt) -> Figure:
    figure = blank(WIDTH, HEIGHT)
    axes = figure.subplots()
    edges = np.linspace(0, len(excerpt.samples), POINTS, endpoint=False).astype(int)
    axes.fill_between(
        excerpt.start_s + edges / excerpt.sample_rate,
        np.minimum.reduceat(excerpt.samples, edges),
        np.maximum.reduceat(excerpt.samples, edges),
        color=ACCENT,
        linewidth=0.5,
    )
    plain(axes, TIME, "amplitude")
    axes.margins(x=0)
    return figure


def _draw_dft(excerpt: Excerpt) -> Figure:
    spectrum = np.abs(np.fft.rfft(excerpt.samples))
    hertz = np.fft.rfftfreq(len(excerpt.samples), 1 / excerpt.sample_rate)
    edges = np.geomspace(LOWEST_HZ, excerpt.sample_rate / 2, POINTS, endpoint=False)
    starts = np.unique(np.searchsorted(hertz, edges))
    decibels = librosa.amplitude_to_db(np.maximum.reduceat(spectrum, starts), ref=np.max)
    return draw_curve(hertz[starts], decibels, ("frequency (Hz)", DECIBELS), log=True)


def _draw_shape(
    magnitudes: Magnitudes, decibels: Values, excerpt: Excerpt
) -> tuple[NamedPicture, ...]:
    """Draw the roll-off, and the centroid with the bandwidth, over the spectrogram."""
    given = {"S": magnitudes, "sr": excerpt.sample_rate}
    centroid, bandwidth, rolloff = (
        measure(**given)[0] / 1_000
        for measure in (
            librosa.feature.spectral_centroid,
            librosa.feature.spectral_bandwidth,
            librosa.feature.spectral_rolloff,
        )
    )
    around = {"centroid": centroid, "one bandwidth above": centroid + bandwidth}
    around["one bandwidth below"] = centroid - bandwidth
    return (
        name_picture(
            "spectral_rolloff",
            "Spectral roll-off",
            "85 % of the magnitude is below the line",
            _draw_lines(decibels, excerpt, {"roll-off": rolloff}),
        ),
        name_picture(
            "spectral_centroid",
            "Spectral centroid and bandwidth",
            "the mean frequency, and the standard deviation around it",
            _draw_lines(decibels, excerpt, around),
        ),
    )


def _draw_lines(decibels: Values, excerpt: Excerpt, lines: Mapping[str, Values]) -> Figure:
    """Draw lines in kilohertz, (frames,), over a spectrogram; the first is solid."""
    top = excerpt.sample_rate / 2_000
    figure = draw_heat(decibels, excerpt, "frequency (kHz)", rows=(0, top), legend=DECIBELS)
    axes = figure.axes[0]
    for number, (label, values) in enumerate(lines.items()):
        smooth = uniform_filter1d(values, SMOOTHED_FRAMES)
        times = excerpt.start_s + np.arange(len(smooth)) * HOP / excerpt.sample_rate
        style = (0, (4, 3)) if number else "solid"
        axes.plot(times, smooth, color="white", linewidth=1.3, linestyle=style, label=label)
    axes.set_ylim(0, top)
    return figure


def _draw_envelope(magnitudes: Magnitudes, sample_rate: int) -> Figure:
    mean = librosa.amplitude_to_db(magnitudes.mean(axis=1), ref=np.max)
    cepstrum = dct(mean, norm="ortho")
    cepstrum[ENVELOPE_COEFFICIENTS:] = 0
    kilohertz = librosa.fft_frequencies(sr=sample_rate, n_fft=N_FFT) / 1_000
    figure = blank(WIDTH, HEIGHT)
    axes = figure.subplots()
    axes.plot(kilohertz, mean, color=MUTED, linewidth=0.8, label="mean spectrum")
    axes.plot(kilohertz, idct(cepstrum, norm="ortho"), color=SECOND, label="envelope")
    plain(axes, "frequency (kHz)", DECIBELS)
    axes.legend(frameon=False, fontsize=FONT_PT, labelcolor=INK)
    return figure
