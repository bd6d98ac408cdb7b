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


class _Sound(soundfile.SoundFile):  # type: ignore[misc]  # it has no types
    """A file that is read from its beginning to its end.

    After each read `soundfile` would seek to where the file stands already: in an MP3 of variable
    bit rate that spoils what comes next, and at the end of a piped FLAC it fails.
    """

    def seekable(self) -> bool:
        return False


@contextmanager
def opened(file: BinaryIO) -> Iterator[Source]:
    """Open a file whose first bytes were checked.

    Raises:
        RequestError: `unsupported_audio` or `undecodable_audio`.
    """
    os.lseek(file.fileno(), 0, os.SEEK_SET)  # whatever a buffer has read ahead
    try:
        sound = _Sound(file.fileno(), closefd=False)
    except soundfile.LibsndfileError:
        raise undecodable("its header can't be read") from None
    with sound:
        check_codec(sound.format, sound.subtype)
        yield Source(sound.samplerate, sound.channels, _blocks(sound))


def length(file: BinaryIO) -> int:
    """How many samples libsndfile means to give of each channel; 0 where it can't tell.

    It only guesses that of an MP3, or believes what is written in it.
    """
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    try:
        with soundfile.SoundFile(file.fileno(), closefd=False) as sound:
            return 0 if sound.frames == UNKNOWN_LENGTH else int(sound.frames)
    except soundfile.LibsndfileError:
        return 0


def _blocks(sound: _Sound) -> Iterator[Block]:
    decoded = 0
    for block in _all_blocks(sound):
        decoded += len(block)
        yield block
    if decoded < sound.frames and sound.format == "FLAC" and sound.frames != UNKNOWN_LENGTH:
        raise undecodable("it ends before it should")


def _all_blocks(sound: _Sound) -> Iterator[Block]:
    block = np.empty((BLOCK_FRAMES, sound.channels), np.float32)
    while frames := _read(sound, block):
        yield block[:frames]


def _read(sound: _Sound, block: Block) -> int:
    try:
        return int(sound.buffer_read_into(block, "float32"))
    except soundfile.LibsndfileError:
        raise undecodable("it breaks off or is damaged") from None
