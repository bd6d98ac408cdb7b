"""SpecTNT: a spectral transformer over the bins of each frame, a temporal one over the frames.

Lu, Wang, Won, Choi & Song, "SpecTNT: a time-frequency transformer for music audio", ISMIR 2021
(arXiv:2110.09127), in its version for tagging. Each frame has a frequency class token (FCT)
besides its bins. In each block the frame embedding is added to the FCT, the spectral encoder runs
over the FCT and the bins, and the FCT is added to the frame embedding before the temporal encoder.

Defined by the paper: FCTs begin as zeros plus a trained position embedding. Frame embeddings begin
as trained vectors, with a temporal class token before them that has no FCT; the tags are predicted
from it after the last block. The projections between both are linear, the same for all frames.
Encoders are pre-norm with GELU and a dropout of 0.15. There are three blocks.

Not defined by the paper, so our choice: each block has its own projections. Queries, keys and
values are fused and without bias, as in the Music Tagging Transformer of two of its authors. The 96
features of an encoder are the width of its queries, keys and values; bins and frames keep their
width of 128, because of the residuals. The dense layers of an encoder are four times as wide as a
token. The convolutional front is one residual block with a normalisation before it, and pools
frames by four. Magnitudes have HTK mels without norm, torchaudio's defaults, and are at least 1e-5.
"""

from collections.abc import Sequence

import keras
from keras import KerasTensor, layers, ops

from app.front_ends import FrontEnd
from app.models.blocks.attention import Positions, Token, pre_norm_block
from app.models.blocks.convolutions import batch_norm, residual_2d, spectrogram, tag_scores
from app.spectra import Mel, MelScale, NaturalLog, Spectrum

FRONT_END = FrontEnd(
    sample_rate=22_050,
    spectrum=Spectrum(
        n_fft=(1024,),
        hop=512,
        power=1.0,
        bands=Mel(n_mels=128, f_min=0.0, f_max=11_025.0, scale=MelScale.HTK, by_area=False),
        log=NaturalLog(offset=1e-5),
    ),
)
"""As published: log-magnitudes."""
WINDOW_SAMPLES = 100_107
"""4.54 seconds."""

DROPOUT = 0.15
MAX_BLOCKS = 64
ATTENTION = "_temporal_attention"
"""The ending of the layers with attention over frames; their first row is the class token's."""


def spectnt(
    n_tags: int,
    window: Sequence[int],
    pools: Sequence[Sequence[int]] = ((4, 1),),
    channels: int = 128,
    dimension: int = 128,
    spectral_features: int = 96,
    spectral_heads: int = 4,
    temporal_features: int = 96,
    temporal_heads: int = 8,
    n_blocks: int = 3,
) -> keras.Model:
    """Build the network: log-melgram (batch, frames, mels) to scores (batch, n_tags) in 0..1.

    Args:
        n_tags: Number of tags.
        window: (frames, mels).
        pools: The pooling after each residual block of the front, (frames, bins).
        channels: Channels of the front, the width of a bin.
        dimension: Width of a frame embedding.
        spectral_features: Width of queries, keys and values of the attention over bins.
        spectral_heads: Its heads.
        temporal_features: Width of queries, keys and values of the attention over frames.
        temporal_heads: Its heads.
        n_blocks: Number of blocks, each with both encoders.

    Raises:
        ValueError: The window is too small, or features can't be divided among the heads.
    """
    if not 0 < n_blocks <= MAX_BLOCKS:
        raise ValueError(f"n_blocks: {n_blocks} is out of range; expected 1 to {MAX_BLOCKS}")
    inputs, x = spectrogram(window)
    x = batch_norm(x, "input_bn")
    for number, pool in enumerate(pools, start=1):
        x = residual_2d(x, channels, f"residual_{number}", pool=pool)
    bins, frames = _with_class_tokens(x), _initial_frames(x, dimension)
    for number in range(1, n_blocks + 1):
        name = f"block_{number}"
        bins = _add_frames(bins, frames, f"{name}_to_bins")
        bins = _spectral(bins, spectral_heads, f"{name}_spectral", spectral_features)
        frames = _add_class_tokens(frames, bins, f"{name}_to_frames")
        frames = pre_norm_block(
            frames,
            temporal_heads,
            f"{name}_temporal",
            dropout=DROPOUT,
            features=temporal_features,
        )
    return keras.Model(inputs, tag_scores(frames[:, 0], n_tags), name="spectnt")


def _with_class_tokens(x: KerasTensor) -> KerasTensor:
    """Prepend class tokens and add positions: (batch, frames, 1 + bins, channels)."""
    _, frames, bins, channels = x.shape
    x = ops.pad(x, ((0, 0), (0, 0), (1, 0), (0, 0)))
    x = ops.reshape(x, (-1, 1 + bins, channels))
    x = Positions(1 + bins, channels, name="bin_positions")(x)
    return ops.reshape(x, (-1, frames, 1 + bins, channels))


def _initial_frames(x: KerasTensor, dimension: int) -> KerasTensor:
    """Return the initial frame embeddings, (batch, 1 + frames, dimension)."""
    # They don't depend on the window, but Keras needs every tensor to be computed from the input.
    zeros = ops.zeros_like(x[:, :, 0, :1])
    return Token(name="cls")(Positions(x.shape[1], dimension, name="frame_positions")(zeros))


def _add_frames(bins: KerasTensor, frames: KerasTensor, name: str) -> KerasTensor:
    """Add each frame embedding to the frequency class token of its frame."""
    projected = layers.Dense(bins.shape[-1], name=name)(frames[:, 1:])
    others = bins.shape[2] - 1
    padded = ops.pad(ops.expand_dims(projected, 2), ((0, 0), (0, 0), (0, others), (0, 0)))
    return ops.add(bins, padded)


def _spectral(bins: KerasTensor, heads: int, name: str, features: int) -> KerasTensor:
    """Apply the spectral encoder to the tokens of each frame; the shape stays the same."""
    shape = bins.shape[1:]
    x = ops.reshape(bins, (-1, *shape[1:]))
    x = pre_norm_block(x, heads, name, dropout=DROPOUT, features=features)
    return ops.reshape(x, (-1, *shape))


def _add_class_tokens(frames: KerasTensor, bins: KerasTensor, name: str) -> KerasTensor:
    """Add each frequency class token to its frame; the temporal class token has none."""
    projected = layers.Dense(frames.shape[-1], name=name)(bins[:, :, 0])
    return ops.add(frames, ops.pad(projected, ((0, 0), (1, 0), (0, 0))))
