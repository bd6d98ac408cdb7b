"""MusiCNN: timbral and temporal filters, then a small densely connected network.

Pons & Serra, "musicnn: pre-trained convolutional neural networks for music audio tagging", 2019
(arXiv:1909.06654); the filters are from Pons et al., "End-to-end learning for music audio tagging
at scale", ISMIR 2018. This is the graph of the published weights in every detail.
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import KerasTensor, layers, ops

from app.front_ends import FrontEnd
from app.models.blocks.convolutions import drop_features, spectrogram, tag_scores
from app.models.folding import (
    EPSILON,
    Array,
    Folded,
    Weights,
    add_phases,
    best_phases,
    constant_outputs,
    fold_inputs,
    keep_active,
    normalisation,
)
from app.spectra import Log10, Mel, Spectrum

FRONT_END = FrontEnd(
    16_000, Spectrum((512,), 256, bands=Mel(96, 0.0, 8_000.0), log=Log10(10_000.0))
)
WINDOW_SAMPLES = 47_616
"""187 frames, three seconds; frame 188 would reach beyond it."""

TIMBRAL_HEIGHTS = (0.4, 0.7)
"""As a share of the mel axis: tall filters detect a timbre at any pitch."""
TEMPORAL_LENGTHS = (128, 64, 32)
"""In frames: long, flat filters detect rhythm."""


def musicnn(
    n_tags: int,
    window: Sequence[int],
    timbral_channels: Sequence[int] = (204, 204),
    temporal_channels: Sequence[int] = (51, 51, 51),
    temporal_phases: Sequence[int] = (1, 1, 1),
    mid_channels: int = 64,
    hidden_units: int = 200,
    conv_dropout: float = 0.0,
) -> keras.Model:
    """Build the network: melgram window (batch, frames, mels) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        window: (frames, mels).
        timbral_channels: Filters of each height of `TIMBRAL_HEIGHTS`.
        temporal_channels: Filters of each length of `TEMPORAL_LENGTHS`.
        temporal_phases: For each length, how many neighbouring frames are computed at a time.
        mid_channels: Channels of each of the three middle convolutions.
        hidden_units: Width of the layer before the last.
        conv_dropout: Rate of dropout after each convolution of the front; the thesis has .1.

    Raises:
        ValueError: The window has another number of axes.
    """
    melgram, x = spectrogram(window)
    x = layers.BatchNormalization(epsilon=EPSILON, name="input_bn")(x)
    timbre = [
        _timbral(x, height, channels)
        for height, channels in zip(_heights(window[1]), timbral_channels, strict=True)
    ]
    rhythm = [
        _temporal(x, length, channels, phases)
        for length, channels, phases in zip(
            TEMPORAL_LENGTHS, temporal_channels, temporal_phases, strict=True
        )
    ]
    front = layers.Concatenate(name="front")([*timbre, *rhythm])
    front = drop_features(front, conv_dropout)
    x = layers.Concatenate(name="dense_mid")([front, *_mid_end(front, mid_channels)])
    # Maximum and mean of each channel side by side: max0, mean0, max1, mean1 ...
    x = ops.stack([ops.max(x, axis=1), ops.mean(x, axis=1)], axis=-1)
    x = layers.Flatten(name="pooled")(x)
    x = layers.BatchNormalization(epsilon=EPSILON, name="pooled_bn")(x)
    x = layers.Dropout(0.5)(x)
    x = layers.Dense(hidden_units, activation="relu", name="hidden")(x)
    x = layers.BatchNormalization(epsilon=EPSILON, name="hidden_bn")(x)
    x = layers.Dropout(0.5)(x)
    return keras.Model(melgram, tag_scores(x, n_tags), name="musicnn")


def folded(weights: Weights, window: Sequence[int]) -> Folded:
    """Return the same network without its constant filters; see `app.models.folding`.

    The filter of ones that replaces them is the last of the last temporal convolution.

    Args:
        weights: Weights of the network by path.
        window: (frames, mels).

    Returns:
        Arguments of `musicnn`, and the weights.
    """
    front = [f"timbral_{height}" for height in _heights(window[1])]
    front += [f"temporal_{length}" for length in TEMPORAL_LENGTHS]
    fixed = {layer: _keep_one(constant_outputs(weights, layer)) for layer in front}
    smaller = dict(weights)
    for layer in front:
        smaller |= keep_active(weights, layer, fixed[layer], ones=int(layer == front[-1]))
    all_fixed = np.concatenate([fixed[layer] for layer in front])
    smaller["mid_1/kernel"] = fold_inputs(weights["mid_1/kernel"], all_fixed, axis=1)
    smaller |= _folded_pooling(weights, all_fixed)
    channels = [smaller[f"{layer}/bias"].size for layer in front]
    temporal = len(TIMBRAL_HEIGHTS)
    phases = [*map(best_phases, TEMPORAL_LENGTHS, channels[temporal:])]
    for layer, count in zip(front[temporal:], phases, strict=True):
        smaller |= add_phases(smaller, layer, count)
    arguments: dict[str, object] = {
        "timbral_channels": channels[:temporal],
        "temporal_channels": channels[temporal:],
        "temporal_phases": phases,
    }
    return arguments, smaller


def _keep_one(fixed: Array) -> Array:
    """Mark the first filter as active if all are constant: a convolution needs a filter."""
    return fixed if np.isnan(fixed).any() else np.append(np.float32(np.nan), fixed[1:])


def _folded_pooling(weights: Weights, fixed: Array) -> dict[str, Array]:
    """Move constants into the bias of `hidden`: maximum and mean over time don't change them."""
    gain, shift = normalisation(weights, "pooled_bn")
    kernel = weights["hidden/kernel"]
    pooled = np.full(len(gain), np.nan, np.float32)
    pooled[: 2 * len(fixed)] = np.repeat(fixed, 2)
    active = np.isnan(pooled)
    # The two features of the filter of ones come behind those of the front, before the middle's.
    position = np.full(2, np.count_nonzero(active[: 2 * len(fixed)]))
    smaller = {
        path: np.insert(array[active], position, 0, axis=0)
        for path, array in weights.items()
        if path.startswith("pooled_bn/") or path == "hidden/kernel"
    }
    constants = np.where(active, 0, np.nan_to_num(pooled) * gain + shift)
    smaller["hidden/bias"] = (weights["hidden/bias"] + constants @ kernel).astype(np.float32)
    return smaller


