"""Tempograms: how strong each tempo is over time."""

import librosa
import numpy as np
from matplotlib.figure import Figure

from app.descriptors.figures.canvas import (
    Excerpt,
    NamedPicture,
    Values,
    draw_heat,
    name_picture,
)
from app.descriptors.frames import HOP, log_mels, magnitude_blocks
from app.descriptors.rhythm import FASTEST_BPM, SLOWEST_BPM, Tempo, measure_envelope

WINDOW_S = 6.0
"""The stretch of the onset envelope that the tempo at a moment depends on."""

ROWS = np.arange(SLOWEST_BPM, FASTEST_BPM + 1)
"""The tempi drawn, in beats per minute."""


def draw_tempo(excerpt: Excerpt, tempo: Tempo) -> tuple[NamedPicture, ...]:
    """Draw the tempogram by autocorrelation, and the Fourier tempogram.

    Args:
        excerpt: The excerpt.
        tempo: The tempo of the track, which a line marks if it is known.
    """
    rate = excerpt.sample_rate
    mels = np.concatenate(
        [log_mels(block, rate) for block in magnitude_blocks(excerpt.samples)], axis=1
    )
    envelope = measure_envelope(mels, rate)
    length = 2 * round(WINDOW_S * rate / HOP / 2)
    arguments = {"onset_envelope": envelope, "sr": rate, "hop_length": HOP, "win_length": length}
    by_lag = librosa.feature.tempogram(**arguments)
    by_frequency = np.abs(librosa.feature.fourier_tempogram(**arguments))
    lags = librosa.tempo_frequencies(len(by_lag), sr=rate, hop_length=HOP)
    frequencies = librosa.fourier_tempo_frequencies(sr=rate, hop_length=HOP, win_length=length)
    marked = f"; dashes: {tempo.bpm:.1f}" if tempo.bpm else ""
    return (
        name_picture(
            "tempogram",
            "Tempogram",
            f"the autocorrelation of the onsets in {WINDOW_S:g} s; halves too{marked}",
            _draw(_rows(by_lag[::-1], lags[::-1]), excerpt, tempo, "correlation"),
        ),
        name_picture(
            "fourier_tempogram",
            "Fourier tempogram",
            f"the Fourier transform of the onsets in {WINDOW_S:g} s; doubles too{marked}",
            _draw(_rows(by_frequency, frequencies), excerpt, tempo, "magnitude"),
        ),
    )


def _draw(values: Values, excerpt: Excerpt, tempo: Tempo, legend: str) -> Figure:
    edges = (float(SLOWEST_BPM), float(FASTEST_BPM))
    figure = draw_heat(values, excerpt, "tempo (beats/min)", rows=edges, legend=legend)
    if tempo.bpm:
        axes = figure.axes[0]
        axes.axhline(tempo.bpm, color="white", linewidth=1.2, dashes=(6, 6))
        axes.set_ylim(edges)
    return figure


def _rows(values: Values, bpm: Values) -> Values:
    """Return the row of the nearest tempo for each of `ROWS`; `bpm` rises."""
    between = (bpm[1:] + bpm[:-1]) / 2
    nearest: Values = values[np.searchsorted(between, ROWS)]
    return nearest
