"""What a decoder library makes of a file; one module for each library opens it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Block = npt.NDArray[np.float32]
"""(frames, channels), nominally within -1..1."""

BLOCK_FRAMES = 65_536
"""As many as a block has, about."""


@dataclass(frozen=True)
class Source:
    """A file that was opened.

    Attributes:
        sample_rate: In Hz.
        channels: How many each block has.
        blocks: What is decoded, once; a block may be overwritten by the next one. Raises
            `RequestError`, `undecodable_audio`, where the file is damaged.
    """

    sample_rate: int
    channels: int
    blocks: Iterator[Block]
