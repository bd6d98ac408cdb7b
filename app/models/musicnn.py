"""MusiCNN: filters shaped like timbre and like rhythm, then a small densely connected network.

Pons & Serra, "musicnn: pre-trained convolutional neural networks for music audio tagging", 2019
(arXiv:1909.06654); the filters are from Pons et al., "End-to-end learning for music audio tagging
at scale", ISMIR 2018. This is the graph of the published weights, down to its quirks.
"""

import keras
from keras import KerasTensor, layers, ops

EPSILON = 1e-3
TIMBRAL_HEIGHTS = (0.4, 0.7)
"""Of the mel axis: tall filters hear a timbre wherever it lies in pitch."""
TEMPORAL_LENGTHS = (128, 64, 32)
"""In frames: long, flat filters hear rhythm."""


def musicnn(
    n_tags: int, frames: int, mels: int, mid_channels: int = 64, hidden_units: int = 200
) -> keras.Model:
    """Build the network: melgram window (batch, frames, mels) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        frames: Length of a window, in frames.
        mels: Number of mel bands.
        mid_channels: Channels of each of the three middle convolutions.
        hidden_units: Width of the layer before the last.
    """
    window = keras.Input((frames, mels), name="window")
    x = ops.expand_dims(window, -1)
    x = layers.BatchNormalization(epsilon=EPSILON, name="input_bn")(x)
    timbre = [_timbral(x, int(height * mels)) for height in TIMBRAL_HEIGHTS]
    rhythm = [_temporal(x, length) for length in TEMPORAL_LENGTHS]
    front = layers.Concatenate(name="front")([*timbre, *rhythm])
    x = layers.Concatenate(name="dense_mid")([front, *_mid_end(front, mid_channels)])
    # Maximum and mean of each channel side by side: max0, mean0, max1, mean1 ...
    x = ops.stack([ops.max(x, axis=1), ops.mean(x, axis=1)], axis=-1)
    x = layers.Flatten(name="pooled")(x)
    x = layers.BatchNormalization(epsilon=EPSILON, name="pooled_bn")(x)
    x = layers.Dropout(0.5)(x)
    x = layers.Dense(hidden_units, activation="relu", name="hidden")(x)
    x = layers.BatchNormalization(epsilon=EPSILON, name="hidden_bn")(x)
    x = layers.Dropout(0.5)(x)
    scores = layers.Dense(n_tags, activation="sigmoid", name="tags")(x)
    return keras.Model(window, scores, name="musicnn")


def _timbral(x: KerasTensor, height: int) -> KerasTensor:
    """(batch, frames, mels, 1) -> (batch, frames, 204): the best match over pitch."""
    name = f"timbral_{height}"
    x = layers.ZeroPadding2D(((3, 3), (0, 0)))(x)
    x = layers.Conv2D(204, (7, height), activation="relu", name=name)(x)
    x = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_bn")(x)
    return ops.max(x, axis=2)


def _temporal(x: KerasTensor, length: int) -> KerasTensor:
    """(batch, frames, mels, 1) -> (batch, frames, 51): the best match over the bands."""
    name = f"temporal_{length}"
    x = layers.Conv2D(51, (length, 1), padding="same", activation="relu", name=name)(x)
    x = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_bn")(x)
    return ops.max(x, axis=2)


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
