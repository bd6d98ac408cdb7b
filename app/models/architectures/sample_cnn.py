"""SampleCNN: filters of three samples on the raw waveform, with poolings down to one frame.

Lee, Park, Kim & Nam, "Sample-level deep convolutional neural networks for music auto-tagging using
raw waveforms", SMC 2017 (arXiv:1703.01789), as Won et al. 2020 (arXiv:2006.00751) trained it: at
16 kHz, and with a zero before the first sample, which shifts the filters by a sample.
"""

from collections.abc import Sequence

import keras
from keras import layers

from app.front_ends import FrontEnd
from app.models.blocks.convolutions import tag_scores
from app.models.blocks.sample_level import global_max_pool, sample_level, waveform

FRONT_END = FrontEnd(sample_rate=16_000)
WINDOW_SAMPLES = 59_049
"""3 ** 10: ten reductions by three leave one frame."""

CHANNELS = (128, 128, 128, 256, 256, 256, 256, 256, 256, 512, 512)

TORCH_LAYERS = {
    f"layer{number}.{torch}": f"conv_{number}{ours}"
    for number in range(1, len(CHANNELS) + 1)
    for torch, ours in {"conv": "", "bn": "_bn"}.items()
} | {"dense": "tags"}
"""Our layers by the modules of the released checkpoints."""


def sample_cnn(
    n_tags: int, window: Sequence[int], channels: Sequence[int] = CHANNELS
) -> keras.Model:
    """Build the network: window of samples (batch, samples) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        window: (samples,).
        channels: Channels of each convolution: the one with strides, those followed by a pooling,
            and the last, over one frame.

    Raises:
        ValueError: The window has another shape, or is too short.
    """
    inputs, x = waveform(window)
    x = global_max_pool(sample_level(x, channels)[-1])
    x = layers.Dropout(0.5)(x)
    return keras.Model(inputs, tag_scores(x, n_tags), name="sample_cnn")
