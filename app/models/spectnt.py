"""SpecTNT: one transformer attends over the bins of each frame, a second one over the frames.

Lu, Wang, Won, Choi & Song, "SpecTNT: a time-frequency transformer for music audio", ISMIR 2021
(arXiv:2110.09127), in its version for tagging. Particular: each frame has a frequency class token
beside its bins. In each block that token hears what the frames know of one another, gathers what
the bins of its frame say, and only then tells it to the frames.

The paper says: zeros are the first frequency class tokens; their row among the learnt places of the
bins tells them apart. Frames begin as learnt vectors, with a temporal class token before them that
no frequency class token belongs to, and that the tags are read from after the last block. The
projections between both are linear, the same for all frames. Encoders are pre-norm with GELU and a
dropout of 0.15, and stand one behind the other in three blocks.

It leaves open, and so it is ours: the projections differ from block to block. Queries, keys and
values are fused and without bias, as in the Music Tagging Transformer of two of its authors. The 96
features of an encoder are theirs; bins and frames keep their own width, 128, since what an encoder
makes of them is added to them. The dense layers of an encoder are four times as wide as a token.
The convolutional front is one residual block with a normalisation before it, and pools frames by
four. Magnitudes have HTK mels without norm, torchaudio's defaults, and are at least 1e-5.
"""

from collections.abc import Sequence

import keras
from keras import KerasTensor, layers, ops

from app.front_ends import FrontEnd
from app.models.attention import Positions, Token, pre_norm_block
from app.models.blocks import batch_norm, residual_2d, spectrogram, tag_scores
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
MOST_BLOCKS = 64


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
        window: Frames and mel bands of a window.
        pools: For each residual block of the front the pooling after it, in frames and in bins.
        channels: Channels of the front, and so numbers a bin.
        dimension: Numbers a frame.
        spectral_features: Width of queries, keys and values of the attention over bins.
        spectral_heads: Its heads.
        temporal_features: Width of queries, keys and values of the attention over frames.
        temporal_heads: Its heads.
        n_blocks: Blocks of both encoders.

    Raises:
        ValueError: The pooling leaves nothing of the window, or features can't be shared out.
    """
    if not 0 < n_blocks <= MOST_BLOCKS:
        raise ValueError(f"n_blocks: {n_blocks} is not one of 1 to {MOST_BLOCKS}")
    given, x = spectrogram(window)
    x = batch_norm(x, "input_bn")
    for number, pool in enumerate(pools, start=1):
        x = residual_2d(x, channels, f"residual_{number}", pool=pool)
    bins, frames = _with_class_tokens(x), _first_frames(x, dimension)
    for number in range(1, n_blocks + 1):
        name = f"block_{number}"
        bins = _told(bins, frames, f"{name}_to_bins")
        bins = _spectral(bins, spectral_heads, f"{name}_spectral", spectral_features)
        frames = _gathered(frames, bins, f"{name}_to_frames")
        frames = pre_norm_block(
            frames,
            temporal_heads,
            f"{name}_temporal",
            dropout=DROPOUT,
            features=temporal_features,
        )
    return keras.Model(given, tag_scores(frames[:, 0], n_tags), name="spectnt")


def _with_class_tokens(x: KerasTensor) -> KerasTensor:
    """(batch, frames, bins, channels) -> (batch, frames, 1 + bins, channels), with places."""
    _, frames, bins, channels = x.shape
    x = ops.pad(x, ((0, 0), (0, 0), (1, 0), (0, 0)))
    x = ops.reshape(x, (-1, 1 + bins, channels))
    x = Positions(1 + bins, channels, name="bin_positions")(x)
    return ops.reshape(x, (-1, frames, 1 + bins, channels))


def _first_frames(x: KerasTensor, dimension: int) -> KerasTensor:
    """What the frames know before the first block: (batch, 1 + frames, dimension)."""
    # Nothing of the window yet, but in Keras everything has to follow from the input.
    nothing = ops.zeros_like(x[:, :, 0, :1])
    return Token(name="cls")(Positions(x.shape[1], dimension, name="frame_positions")(nothing))


def _told(bins: KerasTensor, frames: KerasTensor, name: str) -> KerasTensor:
    """Add what each frame knows to its frequency class token."""
    told = layers.Dense(bins.shape[-1], name=name)(frames[:, 1:])
    others = bins.shape[2] - 1
    padded = ops.pad(ops.expand_dims(told, 2), ((0, 0), (0, 0), (0, others), (0, 0)))
    return ops.add(bins, padded)


def _spectral(bins: KerasTensor, heads: int, name: str, features: int) -> KerasTensor:
    """Let the tokens of each frame attend to one another: the shape stays."""
    shape = bins.shape[1:]
    x = ops.reshape(bins, (-1, *shape[1:]))
    x = pre_norm_block(x, heads, name, dropout=DROPOUT, features=features)
    return ops.reshape(x, (-1, *shape))


def _gathered(frames: KerasTensor, bins: KerasTensor, name: str) -> KerasTensor:
    """Add each frequency class token to its frame; the temporal class token has none."""
    gathered = layers.Dense(frames.shape[-1], name=name)(bins[:, :, 0])
    return ops.add(frames, ops.pad(gathered, ((0, 0), (1, 0), (0, 0))))