def _heights(mels: int) -> list[int]:
    return [int(height * mels) for height in TIMBRAL_HEIGHTS]


def _timbral(x: KerasTensor, height: int, channels: int) -> KerasTensor:
    """Return the maximum over pitch: (batch, frames, mels, 1) -> (batch, frames, channels)."""
    name = f"timbral_{height}"
    x = layers.ZeroPadding2D(((3, 3), (0, 0)))(x)
    x = layers.Conv2D(channels, (7, height), activation="relu", name=name)(x)
    x = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_bn")(x)
    return ops.max(x, axis=2)


def _temporal(x: KerasTensor, length: int, channels: int, phases: int) -> KerasTensor:
    """Return the maximum over the bands: (batch, frames, mels, 1) -> (batch, frames, channels).

    With several phases the convolution has a stride of `phases` frames, and each filter `phases`
    times, shifted by a frame each: the same sums in fewer and fuller vectors.
    """
    name = f"temporal_{length}"
    frames = x.shape[1]
    strides = -(-frames // phases)
    before = (length - 1) // 2
    after = strides * phases + length - 1 - frames - before
    x = layers.ZeroPadding2D(((before, after), (0, 0)))(x)
    x = layers.Conv2D(
        channels * phases, (length + phases - 1, 1), (phases, 1), activation="relu", name=name
    )(x)
    x = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_bn")(x)
    x = ops.max(x, axis=2)
    return ops.reshape(x, (-1, strides * phases, channels))[:, :frames]


def _mid_end(x: KerasTensor, channels: int) -> list[KerasTensor]:
    """Three convolutions over time, the later two residual: each (batch, frames, channels)."""
    outputs: list[KerasTensor] = []
    for number in (1, 2, 3):
        name = f"mid_{number}"
        x = layers.Conv1D(channels, 7, padding="same", activation="relu", name=name)(x)
        x = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_bn")(x)
        x = ops.add(x, outputs[-1]) if outputs else x
        outputs.append(x)
    return outputs
