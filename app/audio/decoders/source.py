"""An opened file as a stream of blocks; each decoder library has a module that opens it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.domain import Samples

BLOCK_FRAMES = 32_768
"""The approximate length of a block."""


class Block(NamedTuple):
    """Consecutive samples; the next block may have another sample rate or other channels.

    Attributes:
        sample_rate: In Hz.
        channels: The samples of each channel, (frames,) float32, nominally within -1..1.
    """

    sample_rate: int
    channels: Sequence[Samples]


@dataclass
class DecodedSource:
    """An opened file.

    Attributes:
        blocks: The decoded blocks, to be read once; a block may be overwritten by the next one.
            Raises `RequestError`, `undecodable_audio`, if nothing can be decoded.
        announced_s: The duration in the header, in seconds; None if it has no reliable one.
        length_s: The same, or else an estimate; None if there is neither.
        sample_rate: The sample rate in the header, in Hz.
        channels: The number of channels in the header.
        lost_s: The duration of damaged parts between decoded ones, in seconds; it grows while
            blocks are read.
    """

    blocks: Iterator[Block]
    announced_s: float | None = None
    length_s: float | None = None
    sample_rate: int = 0
    channels: int = 0
    lost_s: float = 0.0
