"""Triangular filters that stand at notes and at their harmonics, and learn how wide they are.

Won, Chun, Nieto & Serra, "Data-driven harmonic filters for audio representation learning", ICASSP
2020.
"""

import keras
import numpy as np
from keras import KerasTensor, layers, ops

LOWEST_NOTE = 24
"""C1 in MIDI, 32.7 Hz."""
A4, A4_HZ = 69, 440.0
SEMITONES = 12

ALPHA, BETA = 0.1079, 24.7
"""Equivalent rectangular bandwidth at f Hz: about `ALPHA * f + BETA` (Glasberg & Moore 1990)."""


@keras.saving.register_keras_serializable("taggram")
class HarmonicFilters(layers.Layer):
    """Sums power spectra over filters at harmonics: an image of pitch for each harmonic.

    (batch, frames, bins) -> (batch, frames, notes, harmonics). `bins` go from 0 Hz to half the
    sample rate, `notes` from C1 up as long as all harmonics lie below that. All filters share one
    trained number, Q: a filter at f Hz is (ALPHA * f + BETA) / Q wide. In float32 whatever the
    others compute in: bf16 does not tell a filter's edges from its middle.
    """

    def __init__(
        self, sample_rate: int, harmonics: int, notes_per_semitone: int, **kwargs: object
    ) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        self.sample_rate = sample_rate
        self.harmonics = harmonics
        self.notes_per_semitone = notes_per_semitone
        self.centres = _centres(sample_rate, harmonics, notes_per_semitone)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make Q, and see where the bins are."""
        *_, bins = input_shape
        if bins is None:
            raise ValueError("how many bins there are has to be known")
        self.frequencies = np.linspace(0, self.sample_rate / 2, bins, dtype=np.float32)
        self.q = self.add_weight(shape=(1,), initializer="ones", name="q")

    def call(self, power: KerasTensor) -> KerasTensor:
        """Sum what each filter lets through."""
        bands = ops.matmul(power, self._filters())
        return ops.reshape(bands, (-1, bands.shape[1], *self.centres.shape))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """See the class."""
        return (*input_shape[:-1], *self.centres.shape)

    def get_config(self) -> dict[str, object]:
        """What `__init__` takes."""
        own = {
            "sample_rate": self.sample_rate,
            "harmonics": self.harmonics,
            "notes_per_semitone": self.notes_per_semitone,
        }
        return {**super().get_config(), **own}

    def _filters(self) -> KerasTensor:
        """(bins, notes * harmonics): triangles, 1 in the middle."""
        centres = self.centres.reshape(1, -1)
        halves = ops.divide((ALPHA * centres + BETA) / 2, self.q)
        apart = np.abs(self.frequencies[:, np.newaxis] - centres)
        return ops.relu(1.0 - ops.divide(apart, halves))


def _centres(sample_rate: int, harmonics: int, notes_per_semitone: int) -> np.ndarray:
    """In Hz, (notes, harmonics)."""
    if min(sample_rate, harmonics, notes_per_semitone) < 1:
        raise ValueError("sample_rate, harmonics and notes_per_semitone: at least 1 is needed")
    highest = A4 + SEMITONES * np.log2(sample_rate / 2 / harmonics / A4_HZ)
    count = (round(highest) - LOWEST_NOTE) * notes_per_semitone
    if count < 1:
        raise ValueError(f"harmonics: {harmonics} of C1 do not lie below {sample_rate / 2:g} Hz")
    notes = LOWEST_NOTE + np.arange(count) / notes_per_semitone
    lowest = A4_HZ * 2 ** ((notes - A4) / SEMITONES)
    return np.outer(lowest, np.arange(1, harmonics + 1)).astype(np.float32)
