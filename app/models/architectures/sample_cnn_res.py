"""SampleCNN of residual blocks with features of three levels: Res-2-Multi.

Kim, Lee & Nam, "Sample-level CNN architectures for music auto-tagging using raw waveforms", ICASSP
2018 (arXiv:1710.10451): the network of `sample_cnn_rese` without its excitations, which have four
fifths of its weights.
"""

from collections.abc import Sequence

import keras

from app.models.architectures.sample_cnn_rese import (
    CHANNELS,
    FRONT_END,
    WINDOW_SAMPLES,
    sample_cnn_rese,
)

__all__ = ["FRONT_END", "WINDOW_SAMPLES", "sample_cnn_res"]


def sample_cnn_res(
    n_tags: int, window: Sequence[int], levels: int = 3, channels: Sequence[int] = CHANNELS
) -> keras.Model:
    """Build the network: window of samples (batch, samples) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        window: (samples,).
        levels: The hidden layer uses the outputs of this number of last blocks.
        channels: Channels of the convolution with strides of three samples, then of each block.

    Raises:
        ValueError: There are fewer blocks than levels, or the window is too short.
    """
    return sample_cnn_rese(n_tags, window, squeeze=False, levels=levels, channels=channels)
