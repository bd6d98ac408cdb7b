"""Sound from all formats but M4A, through libsndfile.

libsndfile's own messages hold paths of the server and stay here.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np
import soundfile

from app.audio.formats import check_codec
from app.audio.refusals import undecodable
from app.audio.source import BLOCK_FRAMES, Block, Source

UNKNOWN_LENGTH = 2**63 - 1
"""What libsndfile gives for the length of a FLAC that was piped and so never learnt its own."""

FAILED_SEEK = 39
"""The error at the true end of such a FLAC; damage before it has other codes."""


@contextmanager
def opened(file: BinaryIO) -> Iterator[Source]:
    """Open a file whose first bytes were checked.

    Raises:
        RequestError: `unsupported_audio` or `undecodable_audio`.
    """
    os.lseek(file.fileno(), 0, os.SEEK_SET)  # whatever a buffer has read ahead
    try:
        sound = soundfile.SoundFile(file.fileno(), closefd=False)
    except soundfile.LibsndfileError:
        raise undecodable("its header can't be read") from None
    with sound:
        check_codec(sound.format, sound.subtype)
        yield Source(sound.samplerate, sound.channels, _blocks(sound))


def _blocks(sound: soundfile.SoundFile) -> Iterator[Block]:
    decoded = 0
    for block in _all_blocks(sound):
        decoded += len(block)
        yield block
    if decoded < sound.frames and sound.format == "FLAC" and sound.frames != UNKNOWN_LENGTH:
        raise undecodable("it ends before it should")


def _all_blocks(sound: soundfile.SoundFile) -> Iterator[Block]:
    """Yield all that there is.

    At the end of a FLAC of unknown length libsndfile fills the block and then reports a failed
    seek, so what it filled is found by what is left of a filling of NaN.
    """
    unknown_length = sound.frames == UNKNOWN_LENGTH
    block = np.empty((BLOCK_FRAMES, sound.channels), np.float32)
    while True:
        if unknown_length:
            block.fill(np.nan)
        try:
            frames = sound.buffer_read_into(block, "float32")
        except soundfile.LibsndfileError as error:
            if not (unknown_length and error.code == FAILED_SEEK):
                raise undecodable("it breaks off or is damaged") from None
            frames = int(np.count_nonzero(~np.isnan(block[:, 0])))
            if frames:
                yield block[:frames]
            return
        if frames == 0:
            return
        yield block[:frames]
