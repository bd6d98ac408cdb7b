"""The constant-Q transform, and pitch classes over time."""

import librosa
import numpy as np

from app.descriptors.figures.canvas import (
    DECIBELS,
    Excerpt,
    NamedPicture,
    draw_heat,
    name_picture,
)
from app.descriptors.frames import HOP, N_FFT
from app.descriptors.key import TONICS

OCTAVES = 7
"""From C1, 33 Hz, to B7, 3951 Hz."""


def draw_pitch(excerpt: Excerpt) -> tuple[NamedPicture, ...]:
    """Draw the CQT, the chroma of the STFT and of the CQT, and CENS."""
    rate, chroma = excerpt.sample_rate, librosa.feature
    constant_q = np.abs(librosa.cqt(excerpt.samples, sr=rate, hop_length=HOP, n_bins=12 * OCTAVES))
    of_stft = chroma.chroma_stft(
        y=excerpt.samples, sr=rate, n_fft=N_FFT, hop_length=HOP, tuning=0.0
    )
    by_name = {
        ("chroma_stft", "Chroma of the STFT"): of_stft,
        ("chroma_cqt", "Chroma of the CQT"): chroma.chroma_cqt(C=constant_q, bins_per_octave=12),
        ("cens", "CENS"): chroma.chroma_cens(C=constant_q, bins_per_octave=12),
    }
    descriptions = (
        "each pitch class in relation to the strongest one of its frame",
        "the same, from bands that are evenly spaced in pitch",
        "the chroma of the CQT, quantised and smoothed over time",
    )
    return (
        name_picture(
            "cqt",
            "Constant-Q transform",
            f"{OCTAVES} octaves from C1, a band for each semitone",
            draw_heat(
                librosa.amplitude_to_db(constant_q, ref=np.max),
                excerpt,
                "octave",
                rows=(1, OCTAVES + 1),
                legend=DECIBELS,
            ),
        ),
        *(
            name_picture(
                name, title, what, draw_heat(values, excerpt, "", names=TONICS, legend="share")
            )
            for ((name, title), values), what in zip(by_name.items(), descriptions, strict=True)
        ),
    )
