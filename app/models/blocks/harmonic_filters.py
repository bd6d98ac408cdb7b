"""Triangular filters at notes and their harmonics, with a trained width.

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
    """Sums power spectra over filters at the harmonics of each note.

    (batch, frames, bins) -> (batch, frames, notes, harmonics). `bins` go from 0 Hz to half the
    sample rate, `notes` from C1 up as long as all harmonics lie below that. All filters share one
    trained number, Q: a filter at f Hz is (ALPHA * f + BETA) / Q wide. It always computes in
    float32: bf16 is too coarse for the frequencies of a filter.
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
        """Create Q, and compute the frequencies of the bins.

        Raises:
            ValueError: The number of bins is unknown.
        """
        *_, bins = input_shape
        if bins is None:
            raise ValueError("the number of bins is unknown; expected a fixed one")
        self.frequencies = np.linspace(0, self.sample_rate / 2, bins, dtype=np.float32)
        self.q = self.add_weight(shape=(1,), initializer="ones", name="q")

    def call(self, power: KerasTensor) -> KerasTensor:
        """Sum the power, (batch, frames, bins), in each filter; see the class for the output."""
        bands = ops.matmul(power, self._filters())
        return ops.reshape(bands, (-1, bands.shape[1], *self.centres.shape))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the output; see the class."""
        return (*input_shape[:-1], *self.centres.shape)

    def get_config(self) -> dict[str, object]:
        """Return the arguments of `__init__`."""
        own_config = {
            "sample_rate": self.sample_rate,
            "harmonics": self.harmonics,
            "notes_per_semitone": self.notes_per_semitone,
        }
        return {**super().get_config(), **own_config}

    def _filters(self) -> KerasTensor:
        """Return the triangles, (bins, notes * harmonics), 1 at their centres."""
        centres = self.centres.reshape(1, -1)
        half_widths = ops.divide((ALPHA * centres + BETA) / 2, self.q)
        distances = np.abs(self.frequencies[:, np.newaxis] - centres)
        return ops.relu(1.0 - ops.divide(distances, half_widths))


def _centres(sample_rate: int, harmonics: int, notes_per_semitone: int) -> np.ndarray:
    """Return the centres of the filters in Hz, (notes, harmonics)."""
    if min(sample_rate, harmonics, notes_per_semitone) < 1:
        raise ValueError("sample_rate, harmonics and notes_per_semitone: expected at least 1")
    highest = A4 + SEMITONES * np.log2(sample_rate / 2 / harmonics / A4_HZ)
    count = (round(highest) - LOWEST_NOTE) * notes_per_semitone
    if count < 1:
        raise ValueError(
            f"harmonics: {harmonics} harmonics of C1 exceed half the sample rate, "
            f"{sample_rate / 2:g} Hz; expected fewer"
        )
    notes = LOWEST_NOTE + np.arange(count) / notes_per_semitone
    lowest = A4_HZ * 2 ** ((notes - A4) / SEMITONES)
    return np.outer(lowest, np.arange(1, harmonics + 1)).astype(np.float32)
