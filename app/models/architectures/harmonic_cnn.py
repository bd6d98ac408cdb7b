"""Harmonic CNN: trained filters output each pitch with its harmonics as channels.

Won, Chun, Nieto & Serra, "Data-driven harmonic filters for audio representation learning", ICASSP
2020, in the form of Won et al., SMC 2020 (arXiv:2006.00751). Its input is the power spectrum:
bands and decibels are part of the network, because the width of the filters is trained.
"""

from collections.abc import Sequence

import keras
from keras import KerasTensor, ops

from app.front_ends import FrontEnd
from app.models.blocks.convolutions import batch_norm, conv_block_2d, dense_head, residual_2d
from app.models.blocks.harmonic_filters import HarmonicFilters
from app.spectra import Spectrum

FRONT_END = FrontEnd(16_000, Spectrum((512,), 256))
WINDOW_SAMPLES = 80_000

FLOOR = 1e-10
"""Smaller powers are raised to this one before the logarithm."""

MAX_HARMONICS, MAX_NOTES = 64, 16

TORCH_LAYERS = {
    "hstft.bw_Q": "harmonic_filters/q",
    "hstft_bn": "input_bn",
    **{f"layer{number}.conv": f"conv_{number}" for number in (1, 5)},
    **{f"layer{number}.bn": f"conv_{number}_bn" for number in (1, 5)},
    **{
        f"layer{number}.{kind}_{half}": f"residual_{number}_{half}{suffix}"
        for number in (2, 3, 4, 6, 7)
        for half in (1, 2)
        for kind, suffix in (("conv", ""), ("bn", "_bn"))
    },
    "dense1": "hidden",
    "bn": "hidden_bn",
    "dense2": "tags",
}


def harmonic_cnn(
    n_tags: int,
    window: Sequence[int],
    sample_rate: int = 16_000,
    harmonics: int = 6,
    notes_per_semitone: int = 2,
    channels: int = 128,
) -> keras.Model:
    """Build the network: window (batch, frames, bins) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        window: (frames, bins) of power spectra; the bins go from 0 Hz to half the sample rate.
        sample_rate: The front end's, in Hz.
        harmonics: Number of harmonics of each note; the more, the lower is the highest note.
        notes_per_semitone: Resolution of pitch.
        channels: Channels of the first four blocks; the later three have twice as many.

    Raises:
        ValueError: The window or an argument is not valid.
    """
    if len(window) != 2:  # noqa: PLR2004
        raise ValueError(f"window: {tuple(window)} is not a valid shape; expected (frames, bins)")
    for name, number, limit in (
        ("harmonics", harmonics, MAX_HARMONICS),
        ("notes_per_semitone", notes_per_semitone, MAX_NOTES),
    ):
        if not 0 < number <= limit:
            raise ValueError(f"{name}: {number} is out of range; expected 1 to {limit}")
    power = keras.Input(tuple(window), name="window")
    x = HarmonicFilters(sample_rate, harmonics, notes_per_semitone, name="harmonic_filters")(power)
    x = batch_norm(_decibels(x), "input_bn")
    x = conv_block_2d(x, channels, 2, "conv_1")
    for number in (2, 3, 4):
        x = residual_2d(x, channels, f"residual_{number}", pool=2)
    x = conv_block_2d(x, 2 * channels, 2, "conv_5")
    for number in (6, 7):
        x = residual_2d(x, 2 * channels, f"residual_{number}", pool=(3, 2))
    x = ops.max(x, axis=(1, 2))
    return keras.Model(power, dense_head(x, n_tags, 2 * channels), name="harmonic_cnn")


def _decibels(power: KerasTensor) -> KerasTensor:
    return 10 * ops.log10(ops.maximum(power, FLOOR))
