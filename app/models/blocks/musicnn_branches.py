"""The branches of MusiCNN's melgram front end: tall filters for timbre, long ones for rhythm.

Pons et al., "End-to-end learning for music audio tagging at scale", ISMIR 2018 (arXiv:1711.02520),
as Won et al. wrote them for PyTorch: normalisation before the ReLU, odd lengths.
"""

from keras import KerasTensor, layers, ops

from app.models.blocks.convolutions import batch_norm


def timbral(
    x: KerasTensor, channels: int, name: str, *, height: int, length: int = 7
) -> KerasTensor:
    """Convolve over time and pitch, and take the maximum over pitch.

    Args:
        x: (batch, frames, mels, channels).
        channels: Channels of the output.
        name: Name of the convolution.
        height: Height of the filters, in bands.
        length: Length of the filters, in frames; odd.

    Returns:
        (batch, frames, channels).
    """
    x = layers.ZeroPadding2D((length // 2, 0))(x) if length > 1 else x
    x = layers.Conv2D(channels, (length, height), name=name)(x)
    return ops.max(ops.relu(batch_norm(x, f"{name}_bn")), axis=2)


def temporal(x: KerasTensor, channels: int, name: str, *, length: int) -> KerasTensor:
    """Convolve over time, normalise and apply a ReLU: (batch, frames, any) -> (..., channels).

    Args:
        x: (batch, frames, any).
        channels: Channels of the output.
        name: Name of the convolution.
        length: Length of the filters, in frames; odd.
    """
    x = layers.Conv1D(channels, length, padding="same", name=name)(x)
    return ops.relu(batch_norm(x, f"{name}_bn"))
