"""What a decoder library makes of a file; one module for each library opens it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.domain import Samples

BLOCK_FRAMES = 32_768
"""As many as a block has, about."""


class Block(NamedTuple):
    """A stretch of sound; the next one may have another rate and other channels.

    Attributes:
        sample_rate: In Hz.
        channels: The samples of each, (frames,), nominally within -1..1.
    """

    sample_rate: int
    channels: Sequence[Samples]


@dataclass
class Source:
    """A file that was opened.

    Attributes:
        blocks: What is decoded, once; a block may be overwritten by the next one. Raises
            `RequestError`, `undecodable_audio`, where nothing can be decoded.
        announced_s: How long the file's header says that it is; None where it says nothing that
            can be relied on.
        length_s: The same, or a guess; None where there is neither.
        sample_rate: In Hz, of its first block, as the header says.
        channels: The same.
        lost_s: How much could not be decoded between what could; grows with the blocks.
    """

    blocks: Iterator[Block]
    announced_s: float | None = None
    length_s: float | None = None
    sample_rate: int = 0
    channels: int = 0
    lost_s: float = 0.0
