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
    Mode.MAJOR: (0.748, 0.06, 0.488, 0.082, 0.67, 0.46, 0.096, 0.715, 0.104, 0.366, 0.057, 0.4),
    Mode.MINOR: (0.712, 0.084, 0.474, 0.618, 0.049, 0.46, 0.105, 0.747, 0.404, 0.067, 0.133, 0.33),
}
"""How often each pitch class occurs in a key, from its tonic up (Temperley, Music and Probability,
2007). With those of Krumhansl and Kessler, C major is taken for G major if notes have overtones."""

MIN_SPREAD = 0.12
"""The least standard deviation of pitch classes in multiples of their mean: white noise has .1."""


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
    # Without `norm` chroma is linear, so one frame of sums gives the sum of all frames.
    summed = magnitudes.sum(axis=1, keepdims=True, dtype=np.float64)
    chroma: FinePitchClasses = librosa.feature.chroma_stft(
        S=summed, sr=sample_rate, n_chroma=12 * THIRDS, tuning=0.0, norm=None
    )[:, 0]
    return chroma


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
