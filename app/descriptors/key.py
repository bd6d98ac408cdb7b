"""The key of a track, by correlating its pitch classes with the profiles of all keys."""

from dataclasses import dataclass
from enum import StrEnum

import librosa
import numpy as np
import numpy.typing as npt

from app.descriptors.frames import Magnitudes

PitchClasses = npt.NDArray[np.float64]
"""(12,): the energy of each pitch class, of which the first is C."""

FinePitchClasses = npt.NDArray[np.float64]
"""(36,): the energy of thirds of a semitone, of which the first is C."""

TONICS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
THIRDS = 3
"""Bands in a semitone: the tuning is that third in which most of the energy is."""


class Mode(StrEnum):
    """The mode of a key."""

    MAJOR = "major"
    MINOR = "minor"


PROFILES = {
    Mode.MAJOR: (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    Mode.MINOR: (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}
"""How well each pitch class fits a key, from its tonic up (Krumhansl and Kessler 1982)."""

MIN_SPREAD = 0.05
"""The least standard deviation of pitch classes in multiples of their mean: noise has less."""


@dataclass(frozen=True)
class Key:
    """A key.

    Attributes:
        tonic: The tonic, one of `TONICS`.
        mode: Major or minor.
        strength: The correlation of the track's pitch classes with the profile, 0 to 1.
    """

    tonic: str
    mode: Mode
    strength: float


def sum_pitch_classes(magnitudes: Magnitudes, sample_rate: int) -> FinePitchClasses:
    """Return the pitch classes of frames, summed: (36,)."""
    chroma = librosa.feature.chroma_stft(
        S=magnitudes, sr=sample_rate, n_chroma=12 * THIRDS, tuning=0.0, norm=None
    )
    summed: FinePitchClasses = chroma.sum(axis=1, dtype=np.float64)
    return summed


def measure_key(fine: FinePitchClasses) -> Key | None:
    """Return the key of summed pitch classes, or None if they are (nearly) even."""
    classes = _tune(fine)
    if classes.std() <= MIN_SPREAD * classes.mean():
        return None
    found = [
        Key(tonic, mode, float(np.corrcoef(classes, np.roll(profile, place))[0, 1]))
        for mode, profile in PROFILES.items()
        for place, tonic in enumerate(TONICS)
    ]
    best = max(found, key=lambda key: key.strength)
    return Key(best.tonic, best.mode, max(0.0, best.strength))


def _tune(fine: FinePitchClasses) -> PitchClasses:
    """Return the bands of the third of a semitone that has most energy.

    A track may be tuned up to half a semitone off 440 Hz: then its notes are between the bands.
    """
    # Band 0 is centred on C; the bands before and after it are C too, a third lower and higher.
    thirds = np.roll(fine, 1).reshape(12, THIRDS)
    classes: PitchClasses = thirds[:, int(thirds.var(axis=0).argmax())]
    return classes
